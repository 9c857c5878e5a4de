"""The page about the client says what is in the code, and what the how-to shows runs."""

from __future__ import annotations

import dataclasses
import inspect
import re
from decimal import Decimal
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

import aiops
from aiops import AsyncOpenAIClient, OpenAIClient, OpenAIClientError
from aiops.calls.models import Call
from aiops.client.how import Options
from aiops.execution.costs import CostTracker
from aiops.testing import CutBody, Length, stand_in
from project.helpdesk.models import Ticket

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference/client.md").read_text()
HOW_TO = (DOCS / "how-to/call-from-code.md").read_text()
HELLO, STRUCTURED, OPTIONS, ERRORS, COSTS = re.findall(r"```python\n(.*?)```", HOW_TO, re.DOTALL)
METHODS = sorted(name for name in vars(OpenAIClient) if not name.startswith("_"))
VALUES = [aiops.StreamEnd, aiops.Classification, aiops.Moderation]


def signature(name, thing):
    """`name(argument, other=1)`, without what types they are."""
    parameters = [
        parameter.replace(annotation=parameter.empty)
        for parameter in inspect.signature(thing).parameters.values()
        if parameter.name != "self"
    ]
    shown = f"{name}{inspect.Signature(parameters)}"
    # A set has no order of its own.
    return re.sub(r"\{(.*?)\}", lambda found: f"{{{', '.join(sorted(found[1].split(', ')))}}}", shown)


def test_every_public_name_is_there():
    told = set(re.findall(r"`(\w+)", PAGE))
    assert [name for name in aiops.__all__ if name not in told] == []


def test_every_method_and_function_is_there_with_its_arguments():
    functions = [getattr(aiops, name) for name in aiops.__all__ if inspect.isroutine(getattr(aiops, name))]
    cached = [aiops.get_openai_client, aiops.get_async_openai_client]
    values = [aiops.RetryPolicy, aiops.Fallback, aiops.Image, OpenAIClient, AsyncOpenAIClient]
    shown = [signature(thing.__name__, thing) for thing in [*functions, *cached, *values]]
    shown += [signature(name, vars(OpenAIClient)[name]) for name in METHODS if name != "sdk"]
    assert [one for one in shown if f"`{one}`" not in PAGE] == []


def test_both_clients_have_the_same_methods():
    assert sorted(name for name in vars(AsyncOpenAIClient) if not name.startswith("_")) == METHODS
    for name in METHODS:
        if name != "sdk":
            both = [signature(name, vars(client)[name]) for client in (OpenAIClient, AsyncOpenAIClient)]
            assert both[0] == both[1]


def test_every_option_and_every_field_is_there():
    options = PAGE.split("| option |")[1].partition("\n## ")[0]
    assert sorted(re.findall(r"(?m)^\| `(\w+)` \|", options)) == sorted(Options.__annotations__)
    for value in VALUES:
        (row,) = re.findall(rf"(?m)^\| `{value.__name__}` \| .*$", PAGE)
        assert {field.name for field in dataclasses.fields(value)} <= set(re.findall(r"`(\w+)`", row))
    (row,) = re.findall(r"(?m)^\| `track_costs\(\)` \| .*$", PAGE)
    properties = {name for name, value in vars(CostTracker).items() if isinstance(value, property)}
    fields = {field.name for field in dataclasses.fields(CostTracker)}
    assert fields | properties <= set(re.findall(r"`(\w+)`", row))


@pytest.mark.parametrize("name", [name for name in aiops.__all__ if name.endswith("Error")])
def test_every_error_is_told_with_what_it_holds(name):
    error = getattr(aiops, name)
    (row,) = re.findall(rf"(?m)^\| `{name}` \| .*$", PAGE)
    own = set(vars(error("why"))) - (set() if error is OpenAIClientError else set(vars(OpenAIClientError("why"))))
    assert own <= set(re.findall(r"`(\w+)`", row))
    assert f"`{name}`" in HOW_TO


class TestHowTo:
    @pytest.fixture
    def ai(self, budget):
        with stand_in() as ai:
            yield ai

    def run(self, code):
        names = {"__name__": "how_to"}
        exec(compile(code, "call-from-code.md", "exec"), names)
        return names

    def test_one_call(self, ai, capsys):
        ai.reply_with("A payment taken back.")
        self.run(HELLO)
        assert capsys.readouterr().out == "A payment taken back.\n"

    def test_many_instances_at_once(self, ai):
        ai.when(text="Ann").reply_with({"name": "Ann", "email": None})
        ai.when(text="Bob").always({"name": None})
        ann, bob = async_to_sync(self.run(STRUCTURED)["contacts"])(["Ann", "Bob"])
        assert (ann.name, type(bob)) == ("Ann", aiops.OpenAISchemaValidationError)
        ai.assert_asked(2, text="Bob")

    def test_every_option(self, ai, django_user_model):
        assert set(re.findall(r"(?m)^        (\w+)=", OPTIONS)) == set(Options.__annotations__) - {"connection"}
        ai.reply_with("A card.")
        user = django_user_model.objects.create_user("ann")
        ticket = Ticket.objects.create(text="My card never came.")
        assert self.run(OPTIONS)["sum_up"](ticket, user).choices[0].message.content == "A card."
        row = Call.objects.get()
        assert (row.user_id, row.row_key, row.purpose) == (user.pk, str(ticket.pk), "ticket summary")

    @pytest.mark.parametrize(
        ("reply", "told"),
        [
            ({"category": "card"}, {"category": "card"}),
            (CutBody(), {"later": True, "why": "interrupted", "status": None}),
            (Length("A car"), {"partly": "A car", "why": "cut_off"}),
            ("A card.", {"raw": "A card.", "why": ["there is no JSON in it"]}),
        ],
    )
    def test_every_error(self, ai, settings, reply, told):
        settings.AIOPS["CONNECTIONS"]["default"]["DEADLINE"] = 1
        settings.AIOPS = {**settings.AIOPS}
        ai.when().always(reply)
        assert self.run(ERRORS)["category_of"]("My card never came.") == told

    def test_a_call_that_is_not_made(self, ai, budget):
        budget.cap = 1
        budget.save()
        assert "“Everything” has" in self.run(ERRORS)["category_of"]("My card never came.")["not asked"]

    def test_what_it_cost(self, ai, capsys):
        ai.reply_with("A payment taken back.")
        self.run(COSTS)
        cost, calls, *_tokens, unknown = capsys.readouterr().out.split()
        assert Decimal(cost) == Decimal(Call.objects.get().cost) / 10**9
        assert (calls, unknown) == ("1", "0")
