"""All that the stand-in can be asked, by its name in a path. A new operation is a class, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aiops.gateway.stand_in.batch_desk import BatchDesk
from aiops.gateway.stand_in.batches import Batches
from aiops.gateway.stand_in.chat import Chat
from aiops.gateway.stand_in.decisions import Decisions
from aiops.gateway.stand_in.embeddings import Embeddings
from aiops.gateway.stand_in.files import Files
from aiops.gateway.stand_in.models import Models
from aiops.gateway.stand_in.moderations import Moderations
from aiops.gateway.stand_in.operation import Operation
from aiops.gateway.stand_in.organization import PAGES, Books, Organization
from aiops.gateway.stand_in.responses import Responses
from aiops.gateway.stand_in.speech import Speech
from aiops.gateway.stand_in.stored_files import StoredFiles
from aiops.gateway.stand_in.tokenizing import ApplyTemplate, Tokenize
from aiops.gateway.stand_in.transcriptions import Transcriptions


def operations(
    *,
    models: Sequence[str] | Mapping[str, str | None],
    clock: Callable[[], float],
    books: Books | None = None,
    desk: BatchDesk | None = None,
) -> dict[str, Operation]:
    """Those of one server.

    Args:
        models: see `Models`.
        clock: seconds since the epoch, for what expires.
        books: what it says that it billed and counted; None for nothing.
        desk: what becomes of batches; None for what usually does.
    """
    stored = StoredFiles(clock)
    books = books or Books()
    return {
        "chat/completions": Chat(),
        "responses": Responses(),
        "embeddings": Embeddings(),
        "moderations": Moderations(),
        "audio/transcriptions": Transcriptions(),
        "audio/speech": Speech(),
        "decisions": Decisions(),
        "files": Files(stored),
        "batches": Batches(desk or BatchDesk(), stored, clock),
        "models": Models(models),
        "apply-template": ApplyTemplate(),
        "tokenize": Tokenize(),
        **{f"organization/{what}": Organization(what, books) for what in PAGES},
    }
