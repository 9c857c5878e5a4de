"""Names of people and places, by Presidio and whichever spaCy model the shop has installed. Needs the extra `privacy`.

Nothing is fetched: neither a model nor a list of domains. What a model finds is a guess, other than what the detectors
of `aiops.redaction.detectors` find.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any

from django.utils.translation import gettext as _

from aiops.redaction.errors import InvalidDetector
from aiops.redaction.found import Found

if find_spec("presidio_analyzer") is None:
    raise ImportError('it needs the extra "privacy": pip install "django-aiops[privacy]"')

FETCHING = frozenset({"EMAIL_ADDRESS", "URL"})
"""Entities for which Presidio asks the internet for a list of domains."""


class Presidio:
    """A detector. Its kinds are Presidio's entities in small letters: `person`, `location`, `us_ssn`."""

    def __init__(self, *entities: str, model: str = "") -> None:
        """
        Args:
            entities: those of Presidio that are looked for, such as `PERSON`, `LOCATION`, `NRP` or `US_SSN`.
            model: an installed package or the directory of a spaCy model; empty for the only one that is installed.

        Raises:
            ValueError: no entities, or one that is not found without the internet.
        """
        if not entities or FETCHING & set(entities):
            raise ValueError(
                f"Presidio needs entities to look for, other than {' and '.join(sorted(FETCHING))}, for which it would "
                "ask the internet: use aiops.redaction.detectors.emails."
            )
        self.entities = entities
        self.model = model
        self._lock = Lock()
        self._engine: Any = None
        self._language: Any = None

    def check(self) -> str:
        """The model that will be used, without loading it.

        Raises:
            InvalidDetector: it is not there, or it is not clear which.
        """
        installed = sorted({entry.name for entry in entry_points(group="spacy_models")})
        there = {"installed": ", ".join(installed) or _("none")}
        if not self.model and len(installed) == 1:
            return installed[0]
        if not self.model:
            raise self._unfit(
                _("which spaCy model to use is not clear (installed: %(installed)s): install one, or name it as model")
                % there
            )
        if self.model not in installed and not Path(self.model).is_dir():
            raise self._unfit(
                _("there is no spaCy model %(model)s (installed: %(installed)s)") % {"model": self.model, **there}
            )
        return self.model

    def __call__(self, text: str) -> Iterable[Found]:
        # A model does one text at a time, and is to forget the words of each.
        with self._lock:
            if self._engine is None:
                self._load()
            with self._language.memory_zone():
                results = self._engine.analyze(text, language=self._language.lang, entities=list(self.entities))
        return [Found(one.start, one.end, one.entity_type.lower()) for one in results]

    def _load(self) -> None:
        # Seconds, and hundreds of megabytes: only a process that redacts has them.
        import spacy
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
        from presidio_analyzer.predefined_recognizers import SpacyRecognizer

        language = spacy.load(self.check())
        known = NerModelConfiguration()
        labels = {label for pipe in language.pipe_labels.values() for label in pipe}
        # Of a label that it does not know it would complain at every word.
        known.labels_to_ignore = sorted(labels - set(known.model_to_presidio_entity_mapping))
        models = [{"lang_code": language.lang, "model_name": language.meta["name"]}]
        nlp = SpacyNlpEngine(models=models, ner_model_configuration=known)
        # Given, and not loaded by its name: a name that is not installed would be downloaded.
        nlp.nlp = {language.lang: language}
        registry = RecognizerRegistry(supported_languages=[language.lang])
        if set(self.entities) <= set(SpacyRecognizer.ENTITIES):
            registry.add_recognizer(SpacyRecognizer(supported_language=language.lang))
        else:
            registry.load_predefined_recognizers(languages=[language.lang], nlp_engine=nlp)
        if unknown := set(self.entities) - set(registry.get_supported_entities([language.lang])):
            raise self._unfit(_("it knows no %(entities)s") % {"entities": ", ".join(sorted(unknown))})
        self._engine = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=[language.lang])
        self._language = language

    def _unfit(self, complaint: str) -> InvalidDetector:
        return InvalidDetector(f"Presidio({', '.join(self.entities)})", complaint)


people = Presidio("PERSON")
