"""People and versions for the screens."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.screens.rows import make_version


@pytest.fixture
def version(db):
    return make_version()


@pytest.fixture
def sign_in(db):
    """Signs somebody in who is staff and has these permissions, and no others; returns their client."""

    def signed_in(*permissions: str, superuser: bool = False, staff: bool = True) -> Client:
        user = User.objects.create_user(
            f"user-{User.objects.count()}", password="x", is_staff=staff, is_superuser=superuser
        )
        for permission in permissions:
            app, codename = permission.split(".")
            user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
        client = Client()
        client.force_login(user)
        client.user = user
        return client

    return signed_in


@pytest.fixture
def boss(sign_in):
    return sign_in(superuser=True)
