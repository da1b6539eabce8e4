"""What every request passes: the check of its Host, the count of its answer, and the short way to the pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tfgan_kit.export.serve.figures import Figures

# Paths that are counted under their own name; all others would be as many as someone likes.
_PATHS = frozenset({"/", "/sample", "/healthz", "/metrics", "/openapi.json"})


class Front:
    """An ASGI application around the one of FastAPI."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        figures: Figures,
        hosts: Sequence[str],
        short: Mapping[str, Callable[[Request], Awaitable[Response]]],
    ) -> None:
        """Wrap an application.

        Args:
            app: it.
            figures: where answers are counted.
            hosts: names that a Host may have, so that a page elsewhere whose name points here is refused; (): any.
            short: handlers by path, whose GET is answered here: FastAPI's own way to one takes longer than all else
                that is done for a small picture.
        """
        self._app, self._figures, self._hosts, self._short = app, figures, frozenset(hosts), short

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # What fails before it answers is an error of the server.
        status = 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        try:
            if self._hosts and _host(scope) not in self._hosts:
                detail = f"this Host is not served here; legal: {', '.join(sorted(self._hosts))}"
                await JSONResponse({"detail": detail}, 400)(scope, receive, watched)
            elif scope["method"] == "GET" and scope["path"] in self._short:
                answer = await self._short[scope["path"]](Request(scope, receive))
                await answer(scope, receive, watched)
            else:
                await self._app(scope, receive, watched)
        finally:
            self._figures.count_request(scope["path"] if scope["path"] in _PATHS else "other", status)


def _host(scope: Scope) -> str:
    """The name in the header Host, without its port; "" where there is none, or more than one."""
    found = [value for name, value in scope["headers"] if name == b"host"]
    if len(found) != 1:
        return ""
    text: str = found[0].decode("latin-1").lower()
    return text[: text.find("]") + 1] if text.startswith("[") else text.partition(":")[0]
