"""Running the service: its socket, its bounds on connections, its end."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ipaddress
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tfgan_kit.errors import ServeError
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.serve.app import Limits, create_app
from tfgan_kit.export.spec import mapping_file

# Bytes of a request, with its headers; nothing that is legal comes near.
_MOST_BYTES = 32_768
_MOST_CONNECTIONS = 1024
_LAST_REQUESTS_SEC = 10


class BoundedProtocol(HttpToolsProtocol):
    """Uvicorn's fast reader of HTTP, which by itself would keep headers of any length."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bytes = 0

    def data_received(self, data: bytes) -> None:
        """Read on, unless this request is too long."""
        self._bytes += len(data)
        super().data_received(data)
        if self._bytes <= _MOST_BYTES or self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.send_400_response(f"A request has at most {_MOST_BYTES} bytes.")
        else:
            self.transport.close()

    def on_message_complete(self) -> None:
        """Begin to count anew."""
        self._bytes = 0
        super().on_message_complete()


def model_digest(path: Path) -> str:
    """16 hexadecimal digits that name the content of a model: of its file, and of the mapping beside it."""
    files = [path, mapping_file(path)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()[:16]


def bind(host: str, port: int) -> socket.socket:
    """A listening address that is ours before anything slow is done.

    Args:
        host: a name or address.
        port: 0 takes a free one.

    Raises:
        ServeError: it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServeError(
            f"there is no address {host!r} here ({error.strerror or error}): give another --host"
        ) from None
    try:
        if sys.platform != "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Who comes before the first request can be read, waits.
        listener.listen(_MOST_CONNECTIONS)
    except OSError as error:
        listener.close()
        reason = error.strerror or error
        raise ServeError(f"{host} port {port} cannot be had ({reason}): give another --port or --host") from None
    return listener


def is_loopback(listener: socket.socket) -> bool:
    """Whether only programs on this machine reach it."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def url_of(listener: socket.socket) -> str:
    """Its address, for a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def hosts_of(listener: socket.socket, host: str) -> tuple[str, ...]:
    """The names that a Host may have: those of this machine, or any where others reach it by names of their own."""
    return ("localhost", "127.0.0.1", "[::1]", host.lower()) if is_loopback(listener) else ()


def make_server(sampler: Sampler, digest: str, limits: Limits) -> uvicorn.Server:
    """A server that runs by `run_server`, and ends when its `should_exit` is set."""
    config = uvicorn.Config(
        create_app(sampler, digest, limits),
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        # uvicorn's own set-up of logging closes the handlers that the process has.
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_graceful_shutdown=_LAST_REQUESTS_SEC,
    )
    return uvicorn.Server(config)


def run_server(server: uvicorn.Server, listener: socket.socket) -> None:
    """Serve until a signal; then answer what is under way, and return."""
    with listener, contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        server.run(sockets=[listener])
