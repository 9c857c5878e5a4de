"""The queue's own pages, for superusers alone.

A schedule of the queue names any function of any module, and a stored task is a pickle that is run again at a press of
a button: who may touch either may run code on the server. Their permissions are given away like any others, so the
pages ask for more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest

ASKED = ("has_add_permission", "has_change_permission", "has_delete_permission", "has_view_permission")


def for_superusers_alone() -> None:
    """See that the queue's pages open to superusers alone, on every site; doing it again changes nothing."""
    # A check says what is missing.
    if not apps.is_installed("django_q"):
        return
    from django_q import admin as of_queue

    for page in vars(of_queue).values():
        if isinstance(page, type) and issubclass(page, ModelAdmin) and page.__module__ == of_queue.__name__:
            for name in (*ASKED, "has_module_permission"):
                asked = getattr(page, name)
                if not getattr(asked, "for_superusers_alone", False):
                    setattr(page, name, _alone(asked))


def _alone(asked: Callable[..., bool]) -> Callable[..., bool]:
    def allowed(self: Any, request: HttpRequest, *args: Any, **kwargs: Any) -> bool:
        return request.user.is_superuser and asked(self, request, *args, **kwargs)

    allowed.for_superusers_alone = True  # type: ignore[attr-defined]
    return allowed
