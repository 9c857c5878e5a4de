"""Every page of the admin, found by what is registered. Runs inside any site, a bare one too.

Django's own test client asks; nothing of the suite is imported, so that a bare site can run it too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator


def addresses(apps: set[str] | None = None) -> Iterator[str]:
    """The index, and for each model its list, its form for a new row, and the pages of its first row."""
    from django.contrib import admin
    from django.contrib.auth import get_user_model
    from django.test import RequestFactory
    from django.urls import reverse

    request = RequestFactory().get("/")
    request.user = get_user_model()._default_manager.filter(is_superuser=True).first()
    yield reverse("admin:index")
    for model, its_admin in admin.site._registry.items():
        label = model._meta.app_label
        if apps is not None and label not in apps:
            continue
        name = f"admin:{label}_{model._meta.model_name}"
        yield reverse("admin:app_list", args=[label])
        yield reverse(f"{name}_changelist")
        if its_admin.has_add_permission(request):
            yield reverse(f"{name}_add")
        row = its_admin.get_queryset(request).first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
            yield reverse(f"{name}_history", args=[row.pk])
            if its_admin.has_delete_permission(request, row):
                yield reverse(f"{name}_delete", args=[row.pk])


def walk(apps: set[str]) -> dict[str, int]:
    """Address → status, as a superuser sees it."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client(raise_request_exception=True)
    client.force_login(get_user_model()._default_manager.filter(is_superuser=True).first())
    return {address: client.get(address).status_code for address in dict.fromkeys(addresses(apps))}


def print_walk() -> None:
    """What `walk` saw, as one line of JSON."""
    print(json.dumps(walk({"prompts", "aiops", "django_q"})))  # noqa: T201
