"""Where a provider says that a batch is over. It is only looked at earlier: what came of it is asked as always."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from aiops.gateway.batches.webhook import MOST_BYTES, BadSignature, batch_that_is_over
from aiops.gateway.connections import ConnectionProblem, get_connection
from aiops.jobs.batch.bell import look_now
from aiops.jobs.models import Batch

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def batch_webhook(request: HttpRequest, alias: str) -> HttpResponse:
    """Answers 200 to whatever is signed, known or not: the provider need not say it again."""
    try:
        connection = get_connection(alias)
    except ConnectionProblem:
        return HttpResponse(status=404)
    secret = connection.webhook_secret
    if not secret:
        return HttpResponse(status=404)
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        return HttpResponse(status=413)
    try:
        provider_id = batch_that_is_over(body, request.headers, connection, secret=secret)
    except ConnectionProblem:
        return HttpResponse(status=404)
    except BadSignature:
        logger.warning("a webhook for the connection %s is not signed by its provider", connection.alias)
        return HttpResponse(status=400)
    batch = _found(alias, provider_id)
    if batch is not None:
        look_now(batch)
    return HttpResponse(status=200)


def _found(alias: str, provider_id: str) -> Batch | None:
    if not provider_id or "\0" in provider_id:
        return None
    return Batch.objects.open().filter(connection=alias, provider_id=provider_id).first()
