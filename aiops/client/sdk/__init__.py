"""The SDK's own client, instrumented: what code asks with it directly is recorded, held for and settled as well.

One client a process (or event loop) and connection. Each request over HTTP is a call of its own in the log; the SDK's
retries are off, and where somebody switches them on each of them is one more.

A stream of Chat Completions tells its usage only where that is asked (`stream_options={"include_usage": True}`); else
it is charged at its hold. What goes over a WebSocket (`realtime`, `live`, `responses.connect`) is not seen here.
"""

from __future__ import annotations

from aiops.client.sdk.clients import async_sdk, sync_sdk

__all__ = ["async_sdk", "sync_sdk"]
