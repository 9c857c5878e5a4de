"""Answers as instances of a Pydantic class."""

import asyncio
import copy
import pickle
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ForwardRef, Literal

import pytest
from asgiref.sync import async_to_sync
from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model, field_validator
from typing_extensions import TypedDict

from aiops import (
    OpenAIIncompleteError,
    OpenAISchemaValidationError,
    OpenAITransportError,
    get_structured_completion,
    get_structured_completion_sync,
)
from aiops.calls.models import Call
from aiops.gateway.testing import Answer, Length, Refusal, Status
from aiops.ledger.errors import BudgetRefused
from aiops.ledger.models import BudgetPeriod, Hold
from prompts.schemas import problems_of_schema


class Urgency(StrEnum):
    LOW = "low"
    HIGH = "high"


class Refund(BaseModel):
    kind: Literal["refund"]
    amount: Decimal = Field(gt=0)


class Question(BaseModel):
    kind: Literal["question"]
    about: str = Field(max_length=40)


class Person(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    name: str
    born: date | None
    urgency: Urgency = Urgency.LOW


class Ticket(BaseModel):
    """What a customer wants."""

    customer: Person
    wishes: list[Annotated[Refund | Question, Field(discriminator="kind")]]
    tags: set[str] = set()

    @field_validator("wishes")
    @classmethod
    def not_too_many(cls, wishes):
        if len(wishes) > 2:
            raise ValueError("at most two wishes can be seen to")
        return wishes


class Page(BaseModel):
    number: int


class Kept(BaseModel):
    """A class whose validator knows less than it thinks."""

    city: str

    @field_validator("city")
    @classmethod
    def known(cls, city):
        return {"Bern": "BE"}[city]


TICKET = {
    "customer": {"name": "Ada", "born": "1815-12-10", "urgency": "high"},
    "wishes": [{"kind": "refund", "amount": 12.5}, {"kind": "question", "about": "fees"}],
    "tags": ["card", "card"],
}


@pytest.fixture(params=["blocking", "awaited"])
def structured(request):
    """Either of the two functions."""
    if request.param == "blocking":
        return get_structured_completion_sync
    return async_to_sync(get_structured_completion)


def test_an_answer_is_a_validated_instance(api, structured, provider):
    provider.reply_with(TICKET)
    ticket = structured("Sort this ticket: …", "gpt-6-luna", Ticket, 0.2, 500)
    assert isinstance(ticket, Ticket)
    assert ticket.customer == Person(name="Ada", born=date(1815, 12, 10), urgency=Urgency.HIGH)
    assert [type(wish) for wish in ticket.wishes] == [Refund, Question]
    assert ticket.wishes[0].amount == Decimal("12.5")
    assert ticket.tags == {"card"}
    sent = provider.requests[0]
    assert (sent.output_limit, sent.schema_format["strict"], sent.schema_format["name"]) == (500, True, "Ticket")
    # What is sent is what strict structured output takes.
    assert problems_of_schema(sent.schema) == []
    call = Call.objects.get()
    # The log keeps what was said.
    assert (call.status, call.data) == ("succeeded", TICKET)
    assert BudgetPeriod.objects.get().settled == call.cost > 0


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({**TICKET, "customer": {"name": "Ada", "born": "yesterday"}}, "customer.born: Input should be a valid date"),
        ({**TICKET, "customer": {"name": 7, "born": None}}, "customer.name: Input should be a valid string"),
        ({**TICKET, "customer": {"name": "A", "born": None, "x\0": 1}}, "customer.x\ufffd: Extra inputs are not"),
        ({**TICKET, "wishes": [{"kind": "curse"}]}, "wishes.0: Input tag 'curse' found using 'kind' does not match"),
        ({**TICKET, "wishes": [{"kind": "refund", "amount": -1}]}, "wishes.0.refund.amount: Input should be greater"),
        ({**TICKET, "wishes": TICKET["wishes"] * 2}, "at most two wishes can be seen to"),
        (Answer(text='{"customer": NaN}'), "it is not JSON"),
        (Answer(text="[" * 100_000), "it is nested too deeply"),
        (Answer(text="No idea."), "there is no JSON in it"),
    ],
)
def test_what_is_no_instance_is_an_error_that_says_what_is_wrong(api, structured, provider, answer, problem):
    provider.reply_with(answer)
    with pytest.raises(OpenAISchemaValidationError) as caught:
        structured("…", "", Ticket)
    assert caught.value.schema_name == "Ticket"
    assert problem in caught.value.validation_errors[0]
    call = Call.objects.get(pk=caught.value.call_id)
    assert (call.status, call.error_kind, call.data) == ("failed", "schema", None)
    assert call.output == caught.value.raw_output
    # It was paid for, and is sent once: asking again is what `allow_repair` is for.
    assert call.attempt_count == len(provider.requests) == 1
    assert BudgetPeriod.objects.get().held == 0


def test_a_validator_that_fails_takes_nothing_down_with_it(api, structured, provider):
    provider.reply_with({"city": "Basel"})
    with pytest.raises(OpenAISchemaValidationError, match="Kept cannot be made of it: KeyError: 'Basel'"):
        structured("…", "", Kept)
    call = Call.objects.get()
    assert (call.status, call.error_kind) == ("failed", "schema")
    assert (BudgetPeriod.objects.get().held, BudgetPeriod.objects.get().settled) == (0, call.cost)


def test_nul_in_an_answer_can_be_kept(api, structured, provider):
    provider.reply_with(Answer(text='{"city": "Be\\u0000rn"}'), Answer(text='{"about": "\\ud800", "kind": "question"}'))
    with pytest.raises(OpenAISchemaValidationError):
        structured("…", "", Kept)
    assert structured("…", "", Question).about == "\ufffd"
    assert Call.objects.order_by("pk").last().data["about"] == "\ufffd"


def test_a_repair_is_a_call_of_its_own_that_sees_what_was_wrong(api, structured, provider, budget):
    provider.reply_with({"number": "many"}, {"number": 3})
    assert structured("How many pages?", "", Page, allow_repair=True, purpose="count") == Page(number=3)
    first, second = Call.objects.order_by("pk")
    assert (first.error_kind, second.status, second.follows) == ("schema", "succeeded", first.pk)
    assert (first.purpose, second.purpose) == ("count", "count")
    asked = provider.requests[1].messages
    assert [message["role"] for message in asked] == ["user", "assistant", "user"]
    assert '"many"' in str(asked[1]["content"])
    assert "number: Input should be a valid integer" in str(asked[2]["content"])
    assert BudgetPeriod.objects.get().settled == first.cost + second.cost
    assert BudgetPeriod.objects.get().held == 0


def test_there_is_one_repair_and_no_more(api, structured, provider):
    provider.reply_with({"number": "many"}, {"number": "more"}, {"number": 3})
    with pytest.raises(OpenAISchemaValidationError) as caught:
        structured("…", "", Page, allow_repair=True)
    assert caught.value.raw_output == '{"number": "more"}'
    assert len(provider.requests) == 2


def test_a_repair_needs_money_like_any_other_call(structured, provider, budget):
    provider.reply_with({"number": "many"}, {"number": "many"})
    with pytest.raises(OpenAISchemaValidationError):
        structured("…", "", Page)
    # There is room for the same call once more, and so for none after it.
    BudgetPeriod.objects.update(cap=BudgetPeriod.objects.get().settled + Hold.objects.get().amount)
    with pytest.raises(BudgetRefused):
        structured("…", "", Page, allow_repair=True)
    assert [call.error_kind for call in Call.objects.all()] == ["schema", "schema"]
    assert len(provider.requests) == 2


@pytest.mark.parametrize("reply", [Refusal("No."), Length('{"number": 1')])
def test_what_is_no_answer_is_not_repaired(api, structured, provider, reply):
    provider.reply_with(reply)
    with pytest.raises(OpenAIIncompleteError):
        structured("…", "", Page, allow_repair=True)
    assert len(provider.requests) == 1


def test_failures_that_pass_are_sent_again_as_often_as_is_said(api, structured, provider):
    provider.reply_with(Status(500), Status(500), {"number": 1})
    assert structured("…", "", Page, max_retries=2, retry_delay=0).number == 1
    provider.reply_with(Status(500), Status(429, retry_after="0"))
    with pytest.raises(OpenAITransportError) as caught:
        structured("…", "", Page, max_retries=1, retry_delay=0)
    assert (caught.value.status_code, caught.value.retry_after, caught.value.kind) == (429, 0.0, "rate_limited")
    provider.reply_with(Status(500))
    with pytest.raises(OpenAITransportError):
        structured("…", "", Page, max_retries=0)
    assert [call.attempt_count for call in Call.objects.order_by("pk")] == [3, 2, 1]


@pytest.mark.django_db(transaction=True)
def test_fifty_at_a_time_end_each_for_itself(provider, budget):
    def reply(request):
        number = int(request.text.rpartition(" ")[2])
        return [{"number": number}, Status(400), Refusal("No."), {"number": "many"}, Answer(text="{")][number % 5]

    provider.when(lambda request: True, reply)

    async def all_of_them():
        asked = [get_structured_completion(f"Page {number}", "", Page, max_tokens=50) for number in range(50)]
        return await asyncio.gather(*asked, return_exceptions=True)

    came = async_to_sync(all_of_them)()
    expected = [Page, OpenAITransportError, OpenAIIncompleteError, *[OpenAISchemaValidationError] * 2] * 10
    assert [type(one) for one in came] == expected
    assert [one.number for one in came[::5]] == list(range(0, 50, 5))
    assert Call.objects.filter(status="succeeded").count() == 10
    assert Call.objects.filter(status="failed").count() == 40
    period = BudgetPeriod.objects.get()
    assert (period.held, period.settled) == (0, sum(Call.objects.values_list("cost", flat=True)))


class Open(BaseModel):
    counts: dict[str, int]
    anything: Any
    pair: tuple[int, str]


class Inner(TypedDict):
    a: int


class Plain(BaseModel):
    inner: Inner
    again: "Plain | None"
    named: Annotated[str, Field(min_length=2, max_length=9, description="a name", default="Bob")]
    unique: set[int] = Field(default_factory=set, description="numbers")
    link: Annotated[str, Field(json_schema_extra={"format": "uri"})]


class Paged(BaseModel, extra="forbid"):
    items: list["Paged"] = []


def test_what_strict_mode_has_no_words_for_is_sent_as_advice(api, structured, provider):
    provider.reply_with({"counts": {"a": 1}, "anything": [1], "pair": [1, "x"]})
    assert structured("…", "", Open).counts == {"a": 1}
    assert provider.requests[0].schema_format["strict"] is False
    provider.reply_with({"inner": {"a": 1}, "again": None, "named": "Bob", "unique": [1, 1], "link": "x"})
    assert structured("…", "", Plain).unique == {1}
    sent = provider.requests[1].schema_format
    assert sent["strict"] is True
    own = sent["schema"].get("properties") or sent["schema"]["$defs"]["Plain"]["properties"]
    assert own["named"]["description"] == "a name; at least 2 characters; at most 9 characters"
    assert own["unique"]["description"] == "numbers; no two the same"


def test_the_name_of_any_class_can_be_sent(api, structured, provider):
    class Größe(BaseModel):
        number: int

    class Box(BaseModel):
        number: int

    Box.__name__ = "Box[int, str]" + "x" * 90
    for model in (Größe, Box):
        provider.reply_with({"number": 1})
        structured("…", "", model)
    names = [request.schema_format["name"] for request in provider.requests]
    assert names[0] == "Gr_e"
    assert names[1].startswith("Box_int_str_x")
    assert len(names[1]) == 64


def test_a_server_without_schemas_is_told_in_words(api, connect, structured, provider):
    connect(SUPPORTS_JSON_SCHEMA=False)
    provider.reply_with('Sure!\n```json\n{"number": 3}\n```')
    assert structured("…", "", Page).number == 3
    assert provider.requests[0].schema is None
    # As JSON, not as Python shows a dictionary.
    assert '"required": ["number"]' in provider.requests[0].text


def test_a_system_message_stays_the_only_one_where_the_schema_is_told_in_words(api, connect, structured, provider):
    connect(SUPPORTS_JSON_SCHEMA=False)
    provider.reply_with({"number": 3})
    structured([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Which page?"}], "", Page)
    (first, second) = provider.requests[0].messages
    assert (first["role"], second) == ("system", {"role": "user", "content": "Which page?"})
    assert first["content"].startswith("Be brief.\n\nAnswer with JSON")


def test_somebody_else_who_is_asked_is_told_in_words(structured, provider, budget, settings):
    default = settings.AIOPS["CONNECTIONS"]["default"]
    plain = {**default, "SUPPORTS_JSON_SCHEMA": False, "MODEL": "plain"}
    settings.AIOPS = {**settings.AIOPS, "CONNECTIONS": {"default": default, "plain": {**plain, "FREE": True}}}
    provider.reply_with(Status(503), {"number": 3})
    assert structured("…", "", Page, max_retries=0, fallbacks=["plain"]).number == 3
    first, second = provider.requests
    assert (first.schema is None, second.schema is None) == (False, True)
    assert ("JSON Schema" in first.text, "JSON Schema" in second.text) == (False, True)


def test_a_call_says_who_asks_for_what_about_which_row(api, structured, provider, tickets, django_user_model):
    ada = django_user_model.objects.create_user("ada")
    provider.reply_with({"number": 3})
    for _ in range(2):
        assert structured("…", "", Page, by=ada, row=tickets[0], purpose="paging", timeout=9, cache=60).number == 3
    assert len(provider.requests) == 1
    for call in Call.objects.all():
        assert (call.user_id, call.row_key, call.purpose) == (ada.pk, str(tickets[0].pk), "paging")


def test_a_repair_has_what_the_first_call_has_left_of_the_time(api, structured, provider):
    provider.reply_with(Answer(data={"number": "?"}, delay=1.2), Answer(data={"number": 3}, delay=1.2))
    with pytest.raises(OpenAITransportError):
        structured("…", "", Page, allow_repair=True, max_retries=0, timeout=2)
    assert len(provider.requests) == 2


@pytest.mark.parametrize(
    ("model", "provider_name", "sent"),
    [
        ("gpt-6-luna", "openai", None),
        ("gpt-5-mini", "openai", None),
        ("o3", "azure", None),
        ("gpt-4o-mini", "openai", 0.2),
        ("gpt-4.1", "azure", 0.2),
        ("smollm2", "local", 0.2),
        # What a server of one's own calls like this may be anything.
        ("gpt-6-luna", "local", 0.2),
    ],
)
def test_a_temperature_is_only_sent_to_a_model_that_takes_one(
    api, connect, structured, provider, model, provider_name, sent
):
    connect(PROVIDER=provider_name, FREE=True)
    provider.reply_with({"number": 1})
    structured("…", model, Page)
    assert provider.requests[0].body.get("temperature") == sent
    assert provider.requests[0].model == model


class Loose(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    what: type[int]
    made_by: asyncio.Event


Undefined = create_model("Undefined", what=(ForwardRef("NoSuchClass"), ...))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"prompt": ""}, "The prompt is empty"),
        ({"prompt": " \n"}, "The prompt is empty"),
        ({"prompt": []}, "messages are empty"),
        ({"prompt": None}, "messages are empty"),
        ({"prompt": b"bytes"}, "A message is of type int"),
        ({"prompt": [{"role": "user", "content": ""}]}, "The prompt is empty"),
        ({"model_name": None}, "model_name is None: give the name of a model."),
        ({"model_name": "  "}, "model is '  ': give its name."),
        ({"schema_model": dict}, "schema_model is the class dict: give a Pydantic class."),
        ({"schema_model": Page(number=1)}, "schema_model is an instance of Page: give a Pydantic class."),
        ({"schema_model": None}, "schema_model is an instance of NoneType"),
        ({"schema_model": {"type": "object"}}, "schema_model is an instance of dict"),
        ({"schema_model": Inner}, "give a Pydantic class"),
        ({"schema_model": Loose}, "No JSON Schema can be made of Loose: "),
        ({"schema_model": Undefined}, "No JSON Schema can be made of Undefined: "),
        ({"schema_model": RootModel[list[int]]}, r"is no object but a list, and providers answer with objects only"),
        ({"temperature": -0.1}, "temperature is -0.1: give a number from 0 to 2."),
        ({"temperature": 2.1}, "temperature is 2.1"),
        ({"temperature": True}, "temperature is True"),
        ({"temperature": "0.2"}, "temperature is '0.2'"),
        ({"temperature": float("nan")}, "temperature is nan"),
        ({"max_tokens": 0}, "max_tokens is 0: give a whole number of at least 1."),
        ({"max_tokens": -5}, "max_tokens is -5"),
        ({"max_tokens": True}, "max_tokens is True"),
        ({"max_tokens": 10.0}, "max_tokens is 10.0"),
        ({"max_retries": -1}, "max_retries is -1: give a whole number of at least 0."),
        ({"max_retries": False}, "max_retries is False"),
        ({"retry_delay": -1.0}, "retry_delay is -1.0: give a number of at least 0."),
        ({"retry_delay": float("nan")}, "retry_delay is nan"),
        ({"retry_delay": float("inf")}, "retry_delay is inf"),
        ({"by": "ada"}, "by is str: give a user of the site."),
    ],
)
def test_arguments_that_make_no_sense_are_refused(provider, budget, structured, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        structured(**{"prompt": "…", "model_name": "", "schema_model": Page} | arguments)
    assert provider.requests == []
    assert not Call.objects.exists()


def test_errors_are_made_and_carried_as_users_do():
    transport = OpenAITransportError("No answer.", 503, 2.5)
    broken = OpenAISchemaValidationError("No ticket.", "Ticket", [{"loc": ["a"]}, "b"], "{}")
    assert (transport.message, transport.status_code, transport.retry_after) == ("No answer.", 503, 2.5)
    assert (broken.schema_name, broken.validation_errors, broken.raw_output) == ("Ticket", [{"loc": ["a"]}, "b"], "{}")
    for error in (transport, broken, OpenAIIncompleteError("Cut off.", kind="cut_off")):
        for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
            assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


def test_errors_of_calls_can_cross_a_process(api, structured, provider):
    provider.reply_with(Refusal("No."))
    with pytest.raises(OpenAIIncompleteError) as caught:
        structured("…", "", Page)
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.call_id == caught.value.call_id
    assert again.completion.choices[0].message.refusal == "No."
