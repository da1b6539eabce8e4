"""onnxruntime-web: the files of it that a demo needs, from npm, from a folder, or from a public address.

It is never part of this package. package-lock.json pins it, and the hashes below are those of its files, so that
whatever way they come they are the ones that the page was made for.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tfgan_kit.errors import MissingPackageError, ModelFileError
from tfgan_kit.files import TEMPORARY, cache_folder

VERSION = "1.30.0"
CDN = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{VERSION}/dist/"
_HERE = Path(__file__).parent
_NPM_SECONDS = 300
_OTHERWISE = "give --ort-web DIR, a folder with its dist, or --ort-web cdn, a public address"


@dataclass(frozen=True, kw_only=True)
class EngineFile:
    """A file of onnxruntime-web's `dist`.

    Attributes:
        name: its name there.
        size: bytes.
        integrity: its hash, as subresource integrity has it.
    """

    name: str
    size: int
    integrity: str


# A build is a module and the WebAssembly that it runs; a browser loads one of them. That of webgpu runs on the CPU too.
BUILDS = {
    "wasm": (
        EngineFile(
            name="ort.wasm.bundle.min.mjs",
            size=73054,
            integrity="sha384-PLWz+nHEVHpjwBsO0YVdvQj6n5814Iv8E3b8FG0Rp/uIAtjFMCKOpP66iPzedrIG",
        ),
        EngineFile(
            name="ort-wasm-simd-threaded.wasm",
            size=14239897,
            integrity="sha384-vjBJ1z7qrhkTyYsNqKeF6c7N+nOJSU94czEo+tvZcu8G75JparGq9kB+kTnEUNVM",
        ),
    ),
    "webgpu": (
        EngineFile(
            name="ort.webgpu.bundle.min.mjs",
            size=117732,
            integrity="sha384-1ntMeyj+z5diX6vBR5h+zlJBPc4iNvhCxE6nlammh8daBYcLBZkzrwDkuJjhwI+f",
        ),
        EngineFile(
            name="ort-wasm-simd-threaded.asyncify.wasm",
            size=26781914,
            integrity="sha384-EPVDLTxuO663dkZO/pcKJF6vOyyfq/5z9FY1oksN0UWFX2ABH4wDDZQHeNoUleWR",
        ),
    ),
}


def find_engine(folder: Path | None) -> Path:
    """A folder with every file of onnxruntime-web that a demo may need.

    Args:
        folder: onnxruntime-web's `dist`, or a folder with such files; None: from npm, into the cache folder, the first
            time.

    Raises:
        ModelFileError: the folder lacks a file, or has it of another version.
        MissingPackageError: there is no npm, or it could not fetch the package.
    """
    if folder is not None:
        nested = folder / "node_modules" / "onnxruntime-web" / "dist"
        found = nested if nested.is_dir() else folder
        wrong = _wrong(found)
        if wrong:
            raise ModelFileError(
                f"--ort-web {folder} has no {wrong} of onnxruntime-web {VERSION}: name the folder `dist` of the npm "
                f"package onnxruntime-web@{VERSION}, or take --ort-web cdn"
            )
        return found
    cached = cache_folder() / f"onnxruntime-web-{VERSION}"
    if _wrong(cached):
        try:
            _from_npm(cached)
        except OSError as error:
            # Another process may have put it there meanwhile.
            if _wrong(cached):
                raise MissingPackageError(
                    f"onnxruntime-web {VERSION} cannot be kept in {cached.parent} ({error.strerror or error}): set "
                    f"TFGAN_CACHE to a folder that can be written, or {_OTHERWISE}"
                ) from None
    return cached


def engine_files(webgpu: bool) -> Iterable[EngineFile]:
    """The files that a demo takes along."""
    return [file for build, files in BUILDS.items() if webgpu or build == "wasm" for file in files]


def integrity(content: bytes) -> str:
    """The hash of a file, as subresource integrity has it."""
    return f"sha384-{base64.b64encode(hashlib.sha384(content).digest()).decode()}"


def _wrong(folder: Path) -> str | None:
    """The name of a file that is missing or another; None where all are right."""
    for file in engine_files(webgpu=True):
        path = folder / file.name
        if not path.is_file() or path.stat().st_size != file.size or integrity(path.read_bytes()) != file.integrity:
            return file.name
    return None


def _from_npm(cached: Path) -> None:
    """Install the locked package beside the cache, and keep of it what is needed."""
    npm = shutil.which("npm")
    if npm is None:
        raise MissingPackageError(
            f"the demo needs onnxruntime-web {VERSION}, and there is no npm to fetch it: {_OTHERWISE}"
        )
    cached.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=cached.parent) as name:
        work = Path(name)
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(_HERE / file, work / file)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=_NPM_SECONDS, check=False)
            failure = "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        except (OSError, subprocess.TimeoutExpired) as error:
            failure = str(error)
        dist = work / "node_modules" / "onnxruntime-web" / "dist"
        if failure or _wrong(dist):
            why = failure or "its files are not the known ones"
            raise MissingPackageError(f"npm could not fetch onnxruntime-web {VERSION} ({why}): {_OTHERWISE}")
        kept = work / "kept"
        kept.mkdir()
        for engine_file in engine_files(webgpu=True):
            os.replace(dist / engine_file.name, kept / engine_file.name)
        shutil.rmtree(cached, ignore_errors=True)
        os.replace(kept, cached)
