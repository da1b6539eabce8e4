"""`tfgan demo`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tfgan_kit.cli.model_options import model_file
from tfgan_kit.errors import SampleError


def demo(
    model: Annotated[
        Path | None,
        typer.Argument(help="The .onnx, or a run folder with one.",
                       show_default="the newest artifacts/*/generator.onnx"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the page to this folder, for any host.", show_default="serve it here, and open it"),
    ] = None,
    ort_web: Annotated[
        str | None,
        typer.Option(metavar="DIR|cdn",
                     help="onnxruntime-web: a folder with its dist, or `cdn` for a public address, checked by hashes.",
                     show_default="from npm, kept in the cache folder"),
    ] = None,
    webgpu: Annotated[
        bool, typer.Option("--webgpu/--no-webgpu", help="Take along what uses a visitor's GPU, 27 MB.")
    ] = True,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="To serve on, at 127.0.0.1.", show_default="a free one")
    ] = None,
    open_page: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
) -> None:  # fmt: skip
    """Show a model in the browser: samples, sliders and walks, made on the visitor's own machine."""
    if out is not None and port is not None:
        raise SampleError("--out writes a folder and --port serves one: take one of them")
    if ort_web not in (None, "cdn") and not Path(str(ort_web)).is_dir():
        raise SampleError(f"--ort-web takes a folder, or cdn; there is no folder {ort_web}")
    if out is not None and not out.absolute().parent.is_dir():
        raise SampleError(f"{out} cannot be written: there is no folder {out.parent}")
    file = model_file(model)

    from tfgan_kit.export.web import serving, write_demo

    if out is not None:
        written = write_demo(file, out, ort_web=ort_web, webgpu=webgpu)
        print(f"wrote {out} ({len(written.files)} files, {written.size / 1e6:.1f} MB): put it on any host")
        print(f"here  python -m http.server -d {out}")
        return
    with tempfile.TemporaryDirectory(prefix="tfgan-demo-") as folder:
        written = write_demo(file, Path(folder) / "page", ort_web=ort_web, webgpu=webgpu)
        with serving(written.folder, port or 0) as address:
            print(f"serving {address} (Ctrl-C ends it)", flush=True)
            if open_page:
                _open(address)
            _wait()


def _open(address: str) -> None:
    import webbrowser

    if not webbrowser.open(address):
        print("no browser was found: open the address yourself", flush=True)


def _wait() -> None:
    """Until Ctrl-C, which is how serving ends and no error."""
    import threading

    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("stopped")
