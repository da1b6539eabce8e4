"""Writing one shard of a prepared set."""

from __future__ import annotations

import errno
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data.material import Material
from tfgan_kit.data.records import array_record
from tfgan_kit.files import write_atomic, write_json

HASH_BYTES = 16
LEVELS = 256
_BLOCK = 64  # pictures that are held
_OPTIONS = "group_size:1,uncompressed"


class StoppedError(Exception):
    """Another worker failed, or the user wants to stop."""


@dataclass(frozen=True)
class Shard:
    """What is known of a finished shard.

    Attributes:
        size: bytes.
        broken: numbers of the pictures that could not be read.
        histogram: (C, 256) pixels of each value.
        hashes: (n, 16) uint8, of the pixels of each picture that is there.
    """

    size: int
    broken: tuple[int, ...]
    histogram: NDArray[np.int64]
    hashes: NDArray[np.uint8]

    def write(self, path: Path) -> None:
        """Keep it, atomically."""
        content = {
            "size": self.size,
            "broken": self.broken,
            "histogram": self.histogram.tolist(),
            "hashes": self.hashes.tobytes().hex(),
        }
        write_json(path, content)

    @classmethod
    def read(cls, path: Path) -> Shard:
        """What `write` kept.

        Raises:
            ValueError, KeyError, TypeError: it is damaged.
            OSError: it cannot be read.
        """
        content = json.loads(path.read_text(encoding="utf-8"))
        hashes = np.frombuffer(bytes.fromhex(content["hashes"]), np.uint8).reshape(-1, HASH_BYTES)
        return cls(content["size"], tuple(content["broken"]), np.array(content["histogram"], np.int64), hashes)


def write_shard(
    material: Material,
    numbers: range,
    file: Path,
    finished: Callable[[range, list[int]], None],
    stopped: threading.Event,
) -> Shard:
    """Write some pictures as a shard, which is whole or not there.

    Args:
        material: of the pictures.
        numbers: which of them.
        file: of the shard.
        finished: called after each block with its numbers, and those of its broken pictures.
        stopped: set where the work is to be left.

    Raises:
        StoppedError: it was.
    """
    histogram = np.zeros((material.shape[2], LEVELS), np.int64)
    hashes: list[bytes] = []
    broken: list[int] = []

    def write(temporary: Path) -> None:
        with _named_errors(file):
            writer = array_record().ArrayRecordWriter(str(temporary), _OPTIONS)
        for first in range(numbers.start, numbers.stop, _BLOCK):
            if stopped.is_set():
                raise StoppedError
            block = range(first, min(first + _BLOCK, numbers.stop))
            read = list(material.pixels(block))
            good = [pixels for pixels in read if pixels is not None]
            for pixels in good:
                content = pixels.tobytes()
                with _named_errors(file):
                    writer.write(content)
                hashes.append(hashlib.blake2b(content, digest_size=HASH_BYTES).digest())
            for channel in range(len(histogram)):
                for pixels in good:
                    histogram[channel] += np.bincount(pixels[:, :, channel].ravel(), minlength=LEVELS)
            failed = [number for number, pixels in zip(block, read, strict=True) if pixels is None]
            broken.extend(failed)
            finished(block, failed)
        with _named_errors(file):
            writer.close()

    write_atomic(file, write)
    rows = np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, HASH_BYTES)
    return Shard(file.stat().st_size, tuple(broken), histogram, rows)


@contextmanager
def _named_errors(file: Path) -> Iterator[None]:
    """Turn the library's error of a full disk and the like into Python's, with the file's name."""
    try:
        yield
    except RuntimeError as error:
        reason = str(error).partition("failed: ")[2].partition(";")[0] or str(error)
        raise OSError(errno.EIO, reason, str(file)) from None
