"""Whose schedules they are, and one of them."""

import pytest
from django.contrib.auth.models import User

from tests.jobs.schedules.nightly import make, may


@pytest.fixture
def ada(db):
    user = User.objects.create_user("ada", is_staff=True)
    return may(user, "aiops.run_job", "helpdesk.view_ticket")


@pytest.fixture
def nightly(triage, tickets, ada, provider):
    """A schedule that is due each night at two, for the first time on the first of December."""
    return make(triage, ada)
