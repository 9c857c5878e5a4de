"""What could not run is not kept."""

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from aiops.jobs.schedules.model import JobSchedule
from tests.jobs.schedules.nightly import make, may

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("budget")]


@pytest.mark.parametrize(
    ("changed", "field", "why"),
    [
        ({"cron": "", "every": None}, "cron", "either a cron expression or a number of minutes"),
        ({"every": 5}, "cron", "either a cron expression or a number of minutes"),
        ({"cron": "61 * * * *"}, "cron", "Bad minute"),
        ({"cron": "0 0 31 4 *"}, "cron", "Bad day-of-month"),
        ({"cron": "", "every": 0}, "every", "greater than or equal to 1"),
        ({"cron": "", "every": 2**31 - 1}, "every", "less than or equal to 527040"),
        ({"time_zone": "Berlin"}, "time_zone", "There is no time zone “Berlin”"),
        ({"version": "staging"}, "version", 'has no label "staging"'),
        ({"version": "99"}, "version", "has no version 99"),
        ({"connection": "nowhere"}, "connection", "nowhere"),
        ({"row_model": "helpdesk.Tickets"}, "row_model", "did you mean “helpdesk.Ticket”"),
        ({"row_model": "auth.User"}, "row_model", "has no source"),
        ({"filters": "colour=red"}, "filters", "has no field “colour”"),
        ({"filters": "category=card\nlanguage"}, "filters", "has no value"),
        ({"list_query": "colour__exact=red"}, "list_query", "has no filter"),
        ({"only": "empty"}, "empty", "Say which field is empty"),
        ({"only": "empty", "empty": "colour"}, "empty", "has no field “colour”"),
        ({"only": "sometimes"}, "only", "not a valid choice"),
        ({"most_cost": 0}, "most_cost", "greater than or equal to 1"),
        ({"most_rows": 0}, "most_rows", "greater than or equal to 1"),
        ({"tell": "ada@example.com, bob"}, "tell", "“bob” is no address"),
        ({"owner": None}, "owner", "has no owner"),
    ],
)
def test_what_could_not_run_is_not_kept(triage, ada, provider, changed, field, why):
    with pytest.raises(ValidationError) as refused:
        make(triage, ada, **changed)
    assert why in " ".join(refused.value.message_dict[field])
    assert not JobSchedule.objects.exists()


def test_a_version_that_asks_for_what_the_rows_do_not_have_is_not_kept(triage, ada, provider):
    triage.prompt.add_version(messages=[{"role": "user", "content": "{{ password }}"}]).publish()
    with pytest.raises(ValidationError) as refused:
        make(triage, ada)
    assert "“password”" in refused.value.message_dict["prompt"][0]


def test_an_owner_who_may_not_is_not_kept(triage, provider):
    bob = User.objects.create_user("bob")
    with pytest.raises(ValidationError) as refused:
        make(triage, bob)
    assert "bob may not run jobs" in refused.value.message_dict["owner"][0]
    with pytest.raises(ValidationError) as refused:
        make(triage, may(bob, "aiops.run_job"))
    assert "bob may not view helpdesk.Ticket" in refused.value.message_dict["owner"][0]
