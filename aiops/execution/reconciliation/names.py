"""One name for a model that each side calls otherwise.

A bill has lines such as `gpt-6-luna-2026-09-01, cached input`, `gpt-image-2 text, output` and
`evals | gpt-6-luna, input`; the log has the names that models answer with, such as `gpt-6-luna-2026-09-01`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from aiops.ledger.own_prices import SNAPSHOT

KINDS = frozenset({"text", "audio", "image", "batch", "flex", "priority"})
"""What may stand between the name of a model and the comma: kinds of tokens, and tiers."""

NameOf = Callable[[str], str]


def model_in(line: str) -> str:
    """The model that a line of a bill, or a name in the log, is about.

    What follows the first comma says which tokens they were; a date at the end says which snapshot answered: both
    sides add these up. A name that a fine-tuned model is asked by becomes that of its line (`ft:gpt-4o:shop::1` is
    `ft-gpt-4o`). Anything else stays as it is, a service in front of it included: what another product of the
    provider used is no call of ours.
    """
    name = line.partition(",")[0].strip().lower()
    first, *others = name.split()[:3] or [""]
    if others and set(others) <= KINDS:
        name = first
    if name.startswith("ft:"):
        name = "ft-" + name.split(":")[1]
    return re.sub(f"{SNAPSHOT}$", "", name)


def naming(same: Mapping[str, str]) -> NameOf:
    """As `model_in`, where some are called otherwise.

    Args:
        same: the provider's name → ours.
    """
    others = {model_in(theirs): model_in(ours) for theirs, ours in same.items()}

    def name_of(line: str) -> str:
        model = model_in(line)
        return others.get(model, model)

    return name_of
