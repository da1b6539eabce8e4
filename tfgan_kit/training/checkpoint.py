"""Checkpoints: a folder each, complete and hashed or not there at all. No TensorFlow here.

    checkpoints/step-00001234/state.npz       every variable by name
                              manifest.json   format, step, sha256 and size of state.npz, whether the run is finished

A checkpoint is written beside its place, forced to the disk and then renamed into place, so a kill at any moment
leaves only complete ones. A file that was damaged later does not match its hash and is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tfgan_kit.errors import CheckpointError
from tfgan_kit.files import TEMPORARY, fsync

FORMAT = 1
# Begins the names of arrays that are no variables of a GAN, but what the watch over its training remembers.
WATCH = "watch/"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a checkpoint says of itself.

    Attributes:
        step: train steps done.
        nimg: images seen.
        finished: whether the run's length was reached.
        sha256: of state.npz.
        size: of state.npz, bytes.
        format: version of this layout.
    """

    step: int
    nimg: int
    finished: bool
    sha256: str
    size: int
    format: int = FORMAT


def save(
    folder: Path,
    state: Mapping[str, np.ndarray],
    *,
    step: int,
    nimg: int,
    finished: bool,
    keep: int,
    spared: Collection[int] = (),
) -> Path:
    """Write the checkpoint of `step` and delete all but the newest `keep`.

    Args:
        folder: the run's checkpoints/.
        state: arrays by name.
        step: train steps done.
        nimg: images seen.
        finished: whether the run's length was reached.
        keep: how many to keep.
        spared: steps whose checkpoints are kept beside them.

    Returns:
        The checkpoint's folder.

    Raises:
        OSError: the disk is full or not writable; the older checkpoints are as they were.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{TEMPORARY}{uuid.uuid4().hex}"
    place = folder / f"step-{step:08d}"
    try:
        temporary.mkdir()
        archive = temporary / "state.npz"
        with archive.open("wb") as file:
            np.savez(file, **state)  # type: ignore[arg-type]
        manifest = Manifest(
            step=step, nimg=nimg, finished=finished, sha256=_sha256(archive), size=archive.stat().st_size
        )
        (temporary / "manifest.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n", encoding="utf-8")
        for path in (archive, temporary / "manifest.json", temporary):
            fsync(path)
        if place.exists():
            shutil.rmtree(place)
        os.replace(temporary, place)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    fsync(folder)
    for old in _newest_first(folder)[keep:]:
        if _step(old) not in spared:
            shutil.rmtree(old)
    return place


def load_newest(folder: Path) -> tuple[Manifest, dict[str, np.ndarray], list[str]] | None:
    """The newest checkpoint whose hash is right.

    Args:
        folder: the run's checkpoints/.

    Returns:
        Manifest, arrays by name, and one line for each newer checkpoint that was refused; None if there is none at all.

    Raises:
        CheckpointError: there are checkpoints, and all are damaged.
    """
    refused: list[str] = []
    for place in _newest_first(folder):
        try:
            manifest = read_manifest(place)
            archive = place / "state.npz"
            if archive.stat().st_size != manifest.size or _sha256(archive) != manifest.sha256:
                raise CheckpointError(f"{place.name} does not match its hash")
            with np.load(archive, allow_pickle=False) as arrays:
                return manifest, dict(arrays), refused
        except (CheckpointError, OSError, ValueError, zipfile.BadZipFile) as error:
            refused.append(f"checkpoint {place.name} is damaged and was not used ({error})")
    if refused:
        raise CheckpointError(
            f"no checkpoint in {folder} is intact: {'; '.join(refused)}; start again with another --out"
        )
    return None


def remove_after(folder: Path, step: int) -> None:
    """Delete the checkpoints of later steps: those that were refused, which training will write anew."""
    for place in _newest_first(folder):
        if _step(place) > step:
            shutil.rmtree(place)


def manifests(folder: Path) -> list[Manifest]:
    """The readable manifests, the newest first, without checking the weights behind them."""
    found = []
    for place in _newest_first(folder):
        try:
            found.append(read_manifest(place))
        except (CheckpointError, OSError):
            continue
    return found


def newest_manifest(folder: Path) -> Manifest | None:
    """The newest readable manifest, without checking the weights behind it."""
    return next(iter(manifests(folder)), None)


def read_manifest(place: Path) -> Manifest:
    """The manifest of one checkpoint folder.

    Raises:
        CheckpointError: it is not readable, or of a newer format.
    """
    try:
        fields = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
        if fields.get("format") != FORMAT:
            raise CheckpointError(f"{place.name} has format {fields.get('format')!r}, and this version reads {FORMAT}")
        return Manifest(**fields)
    except (ValueError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{place.name}/manifest.json is not readable ({error})") from None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*"), reverse=True) if folder.is_dir() else []


def _step(place: Path) -> int:
    return int(place.name.removeprefix("step-"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
