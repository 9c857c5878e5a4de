"""Why a file is not even begun with. Each is a `ValueError`; `str(error)` is one sentence, and nothing was sent.

FileRefused
├── BadFile          what was given may not be uploaded: its kind, its size, its name
├── UnknownFile      there is no such file, or none any more
└── NotYours         the person is neither its owner nor may see the files of others

An open transaction (`aiops.durable`) and a connection (`aiops.gateway.connections`) refuse with errors of their own.
What goes wrong with a provider is a `GatewayError`, after it was recorded.
"""

from __future__ import annotations

from django.utils.translation import gettext as _


class FileRefused(ValueError):
    """`str(error)` is one sentence with the remedy."""


class BadFile(FileRefused):
    pass


class UnknownFile(FileRefused):
    pass


class NotYours(FileRefused):
    def __init__(self) -> None:
        super().__init__(_("This file belongs to somebody else: ask its owner, or whoever gives permissions."))
