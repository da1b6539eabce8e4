"""From any source to shards on disk, which training streams: once, on all cores, and resumable."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data.folder import MAX_BROKEN, broken_notes
from tfgan_kit.data.material import Material, material_of
from tfgan_kit.data.parallel import available_cpus
from tfgan_kit.data.records import INDEX, LABELS, PLAN, ROWS, Index, array_record, open_records, shard_file
from tfgan_kit.data.shards import HASH_BYTES, LEVELS, Shard, write_shard
from tfgan_kit.data.source import seal_digest
from tfgan_kit.errors import DataError
from tfgan_kit.files import is_free, remove_temporaries, write_atomic, write_json
from tfgan_kit.recipe import Recipe

_BLOCK = 64  # pictures that are held
_LOCK = ".lock"


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """What `prepare` made.

    Attributes:
        folder: the set, for `records:FOLDER`.
        index: what it is.
        images: pictures in it.
        bytes: of its shards.
        notes: one-line warnings.
    """

    folder: Path
    index: Index
    images: int
    bytes: int
    notes: tuple[str, ...]


def prepare(
    recipe: Recipe,
    out: Path,
    *,
    workers: int | None = None,
    per_shard: int = 4096,
    deduplicate: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Prepared:
    """Write a recipe's pictures as shards, or go on where the same call was interrupted.

    A shard is whole or not there, and the index is written last. A finished set of which files are missing or cut is
    written again. A picture is held a block at a time by each worker.

    Args:
        recipe: of which `data`, `resolution`, `channels`, `fit`, `conditional` and `memory_mb` matter.
        out: folder of the set, new or of the same preparation.
        workers: threads, each of which fills a shard; None: one a core.
        per_shard: pictures in a shard.
        deduplicate: keep only the first of pictures with equal pixels.
        on_progress: called with the pictures that are done and all of them.

    Raises:
        DataError: data that cannot be read, more than 1 % broken pictures, or a folder that holds something else or
            cannot be written.
        MissingPackageError: array_record is not installed.
    """
    array_record()
    if workers is not None and workers < 1:
        raise DataError(f"workers must be at least 1; got {workers}")
    if per_shard < 1:
        raise DataError(f"a shard holds at least 1 picture; got {per_shard}")
    material = material_of(recipe)
    plan = {
        "data": recipe.data,
        "shape": list(material.shape),
        "fit": recipe.fit,
        "images": material.count,
        "identity": material.identity,
        "per_shard": per_shard,
        "deduplicate": deduplicate,
    }
    try:
        with _claimed(out, plan):
            if not _is_whole(out):
                (out / INDEX).unlink(missing_ok=True)
                shards = _written_shards(material, out, per_shard, workers or available_cpus(), on_progress)
                _finish(material, out, recipe.data, shards, deduplicate)
            # What was kept for going on is no longer needed.
            for beside in out.glob(_beside(out, 0).name.replace("00000", "*")):
                beside.unlink()
        index = Index.read(out)
    except OSError as error:
        raise DataError(
            f"{error.filename or out} cannot be written ({error.strerror or error}): what is whole is kept; make room, "
            "or name another --out"
        ) from None
    images = sum(index.records) - index.duplicates
    return Prepared(folder=out, index=index, images=images, bytes=sum(index.sizes), notes=_notes(material, index))


@contextmanager
def _claimed(out: Path, plan: dict[str, object]) -> Iterator[None]:
    """Hold the folder alone; it is made, or of the same plan.

    Raises:
        DataError: another process holds it, or it holds something else.
    """
    import filelock

    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file: name a folder")
    if out.is_dir() and not (out / PLAN).is_file() and not is_free(out, _LOCK):
        raise DataError(f"{out} holds other files: name a new or empty folder")
    out.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(out / _LOCK, timeout=0):
            _check_plan(out, plan)
            yield
    except filelock.Timeout:
        raise DataError(f"{out} is being prepared by another process: wait for it, or name another --out") from None


def _check_plan(out: Path, plan: dict[str, object]) -> None:
    """Write down what the folder is to be, or see that it is that.

    Raises:
        DataError: it is not.
    """
    path = out / PLAN
    if not path.is_file():
        write_json(path, plan)
        return
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8")))
        other = [
            f"{key} {found.get(key)!r:.40}, not {value!r:.40}" for key, value in plan.items() if found.get(key) != value
        ]
    except (ValueError, TypeError):
        other = [f"a damaged {PLAN}"]
    if other:
        raise DataError(f"{out} holds another preparation ({'; '.join(other)}): name another --out, or delete it")


def _written_shards(
    material: Material, out: Path, per_shard: int, workers: int, on_progress: Callable[[int, int], None]
) -> list[Shard]:
    """Every shard, written now or before.

    Raises:
        DataError: more than 1 % of the pictures are broken.
    """
    remove_temporaries(out)
    parts = [range(first, min(first + per_shard, material.count)) for first in range(0, material.count, per_shard)]
    done, broken, lock = 0, [], threading.Lock()
    stopped = threading.Event()

    def finished(numbers: range, failed: list[int]) -> None:
        nonlocal done
        with lock:
            done += len(numbers)
            broken.extend(failed)
            on_progress(done, material.count)
            if len(broken) > MAX_BROKEN * material.count:
                broken_notes(material.where, [material.name(i) for i in broken], material.count)

    def shard(number: int) -> Shard:
        whole = _kept_shard(material, out, number)
        if whole is not None:
            finished(parts[number], list(whole.broken))
            return whole
        made = write_shard(material, parts[number], shard_file(out, number), finished, stopped)
        made.write(_beside(out, number))
        return made

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(shard, number) for number in range(len(parts))]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future.done():
                    future.result()
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)
    return [future.result() for future in futures]


def _finish(material: Material, out: Path, data: str, shards: list[Shard], deduplicate: bool) -> None:
    """Write labels, rows and at last the index."""
    hashes = np.concatenate([shard.hashes for shard in shards])
    kept = np.arange(len(hashes))
    if deduplicate:
        kept = np.sort(np.unique(hashes, axis=0, return_index=True)[1])
        write_atomic(out / ROWS, lambda temporary: _save(temporary, kept))
    labels = material.labels
    if labels is not None:
        broken = [number for shard in shards for number in shard.broken]
        settled = np.delete(labels, broken, axis=0)[kept]
        labels = settled
        write_atomic(out / LABELS, lambda temporary: _save(temporary, settled))

    histogram = sum((shard.histogram for shard in shards), start=np.zeros((material.shape[2], LEVELS), np.int64))
    share, values = histogram / histogram.sum(axis=1, keepdims=True), np.arange(LEVELS)
    mean = share @ values
    deviation = np.sqrt(np.maximum(share @ values**2 - mean**2, 0))
    Index(
        data=data,
        shape=material.shape,
        attributes=material.attributes,
        digest=seal_digest(hashlib.sha256(hashes[kept].tobytes()), material.shape, labels),
        records=tuple(len(shard.hashes) for shard in shards),
        sizes=tuple(shard.size for shard in shards),
        mean=tuple(mean.tolist()),
        deviation=tuple(deviation.tolist()),
        broken=sum(len(shard.broken) for shard in shards),
        duplicates=len(hashes) - len(kept),
    ).write(out)


def verify(folder: Path, on_progress: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Read every picture of a prepared set, and see that they are those that were written.

    Args:
        folder: of the set.
        on_progress: called with the pictures that are read and all of them.

    Raises:
        DataError: they are not, or cannot be read.
    """
    index = Index.read(folder)
    source = open_records(str(folder), Recipe(data=f"records:{folder}", kimg=1, batch_size=1))
    content = hashlib.sha256()
    for first in range(0, len(source), _BLOCK):
        for pixels in source.read(np.arange(first, min(first + _BLOCK, len(source)))):
            content.update(hashlib.blake2b(pixels.tobytes(), digest_size=HASH_BYTES).digest())
        on_progress(min(first + _BLOCK, len(source)), len(source))
    if seal_digest(content, source.shape, source.labels) != index.digest:
        raise DataError(
            f"{folder} is damaged: its pictures are not those that were prepared; delete it and prepare the set again"
        )


def _is_whole(out: Path) -> bool:
    """Whether the set is finished, and none of its files is missing or cut."""
    try:
        open_records(str(out), Recipe(data=f"records:{out}", kimg=1, batch_size=1))
    except DataError:
        return False
    return True


def _kept_shard(material: Material, out: Path, number: int) -> Shard | None:
    """A shard that was written before; None where it is not whole, or a picture that it lacks can be read by now."""
    try:
        shard = Shard.read(_beside(out, number))
        if shard_file(out, number).stat().st_size != shard.size:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    repaired = any(pixels is not None for i in shard.broken for pixels in material.pixels(range(i, i + 1)))
    return None if repaired else shard


def _beside(out: Path, number: int) -> Path:
    """What is known of a shard, while others are still to be written."""
    return shard_file(out, number).with_suffix(".json")


def _save(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def _notes(material: Material, index: Index) -> tuple[str, ...]:
    left_out = f"left out {index.broken:,} broken pictures" if index.broken else ""
    equal = f"left out {index.duplicates:,} pictures equal to one before them" if index.duplicates else ""
    return material.notes + tuple(note for note in (left_out, equal) if note)
