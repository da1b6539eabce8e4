"""A server of one folder, for this machine alone."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tfgan_kit.errors import SampleError

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
}
# How soon it notices that it is to end.
_POLL_S = 0.05
_POLICY = re.compile(r'http-equiv="Content-Security-Policy"\s+content="([^"]*)"')


@contextmanager
def serving(folder: Path, port: int = 0, *, isolated: bool = True) -> Iterator[str]:
    """Serve a demo's folder on 127.0.0.1 while the block runs.

    The page's own policy holds for its worker too.

    Args:
        folder: with an index.html.
        port: 0 to 65535; 0: a free one.
        isolated: keep the page apart from other origins, so that its threads may share memory.

    Returns:
        The address of the page.

    Raises:
        SampleError: the port cannot be had.
    """
    policy = _POLICY.search((folder / "index.html").read_text(encoding="utf-8"))
    handler = functools.partial(_Handler, directory=str(folder), policy=policy and policy[1], isolated=isolated)
    try:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SampleError(f"port {port} cannot be had ({reason}): give another --port, or leave it out") from None
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files with their types and headers, and no line on the terminal for each."""

    extensions_map = _TYPES

    def __init__(self, *args: Any, policy: str | None, isolated: bool, **options: Any) -> None:
        self._policy, self._isolated = policy, isolated
        super().__init__(*args, **options)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        if self._isolated:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        if self._policy:
            self.send_header("Content-Security-Policy", self._policy)
        super().end_headers()

    def list_directory(self, path: Any) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: Any) -> None:
        pass
