"""A wall from the first day on: nobody should find out by the bill that there was none."""

from django.db import migrations

CAP = 20 * 1_000_000_000


def add_first_budget(apps, schema_editor):
    budgets = apps.get_model("aiops", "Budget").objects.using(schema_editor.connection.alias)
    if not budgets.exists():
        budgets.create(name="Everything", scope="everything", renewal="month", cap=CAP)


class Migration(migrations.Migration):
    dependencies = [("aiops", "0001_initial")]

    operations = [migrations.RunPython(add_first_budget, migrations.RunPython.noop, elidable=False)]
