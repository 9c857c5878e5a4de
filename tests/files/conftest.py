"""A client, blocking or awaited, and files to give to it."""

from __future__ import annotations

import io
import zipfile

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission, User

from aiops import get_async_openai_client, get_openai_client

PDF = b"%PDF-1.7\nA bill of ten francs.\n%%EOF\n"


@pytest.fixture(params=["blocking", "awaited"])
def call(request, provider):
    """Calls a method of the client, the blocking one or its twin."""

    def blocking(name, /, *args, **kwargs):
        return getattr(get_openai_client(), name)(*args, **kwargs)

    def awaited(name, /, *args, **kwargs):
        return async_to_sync(getattr(get_async_openai_client(), name))(*args, **kwargs)

    return blocking if request.param == "blocking" else awaited


@pytest.fixture
def person(db):
    """`person("ada", "view_uploadedfile")` is somebody with these permissions."""

    def made(name, *permissions):
        user = User.objects.create_user(name)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return user

    return made


def office(folder: str) -> bytes:
    """An Office file with nothing in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("[Content_Types].xml", f"{folder}/document.xml"):
            archive.writestr(name, "<x/>")
    return file.getvalue()


def names_there(provider) -> list[str]:
    """Names of the files that the provider has, the oldest first."""
    listed = get_openai_client().sdk.files.list(order="asc")
    return [file.filename for file in listed]
