"""What recipes are run with: the stand-in of the shop's own tests, and somebody who clicks."""

import sys
from types import ModuleType

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.urls import path

from aiops.testing.plugin import openai_stand_in
from project.helpdesk.models import Ticket

__all__ = ["openai_stand_in"]


@pytest.fixture
def ai(openai_stand_in, budget):
    """The provider, and a budget around it."""
    return openai_stand_in


@pytest.fixture
def ticket(db):
    return Ticket.objects.create(text="My card never came.")


@pytest.fixture
def somebody(db):
    """A person who may change tickets."""
    user = get_user_model().objects.create_user("ann", password="ann")
    user.user_permissions.add(Permission.objects.get(codename="change_ticket"))
    return user


@pytest.fixture
def site(settings, client, somebody):
    """Gives views an address each, and whoever posts there."""

    def site(**views):
        urls = ModuleType("recipe_urls")
        urls.urlpatterns = [path(f"{name}/", view) for name, view in views.items()]
        sys.modules["recipe_urls"] = urls
        settings.ROOT_URLCONF = "recipe_urls"
        client.force_login(somebody)
        return client

    yield site
    sys.modules.pop("recipe_urls", None)
