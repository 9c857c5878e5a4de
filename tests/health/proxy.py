"""A wire between a machine and its database, which can be cut, or go silent, and be mended."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

MOST_BYTES = 65_536


class Proxy:
    """Passes bytes on from a port of its own to another. As a context; everything is closed at its end."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._there: list[socket.socket] = []
        self._sockets: list[socket.socket] = []
        self._passes = threading.Event()
        self._passes.set()
        self._is_cut = False
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def cut(self) -> None:
        """Both ends are told, and nobody is let in."""
        self._is_cut = True
        # Closed alone, it would let in one more: whoever waits for that does not wake by it.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            # The end of a connection, not an end of what is said.
            with suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._sockets.clear()

    def freeze(self) -> None:
        """Nobody is told anything: what is sent arrives nowhere, until it is mended."""
        self._passes.clear()

    def give_up(self) -> None:
        """The far end has found out that nobody is there, as by its keepalives; the near one knows of nothing."""
        for there in self._there:
            with suppress(OSError):
                there.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """As before."""
        if not self._passes.is_set():
            self._passes.set()
        else:
            self._is_cut = False
            self._listener = self._listen(self.port)

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()
        self._passes.set()

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), reuse_port=False)
        threading.Thread(target=self._let_in, args=(listener,), daemon=True).start()
        return listener

    def _let_in(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _ = listener.accept()
                self._passes.wait()
                if self._is_cut:
                    here.close()
                    return
                there = socket.create_connection(self._address)
                self._sockets += [here, there]
                self._there.append(there)
                for source, target in ((here, there), (there, here)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(MOST_BYTES):
                self._passes.wait()
                target.sendall(data)
        # Who is cut off is not told of an end either.
        self._passes.wait()
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
