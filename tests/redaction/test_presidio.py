"""Names, by the real Presidio and a real, if tiny, model of spaCy that is made here: nothing is fetched."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aiops.redaction import InvalidDetector, redact

MAKE_MODEL = """
import sys, spacy
model = spacy.blank("de")
ruler = model.add_pipe("entity_ruler")
ruler.add_patterns([
    {"label": "PER", "pattern": "Ada Lovelace"},
    {"label": "PER", "pattern": "Ada"},
    {"label": "LOC", "pattern": "London"},
    {"label": "A_LABEL_OF_ITS_OWN", "pattern": "Difference Engine"},
])
model.to_disk(sys.argv[1])
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "names"
    # In a process of its own: what spaCy warns of when it makes a model is no part of what is tested.
    subprocess.run([sys.executable, "-c", MAKE_MODEL, str(path)], check=True)
    return path


@pytest.fixture
def presidio(model):
    def presidio(*entities, **kwargs):
        from aiops.redaction.presidio import Presidio

        return Presidio(*entities, **({"model": str(model)} | kwargs))

    return presidio


@pytest.mark.presidio
def test_names_are_redacted_and_come_back_whatever_language_the_model_speaks(presidio):
    text = "Ada Lovelace aus London fragt nach der Difference Engine."
    redacted = redact([{"role": "user", "content": text}], [presidio("PERSON", "LOCATION")])
    sent = redacted.messages[0]["content"]
    assert sent == "[PERSON_1] aus [LOCATION_1] fragt nach der Difference Engine."
    assert redacted.restore.text(sent) == text


@pytest.mark.presidio
def test_only_what_is_asked_for_is_found(presidio):
    redacted = redact([{"role": "user", "content": "Ada in London"}], [presidio("LOCATION")])
    assert redacted.messages[0]["content"] == "Ada in [LOCATION_1]"


@pytest.mark.presidio
def test_what_presidio_knows_by_its_form_may_be_asked_for_beside_names(presidio):
    redacted = redact([{"role": "user", "content": "Ada: 203.0.113.7"}], [presidio("PERSON", "IP_ADDRESS")])
    assert redacted.counts == {"ip_address": 1, "person": 1}


@pytest.mark.presidio
def test_several_threads_share_one_model(presidio):
    detector = presidio("PERSON")
    texts = [f"{'x ' * number}Ada" for number in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(detector, texts))
    assert [[text[one.start : one.end] for one in several] for text, several in zip(texts, found, strict=True)] == [
        ["Ada"]
    ] * 40


@pytest.mark.presidio
def test_an_entity_that_nobody_knows_refuses_the_call(presidio):
    with pytest.raises(InvalidDetector) as refusal:
        redact([{"role": "user", "content": "Ada"}], [presidio("PERSON", "PESRON")])
    assert str(refusal.value) == "The detector “Presidio(PERSON, PESRON)” cannot be used: it knows no PESRON."


@pytest.mark.presidio
def test_a_model_that_is_not_there_is_named_and_never_fetched(presidio):
    with pytest.raises(InvalidDetector, match=r"there is no spaCy model en_core_web_none \(installed: "):
        presidio("PERSON", model="en_core_web_none").check()
    with pytest.raises(InvalidDetector, match=r"there is no spaCy model en_core_web_none \(installed: "):
        redact([{"role": "user", "content": "Ada"}], [presidio("PERSON", model="en_core_web_none")])


@pytest.mark.presidio
@pytest.mark.parametrize("entities", [(), ("PERSON", "EMAIL_ADDRESS"), ("URL",)])
def test_what_would_ask_the_internet_is_refused(presidio, entities):
    with pytest.raises(ValueError, match="Presidio needs entities to look for, other than EMAIL_ADDRESS and URL"):
        presidio(*entities)


def test_without_presidio_its_path_says_what_to_install():
    script = """
import sys
sys.modules["presidio_analyzer"] = None
from django.conf import settings
settings.configure(USE_I18N=False)
from aiops.redaction import InvalidDetector, load_detector
try:
    load_detector("aiops.redaction.presidio.people")
except InvalidDetector as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == (
        "The detector “aiops.redaction.presidio.people” cannot be used: "
        'it needs the extra "privacy": pip install "django-aiops[privacy]".\n'
    ), done.stderr
