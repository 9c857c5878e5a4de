"""The register says what may be read of a model, and refuses what cannot say it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, Permission
from django.test.utils import isolate_apps
from import_export.resources import ModelResource, Resource

from aiops.resources import (
    AlreadyRegistered,
    BadResource,
    NotRegistered,
    autodiscover,
    register,
    registered_models,
    source_of,
    unregister,
)
from project.helpdesk.models import Ticket
from project.helpdesk.resources import TicketSource, TicketTarget


class GroupSource(ModelResource):
    class Meta:
        model = Group
        fields = ("name",)


class CommaForgotten(ModelResource):
    class Meta:
        model = Group
        fields = "surname"  # The column `name` is found within it.


class EverythingOfGroup(ModelResource):
    class Meta:
        model = Group


class NoModel(Resource):
    pass


def test_the_shop_registers_in_its_resources_module():
    autodiscover()
    spec = source_of(Ticket)
    assert (spec.label, spec.source, spec.target) == ("helpdesk.Ticket", TicketSource, TicketTarget)
    assert Ticket in registered_models()


def test_a_model_without_a_source_is_refused_with_the_remedy():
    with pytest.raises(NotRegistered) as refusal:
        source_of(Permission)
    assert str(refusal.value) == (
        "auth.Permission has no source: write a ModelResource that names the fields which prompts may read, and "
        "register it in django.contrib.auth.resources with aiops.resources.register(Permission, source=…)."
    )


def test_registering_and_taking_back(registered):
    registered(Group, source=GroupSource)
    assert source_of(Group).target is None
    with pytest.raises(AlreadyRegistered, match=r"auth\.Group is registered already, with GroupSource"):
        register(Group, source=GroupSource)


def test_after_unregistering_it_is_as_if_it_never_was():
    register(Group, source=GroupSource)
    unregister(Group)
    assert Group not in registered_models()
    with pytest.raises(NotRegistered):
        unregister(Group)


@isolate_apps("tests")
def test_a_proxy_is_read_like_its_model(registered):
    class Team(Group):
        class Meta:
            proxy = True
            app_label = "tests"

    registered(Group, source=GroupSource)
    assert source_of(Team).source is GroupSource


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        (
            {"source": TicketSource},
            "TicketSource is a resource of helpdesk.Ticket: set Meta.model of it to auth.Group.",
        ),
        (
            {"source": NoModel},
            "NoModel is no ModelResource: derive it from import_export.resources.ModelResource.",
        ),
        ({"source": "GroupSource"}, "'GroupSource' is no ModelResource: derive it from"),
        (
            {"source": CommaForgotten},
            "CommaForgotten has a text as its Meta.fields: write (“surname”,), with a comma, or a list.",
        ),
        ({"source": EverythingOfGroup}, "EverythingOfGroup does not say which fields it is about: list them in"),
        ({"source": GroupSource, "target": EverythingOfGroup}, "EverythingOfGroup does not say which fields"),
    ],
)
def test_what_cannot_say_which_fields_is_refused(resources, sentence):
    with pytest.raises(BadResource) as refusal:
        register(Group, **resources)
    assert sentence in str(refusal.value)
    assert Group not in registered_models()
