"""The service as an ASGI application."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from tfgan_kit._version import __version__
from tfgan_kit.errors import SampleError
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.serve.coalesce import ClosedError, Coalescer, QueueFullError
from tfgan_kit.export.serve.encode import encode
from tfgan_kit.export.serve.figures import MEDIA_TYPE, Figures
from tfgan_kit.export.serve.front import Front
from tfgan_kit.export.serve.openapi import parameters, responses
from tfgan_kit.export.serve.page import CONTENT_POLICY, page
from tfgan_kit.export.serve.query import FORMATS, Wanted, read_query


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a service takes.

    Attributes:
        max_n: most pictures a request.
        queue: most pictures that wait, at least max_n.
        hosts: names that a request's Host may have, lower case; (): any.
    """

    max_n: int = 64
    queue: int = 1024
    hosts: tuple[str, ...] = ()


def create_app(sampler: Sampler, digest: str, limits: Limits) -> Front:
    """The application around one model.

    Args:
        sampler: of the model.
        digest: of the model file, which names it.
        limits: of requests.
    """
    figures = Figures()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        coalescer = Coalescer(sampler, limits.queue, on_run=figures.count_run)
        app.state.coalescer = coalescer
        figures.watch_queue(lambda: coalescer.waiting)
        yield
        await asyncio.to_thread(coalescer.close)

    # FastAPI's own pages of documentation load their scripts from elsewhere; `/` is ours.
    app = FastAPI(
        title=f"Pictures of {sampler.spec.recipe_name}",
        version=__version__,
        description="Pictures of one generator, drawn by seed. The same seed is the same picture.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def root() -> HTMLResponse:
        text = page(sampler.spec, max_n=limits.max_n, digest=digest)
        return HTMLResponse(text, headers={"Content-Security-Policy": CONTENT_POLICY})

    # The handler reads the query itself: one reader makes the sentences of all errors, and it costs a request less.
    @app.get(
        "/sample",
        summary="Draw pictures",
        response_class=Response,
        responses=responses(),
        openapi_extra={"parameters": parameters(sampler.spec, limits.max_n, digest)},
    )
    async def sample(request: Request) -> Response:
        started = time.perf_counter()
        try:
            query = request.scope["query_string"]
            wanted = read_query(query, sampler, max_n=limits.max_n, digest=digest)
            return await _answer(wanted, request.headers, app.state.coalescer, digest)
        except SampleError as error:
            return _refused(422, str(error))
        except QueueFullError as error:
            return _refused(429, str(error), {"Retry-After": str(error.retry_sec)})
        except ClosedError as error:
            return _refused(503, str(error))
        finally:
            figures.time_sample(time.perf_counter() - started)

    @app.get("/healthz", summary="Whether pictures are made", responses={503: {"description": "They are not."}})
    async def healthz() -> JSONResponse:
        alive = app.state.coalescer.alive
        shape = dict(zip(("height", "width", "channels"), sampler.spec.image_shape, strict=True))
        content = {"status": "ok" if alive else "stopped", "model": digest, "images": shape}
        return JSONResponse(content, 200 if alive else 503)

    @app.get("/metrics", summary="Figures for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(figures.text(), media_type=MEDIA_TYPE)

    return Front(app, figures=figures, hosts=limits.hosts, short={"/sample": sample})


async def _answer(wanted: Wanted, headers: Mapping[str, str], coalescer: Coalescer, digest: str) -> Response:
    first, n = int(wanted.seeds[0]), len(wanted.seeds)
    told = {"X-Seed": str(first), "Content-Disposition": f'inline; filename="seed-{first}-n-{n}.{wanted.format}"'}
    if wanted.repeatable:
        tag = _tag(wanted, digest)
        # Without the model in it, an address gives other pictures once another model is served there.
        told |= {
            "ETag": tag,
            "Cache-Control": f"public, {'max-age=31536000, immutable' if wanted.pinned else 'no-cache'}",
        }
        if _has_tag(headers.get("if-none-match", ""), tag):
            return Response(status_code=304, headers=told)
    else:
        told["Cache-Control"] = "no-store"
    images = await coalescer.pictures(wanted.seeds, wanted.labels, wanted.truncation)
    # An array is copied in no time; compression is left to other threads.
    large = wanted.format != "npy"
    content = await asyncio.to_thread(encode, images, wanted.format) if large else encode(images, wanted.format)
    return Response(content, media_type=FORMATS[wanted.format], headers=told)


def _tag(wanted: Wanted, digest: str) -> str:
    labels = b"" if wanted.labels is None else wanted.labels.tobytes()
    asked = f"{__version__} {digest} {wanted.seeds[0]} {len(wanted.seeds)} {wanted.truncation!r} {wanted.format} "
    return f'"{hashlib.blake2b(asked.encode() + labels, digest_size=12).hexdigest()}"'


def _has_tag(header: str, tag: str) -> bool:
    return any(known.strip().removeprefix("W/") in (tag, "*") for known in header.split(","))


def _refused(status: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status, {"Cache-Control": "no-store", **(headers or {})})
