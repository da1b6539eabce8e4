"""`tfgan serve`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tfgan_kit.cli.model_options import model_file
from tfgan_kit.errors import MissingPackageError, SampleError


def serve(
    model: Annotated[
        Path | None,
        typer.Argument(help="The .onnx, or a run folder with one.",
                       show_default="the newest artifacts/*/generator.onnx"),
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at; the default is reached from this machine only.")]
    = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8000,
    max_n: Annotated[int, typer.Option(min=1, max=4096, help="Most pictures a request.")] = 64,
    queue: Annotated[
        int, typer.Option(min=1, help="Most pictures that wait; a request beyond is told to come back later.")
    ] = 1024,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of the model.", show_default="all that this process may use")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:  # fmt: skip
    """Serve pictures of a model over HTTP: /sample?seed=&class=&n=&format=, a page at /, /openapi.json, /metrics."""
    if queue < max_n:
        raise SampleError(f"--queue {queue} would refuse a request of --max-n {max_n}: make it at least as large")
    path = model_file(model)
    try:
        from tfgan_kit.export.serve.app import Limits
        from tfgan_kit.export.serve.server import (
            bind,
            hosts_of,
            is_loopback,
            make_server,
            model_digest,
            run_server,
            url_of,
        )
    except ImportError as error:
        raise MissingPackageError(f"serving needs {error.name}: pip install 'tfgan-kit[serve]'") from None
    from tfgan_kit.export.runtime import Sampler

    # The address first: what opening the model and its first pictures take is in vain without one.
    with bind(host, port) as listener:
        sampler = Sampler(path, device=device, threads=threads, warm=True)
        if not is_loopback(listener):
            print(f"warning: {host} is reached by other machines, without encryption or passwords", file=sys.stderr)
        limits = Limits(max_n=max_n, queue=queue, hosts=hosts_of(listener, host))
        server = make_server(sampler, model_digest(path), limits)
        print(f"serving {path} at {url_of(listener)} (Ctrl-C stops)", flush=True)
        run_server(server, listener)
    print("stopped")
