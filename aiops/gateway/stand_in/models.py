"""Models: `GET …/models` and `GET …/models/{id}`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiops.gateway.stand_in.draft import Draft
from aiops.gateway.stand_in.exchange import Exchange
from aiops.gateway.stand_in.operation import Operation, Problem
from aiops.gateway.stand_in.received import Received
from aiops.gateway.stand_in.said import Billed, Said


class Models(Operation):
    """What there is, and until when."""

    name = "models"
    counted = False

    def __init__(self, models: Sequence[str] | Mapping[str, str | None]) -> None:
        """
        Args:
            models: their names; or, by name, the day on which each is shut down (`2027-01-14`), None for none.
        """
        self._models = models if isinstance(models, Mapping) else dict.fromkeys(models)

    def accepts(self, method: str, rest: str) -> bool:
        return method == "GET" and rest != "/"

    def problem(self, received: Received) -> Problem | None:
        name = _named(received)
        if name and name not in self._models:
            return Problem(status=404, code="model_not_found", message=f"The model '{name}' does not exist.")
        return None

    def seeded(self, exchange: Exchange) -> Said:
        name = _named(exchange.received)
        if name:
            return Said(data=self._model(name))
        return Said(data={"object": "list", "data": [self._model(name) for name in self._models]})

    def count(self, said: Said, exchange: Exchange) -> tuple[Billed, Mapping[str, Any] | None]:
        return Billed(), None

    def body(self, draft: Draft) -> bytes:
        return json.dumps(draft.said.data).encode()

    def _model(self, name: str) -> dict[str, object]:
        model = {"id": name, "object": "model", "created": 1_767_225_600, "owned_by": "stand-in"}
        shut_down = self._models[name]
        return model if shut_down is None else {**model, "shutdown_date": shut_down}


def _named(received: Received) -> str:
    """The model in the path, which may have slashes in its name; empty for the list."""
    return received.path.partition("/models")[2].removeprefix("/")
