"""The header `Content-Security-Policy` on Django 5.2, which has no means of its own for it yet."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.deprecation import MiddlewareMixin

HEADER = "Content-Security-Policy"


class ContentSecurityPolicyMiddleware(MiddlewareMixin):
    """Sends the policy of the setting `SECURE_CSP`, written as Django 6 reads it, with every page that has none."""

    get_response: Callable[[HttpRequest], HttpResponseBase]

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Add the header."""
        policy: dict[str, list[str]] = settings.SECURE_CSP
        if policy and HEADER not in response.headers:
            response.headers[HEADER] = "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())
        return response
