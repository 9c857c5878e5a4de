"""The app `aiops`, as Django starts it."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AiopsConfig(AppConfig):
    """Asking prompts: calls, money, jobs."""

    name = "aiops"
    label = "aiops"
    verbose_name = _("AI back office")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks, and read the `resources` module of every app."""
        from aiops import checks  # noqa: F401
        from aiops.jobs.schedule import keep_schedule
        from aiops.resources import autodiscover

        autodiscover()
        post_migrate.connect(keep_schedule, sender=self, dispatch_uid="aiops.jobs.schedule")
