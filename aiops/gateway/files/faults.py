"""What goes wrong on the way of a file, as our own errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
import httpx2
import openai

from aiops.gateway.errors import BadRequest, Interrupted
from aiops.gateway.translate import error_of


@contextmanager
def translated() -> Iterator[None]:
    """Turns everything that a client raises into a `GatewayError`.

    Raises:
        GatewayError: what it was.
    """
    try:
        yield
    except openai.APIStatusError as error:
        if 300 <= error.status_code < 400:
            raise BadRequest(
                f"The provider sends us elsewhere (status {error.status_code}), where files are not taken: "
                "see the address in the settings.",
                status=error.status_code,
            ) from error
        raise error_of(error) from error
    except openai.OpenAIError as error:
        raise error_of(error) from error
    except TimeoutError as error:
        raise Interrupted("The provider did not answer in time.") from error
    except (aiohttp.ClientError, httpx2.HTTPError) as error:
        raise Interrupted("The connection broke before the answer was complete.") from error
