"""A demo: a folder with a page, a model and what runs it, that any host can serve from any address."""

from __future__ import annotations

import base64
import json
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfgan_kit.errors import ModelFileError, SampleError
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.spec import ModelSpec
from tfgan_kit.export.web.directions import leading_directions
from tfgan_kit.export.web.engine import BUILDS, CDN, engine_files, find_engine
from tfgan_kit.files import TEMPORARY

PAGE = Path(__file__).parent / "page"
# What a page says of itself; by it a folder is known as a demo.
ABOUT = "demo.json"
MODEL = "generator.onnx"
MAPPING = "generator.mapping.onnx"
_ORT = "ort/"
_REFERENCE_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A demo that was written.

    Attributes:
        folder: where it is; index.html is the page.
        files: its files, as paths below the folder.
        size: of them all, bytes.
    """

    folder: Path
    files: tuple[str, ...]
    size: int


def write_demo(
    model: Path, out: Path, *, ort_web: Path | str | None = None, webgpu: bool = True, directions: int = 6
) -> Demo:
    """Write the folder of a demo; it is whole or not there.

    Args:
        model: an .onnx of tfgan export.
        out: a folder that is not there, is empty, or is a demo, which is replaced.
        ort_web: a folder with onnxruntime-web's `dist`; "cdn" for a public address that the page loads it from; None:
            from npm.
        webgpu: take along the build that uses a visitor's GPU, 27 MB.
        directions: how many of the latent get a slider.

    Raises:
        ModelFileError: the model, its mapping or onnxruntime-web cannot be used.
        SampleError: the folder is in use for something else, or cannot be written.
        MissingPackageError: onnxruntime, or npm where it is needed.
    """
    check_folder(out)
    sampler = Sampler(model)
    mapping = _mapping(sampler.spec, model)
    engine = None if ort_web == "cdn" else find_engine(None if ort_web is None else Path(ort_web))
    about = {
        "model": {"file": MODEL, "bytes": model.stat().st_size},
        "mapping": mapping and {"file": MAPPING, "bytes": mapping.stat().st_size},
        "engine": _engine(CDN if engine is None else _ORT, webgpu),
        "reference": _reference(sampler),
        "directions": _directions(sampler, directions),
    }
    place = out.resolve()
    temporary = place.with_name(f"{TEMPORARY}{uuid.uuid4().hex}-{place.name}")
    try:
        temporary.mkdir(parents=True)
        for file in sorted(PAGE.iterdir()):
            shutil.copyfile(file, temporary / file.name)
        shutil.copyfile(model, temporary / MODEL)
        if mapping:
            shutil.copyfile(mapping, temporary / MAPPING)
        if engine is None:
            _allow(temporary / "index.html", CDN)
        else:
            (temporary / _ORT).mkdir()
            for engine_file in engine_files(webgpu):
                shutil.copyfile(engine / engine_file.name, temporary / _ORT / engine_file.name)
        (temporary / ABOUT).write_text(json.dumps(about), encoding="utf-8")
        _put(temporary, place)
    except OSError as error:
        raise SampleError(f"{out} cannot be written: {error.strerror or error}; give another --out") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    written = sorted(path for path in out.rglob("*") if path.is_file())
    names = tuple(path.relative_to(out).as_posix() for path in written)
    return Demo(folder=out, files=names, size=sum(path.stat().st_size for path in written))


def _put(whole: Path, place: Path) -> None:
    """Move a folder to its place; one that is there stays, as it may be a mount or the one that someone works in."""
    if not place.exists():
        os.replace(whole, place)
        return
    for old in place.iterdir():
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old)
        elif old.name != ABOUT:
            old.unlink()
    # What says that the folder is a demo is there all the time, so that one that was cut short can be written again.
    for new in sorted(whole.iterdir(), key=lambda path: path.name != ABOUT):
        shutil.move(new, place / new.name)


def check_folder(out: Path) -> None:
    """Refuse a folder that holds something else than a demo.

    Raises:
        SampleError: it does, or it is a file.
    """
    if out.is_file():
        raise SampleError(f"--out {out} is a file: name a folder")
    if out.is_dir() and any(out.iterdir()) and not (out / ABOUT).is_file():
        raise SampleError(f"--out {out} holds other files than a demo: name a folder that is not there, or empty")


def _mapping(spec: ModelSpec, model: Path) -> Path | None:
    """The file beside a model that takes w, which makes that; None for other models."""
    if spec.inputs != "w":
        return None
    from tfgan_kit.export.spec import mapping_file

    mapping = mapping_file(model)
    if not mapping.is_file():
        raise ModelFileError(f"{model} takes w, and {mapping.name} is not beside it: export it again, and keep both")
    return mapping


def _engine(base: str, webgpu: bool) -> dict[str, Any]:
    """Where the page finds onnxruntime-web."""
    builds = {
        build: {
            part: {"name": file.name, "bytes": file.size, "integrity": file.integrity}
            for part, file in zip(("module", "binary"), files, strict=True)
        }
        for build, files in BUILDS.items()
        if webgpu or build == "wasm"
    }
    return {"base": base, "local": base == _ORT, "builds": builds}


def _reference(sampler: Sampler) -> dict[str, Any]:
    """A picture that the page compares with its own before it trusts a GPU."""
    (picture,) = sampler.sample([_REFERENCE_SEED])
    return {"seed": _REFERENCE_SEED, "pixels": base64.b64encode(picture.tobytes()).decode()}


def _directions(sampler: Sampler, count: int) -> dict[str, Any]:
    if sampler.spec.inputs == "seed" or not count:
        return {"vectors": "", "shares": []}
    found = leading_directions(sampler, count)
    little_endian = np.ascontiguousarray(found.vectors, "<f4").tobytes()
    shares = [round(float(share), 4) for share in found.shares]
    return {"vectors": base64.b64encode(little_endian).decode(), "shares": shares}


def _allow(page: Path, address: str) -> None:
    """Let a page load code from an address, which its policy forbids otherwise."""
    text = page.read_text(encoding="utf-8")
    text = text.replace("script-src 'self'", "script-src 'self' blob:").replace(
        "connect-src 'self'", f"connect-src 'self' {address}"
    )
    page.write_text(text, encoding="utf-8")
