"""The extractor `inception`: the network of 2015 that FID is defined by, with its published weights.

    python -m tfgan_kit.extractors.inception FILE.pth [--out inception.onnx]
    python -m tfgan_kit.extractors.inception --download [--out inception.onnx]

The weights (91 MiB, Apache License 2.0) do not ship and are not fetched unless asked for. FILE.pth is the port of them
that nearly all of the literature computes FID with; it counts only if its sha256 is right. It is read without running
anything in it and written once as ONNX, into the cache (TFGAN_CACHE, or ~/.cache/tfgan-kit) unless --out is given;
`inception` is then found there. Needs `onnx`; no TensorFlow and no PyTorch.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from tfgan_kit.errors import DataError, ModelFileError, TfganKitError
from tfgan_kit.extractors.inception_graph import to_onnx
from tfgan_kit.extractors.onnx_file import OnnxExtractor
from tfgan_kit.extractors.signature import PROPERTY
from tfgan_kit.extractors.torch_file import read_tensors
from tfgan_kit.files import cache_folder

WEIGHTS_NAME = "pt_inception-2015-12-05-6726825d.pth"
WEIGHTS_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
WEIGHTS_BYTES = 95_628_359
WEIGHTS_URL = f"https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/{WEIGHTS_NAME}"
RESIZE = "bilinear, in the network (TensorFlow 1, not antialiased)"

_COMMAND = "python -m tfgan_kit.extractors.inception"
_BLOCK = 16  # pictures a run: 299 px on a side inside, whatever their own size
_TIMEOUT_SEC = 60
_CHUNK = 2**20
# The last entry of the file's metadata is the sha256 of all bytes before it. Protobuf reads it as it does the others:
# a field of 80 bytes, of a key of 12 and a value of 64.
_SEAL = b"\x72\x50\x0a\x0ctfgan_sha256\x12\x40"
_SEAL_BYTES = len(_SEAL) + 64

Progress = Callable[[int, int], None]  # bytes so far, bytes in all (0: not known)


def open_inception(location: str = "", *, weights_sha256: str = WEIGHTS_SHA256) -> OnnxExtractor:
    """The extractor `inception`.

    Args:
        location: the published .pth, which is converted into the cache, or an .onnx that was made of it; "": the one in
            the cache.
        weights_sha256: of the .pth.

    Raises:
        DataError: no location, and none in the cache.
        ModelFileError: a file that is missing, damaged, or not of these weights.
        MissingPackageError: no onnxruntime, or no onnx where a .pth is to be converted.
    """
    if not location and not cached().is_file():
        raise DataError(
            f"the extractor 'inception' needs weights that do not ship: `{_COMMAND} --download` fetches them once (91 "
            f"MiB), or give your copy of {WEIGHTS_NAME} as inception:FILE"
        )
    path = Path(location).expanduser() if location else cached()
    digest = _sha256(path)
    if digest == weights_sha256:
        if not _is_of(cached(), weights_sha256):
            convert(path, cached(), weights_sha256=weights_sha256)
        path = cached()
    elif not _is_of(path, weights_sha256):
        raise ModelFileError(
            f"{path} (sha256 {digest[:16]}...) is neither {WEIGHTS_NAME} (sha256 {weights_sha256[:16]}...) nor a whole "
            f".onnx that `{_COMMAND}` made of it"
        )
    return OnnxExtractor(path, name="inception")


def cached() -> Path:
    """Where the converted network is kept."""
    return cache_folder() / "extractors" / "inception.onnx"


def convert(weights: Path, out: Path, *, weights_sha256: str = WEIGHTS_SHA256) -> None:
    """Write the network with the weights of a .pth as `out`, an .onnx.

    Raises:
        ModelFileError: a file that is missing, or not the one with that sha256.
        MissingPackageError: `onnx` is not installed.
    """
    digest = _sha256(weights)
    if digest != weights_sha256:
        raise ModelFileError(f"{weights} has the sha256 {digest}; {WEIGHTS_NAME} has {weights_sha256}: get it again")
    info = {"name": "inception", "resize": RESIZE, "block": _BLOCK, "weights_sha256": weights_sha256}
    content = to_onnx(read_tensors(weights), {PROPERTY: json.dumps(info)})
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".converting-") as scratch:
        partial = Path(scratch) / out.name
        partial.write_bytes(content + _SEAL + hashlib.sha256(content).hexdigest().encode())
        os.replace(partial, out)


def download(
    out: Path, *, url: str = WEIGHTS_URL, weights_sha256: str = WEIGHTS_SHA256, progress: Progress | None = None
) -> None:
    """Fetch the published weights and write the network with them as `out`; the .pth itself is not kept.

    Raises:
        DataError: the address does not answer, breaks off, or gives another file.
        MissingPackageError: `onnx` is not installed.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".downloading-") as scratch:
        partial = Path(scratch) / WEIGHTS_NAME
        try:
            _fetch(url, partial, progress)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise DataError(
                f"{url} could not be fetched ({error}): try again, or get {WEIGHTS_NAME} elsewhere and give it as "
                "inception:FILE"
            ) from None
        digest = _sha256(partial)
        if digest != weights_sha256:
            raise DataError(f"{url} gave a file with the sha256 {digest} in place of {weights_sha256}: it is not used")
        convert(partial, out, weights_sha256=weights_sha256)


def _fetch(url: str, out: Path, progress: Progress | None) -> None:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SEC) as answer, out.open("wb") as file:
        total, done = int(answer.headers.get("Content-Length") or 0), 0
        while chunk := answer.read(_CHUNK):
            done += file.write(chunk)
            if progress:
                progress(done, total)
        if done < total:
            raise OSError(f"it broke off after {done:,} of {total:,} bytes")


def _is_of(path: Path, weights_sha256: str) -> bool:
    """Whether `path` is an .onnx that `convert` made of those weights, and whole."""
    if not path.is_file():
        return False
    content = path.read_bytes()
    body, seal = content[:-_SEAL_BYTES], content[-_SEAL_BYTES:]
    return seal == _SEAL + hashlib.sha256(body).hexdigest().encode() and weights_sha256.encode() in body[-4096:]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror}): give {WEIGHTS_NAME}") from None


def _print_progress(done: int, total: int) -> None:
    share = f" ({done / total:.0%})" if total else ""
    print(f"\r{done / 2**20:.0f} MiB{share}", end="", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Convert, or fetch and convert."""
    parser = argparse.ArgumentParser(description="Make the extractor inception of its published weights.")
    parser.add_argument("weights", nargs="?", type=Path, help=WEIGHTS_NAME)
    parser.add_argument("--download", action="store_true", help=f"fetch them from {WEIGHTS_URL}")
    parser.add_argument("--out", type=Path, help="the .onnx to write (default: in the cache, where it is found)")
    options = parser.parse_args(argv)
    if (options.weights is None) != options.download:
        parser.error("give the .pth, or --download")
    out = options.out or cached()
    try:
        if options.download:
            download(out, progress=_print_progress)
            print(file=sys.stderr)
        else:
            convert(options.weights, out)
    except TfganKitError as error:
        parser.exit(1, f"{error}\n")
    print(out)


if __name__ == "__main__":
    main()
