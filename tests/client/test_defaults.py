"""Which model is asked where nobody names one, and until when it is there."""

import logging
from datetime import date, timedelta

import pytest

from aiops.client import defaults
from aiops.client.defaults import MODELS, default_model, mind_the_end
from aiops.gateway.connection_options import connection_from
from aiops.gateway.model_ends import ENDS, NOTICE
from aiops.gateway.testing import Answer

TODAY = date(2026, 11, 24)


def connection(**options):
    return connection_from("test", {"BASE_URL": "https://models.shop.example/v1", "MODEL": "chatty", **options})


@pytest.mark.parametrize(
    ("operation", "today", "model"),
    [
        ("embedding", TODAY, "text-embedding-3-small"),
        ("moderation", TODAY, "omni-moderation-latest"),
        ("decision", TODAY, "gpt-6-luna"),
        ("transcription", TODAY, "gpt-transcribe"),
        ("transcription", date(2030, 1, 1), "gpt-transcribe"),
        ("speech", TODAY, "gpt-4o-mini-tts"),
        ("speech", date(2027, 1, 5), "gpt-4o-mini-tts"),
    ],
)
def test_the_usual_models_of_openai(operation, today, model):
    assert default_model(operation, connection(PROVIDER="openai"), today=today) == model


def test_when_every_model_has_ended_the_remedy_is_told():
    with pytest.raises(ValueError, match="OpenAI has ended every model for speech that is known here: name one"):
        default_model("speech", connection(PROVIDER="openai"), today=date(2027, 1, 6))


@pytest.mark.parametrize("operation", MODELS)
def test_another_server_is_asked_for_its_own_model(operation):
    assert default_model(operation, connection(PROVIDER="local"), today=TODAY) == "chatty"


@pytest.mark.parametrize("operation", MODELS)
def test_a_deployment_is_of_one_model_whatever_is_asked_for(operation):
    azure = connection_from(
        "test", {"AZURE_ENDPOINT": "https://shop.openai.azure.com", "AZURE_DEPLOYMENT": "ours", "MODEL": "gpt-4o"}
    )
    assert default_model(operation, azure, today=TODAY) == "gpt-4o"


@pytest.fixture
def warned(caplog):
    """What the log is warned of; each warning comes once a process."""
    defaults._warn.cache_clear()
    caplog.set_level(logging.WARNING, "aiops.client.defaults")
    yield lambda: [record.getMessage() for record in caplog.records]
    defaults._warn.cache_clear()


@pytest.mark.parametrize(
    ("model", "day", "sentence"),
    [
        ("gpt-4o", date(2027, 1, 14) - NOTICE - timedelta(days=1), None),
        (
            "gpt-4o",
            date(2027, 1, 14) - NOTICE,
            "The model gpt-4o ends on 2027-01-14; gpt-6-luna is named in its place.",
        ),
        ("gpt-4o", date(2027, 1, 14), "The model gpt-4o ended on 2027-01-14; gpt-6-luna is named in its place."),
        ("tts-1", date(2027, 1, 1), "The model tts-1 ends on 2027-01-06."),
        (
            "whisper-1",
            date(2027, 2, 1),
            "The model whisper-1 ends on 2027-02-26; gpt-transcribe is named in its place.",
        ),
        ("gpt-6-luna", date(2040, 1, 1), None),
    ],
)
def test_a_model_near_its_end_is_warned_of_once(warned, model, day, sentence):
    for _call in range(3):
        mind_the_end(model, connection(PROVIDER="openai"), today=day)
        mind_the_end(model, connection(PROVIDER="local"), today=day)
    assert warned() == ([sentence] if sentence else [])


def test_every_method_minds_the_end(call, provider, budget, warned):
    # Its end is nearer than the notice, whenever this runs.
    asked = {
        "chat_completion": ("gpt-5-mini", ("Hello.",)),
        "speak": ("tts-1", ("Hello.",)),
        "classify": ("gpt-4o-mini", ("Hello.", ["a", "b"])),
    }
    provider.reply_with("Hello.", Answer(), {"choice": "A"})
    for name, (model, arguments) in asked.items():
        call(name, *arguments, model=model)
    assert [sentence.split()[2] for sentence in warned()] == [model for model, _arguments in asked.values()]


def test_what_is_named_as_a_successor_is_there():
    successors = {end.successor for end in ENDS.values()}
    assert successors - {""} <= {"gpt-6-luna", "gpt-transcribe"}
    assert not successors & ENDS.keys()
