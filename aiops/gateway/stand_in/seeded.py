"""Answers made from a seed: the same question gets the same answer, and one that its schema accepts."""

from __future__ import annotations

import json
import marshal
import random
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import jsonschema_rs

from aiops.gateway.stand_in.instances import instance_of
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.strings import Unanswerable, sentence

ATTEMPTS = 50


def seeded_rng(seed: int | str, received: Received) -> random.Random:
    """Draws the same for the same messages."""
    question = json.dumps(received.messages).encode()
    key = int.from_bytes(blake2b(question, digest_size=8, key=str(seed).encode()[:64]).digest())
    return random.Random(key)  # noqa: S311 - it must be the same every time.


def seeded_text(rng: random.Random, received: Received) -> str:
    """The answer to these messages: JSON where a schema or JSON was asked for, else a sentence.

    Raises:
        Unanswerable: no instance of the schema was found.
    """
    schema = received.schema
    if schema is not None:
        return json.dumps(valid_instance(schema, rng), ensure_ascii=False)
    if received.wants_json:
        return json.dumps({"answer": sentence(rng)})
    return sentence(rng)


def valid_instance(schema: Any, rng: random.Random) -> Any:
    """An instance that the schema accepts, formats included.

    Raises:
        Unanswerable: none was found in a fair number of attempts.
    """
    try:
        # Only the key of a cache; quicker to make than JSON is, and this is once a request.
        validator = _validator(marshal.dumps(schema, 0))
    except ValueError as error:
        raise Unanswerable(f"The schema cannot be read: {error}") from error
    why = Unanswerable("The stand-in found no answer that this schema accepts. Script one with Answer(data=…).")
    # What `not`, `if`, `oneOf` and the like forbid, and which branches go together, is not reasoned about: another
    # instance is drawn instead.
    for _ in range(ATTEMPTS):
        try:
            instance = instance_of(schema, rng)
        except Unanswerable as error:
            why = error
            continue
        if validator.is_valid(instance):
            return instance
    raise why


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> jsonschema_rs.Validator:
    try:
        return jsonschema_rs.validator_for(
            marshal.loads(schema),  # noqa: S302 - our own, made just before.
            validate_formats=True,
        )
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise Unanswerable(f"The schema is not valid: {error}") from error
