"""The source `records:FOLDER`: pictures that `tfgan data prepare` put into shards, for sets larger than memory.

    index.json                   what the set is, and each shard's pictures
    labels.npy                   (N, A) int32, where there are labels
    rows.npy                     (N,) int64, where some records are left out: which of them are the pictures
    shard-00000.arrayrecord      uint8 pixels, a record a picture, uncompressed: any is read by its number

Each shard is read through the library array_record.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.data.source import Attributes, Images, Labels, Source, settle_labels
from tfgan_kit.errors import DataError, MissingPackageError
from tfgan_kit.files import write_json
from tfgan_kit.recipe import Recipe

FORMAT = 1
INDEX, LABELS, ROWS, PLAN = "index.json", "labels.npy", "rows.npy", "plan.json"
# Readers that are kept open: more than the shards that are mixed at a time.
_OPEN = 64
_OPTIONS = "readahead_buffer_size:0"


def shard_file(folder: Path, number: int) -> Path:
    """Where a shard lies."""
    return folder / f"shard-{number:05}.arrayrecord"


@dataclass(frozen=True, kw_only=True)
class Index:
    """What a prepared set is.

    Attributes:
        data: the source that it was made from.
        shape: (H, W, C) of every picture.
        attributes: for each column of the labels its name and those of its values; {} without labels.
        digest: 16 hex digits of the pictures, in order, and their labels, however they are cut into shards.
        records: in each shard.
        sizes: of the shards, bytes.
        mean, deviation: of the pixels, a channel each, in [0, 255].
        broken: pictures that could not be read, and are left out.
        duplicates: pictures that are left out because an equal one stands before them.
    """

    data: str
    shape: tuple[int, int, int]
    attributes: Attributes
    digest: str
    records: tuple[int, ...]
    sizes: tuple[int, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    broken: int
    duplicates: int

    def write(self, folder: Path) -> None:
        """Write it, atomically."""
        write_json(folder / INDEX, {"format": FORMAT, **asdict(self)})

    @classmethod
    def read(cls, folder: Path) -> Index:
        """The index of a prepared set.

        Raises:
            DataError: no such folder, none that was prepared, one that is not finished, or a damaged index.
        """
        path = folder / INDEX
        if not path.is_file():
            if (folder / PLAN).is_file():
                raise DataError(f"{folder} is not prepared to its end: the same `tfgan data prepare` goes on with it")
            raise DataError(f"{folder} is no prepared set: `tfgan data prepare SOURCE --out FOLDER` makes one")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            version = content.pop("format")
            if version != FORMAT:
                raise DataError(
                    f"{path} has format {version!r:.20}, and this tfgan-kit reads {FORMAT}: prepare it again"
                )
            return cls(**{key: _tuples(value) for key, value in content.items()})._checked()
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise DataError(f"{path} is damaged: prepare the set again") from None

    def _checked(self) -> Index:
        """Itself, if its values are such as `write` writes; else ValueError."""
        numbers = (*self.shape, *self.records, *self.sizes, self.broken, self.duplicates)
        if any(type(n) is not int or n < 0 for n in numbers) or not sum(self.records) or not all(self.shape):
            raise ValueError
        if len(self.shape) != 3 or len(self.records) != len(self.sizes):
            raise ValueError
        names = [name for values in self.attributes.values() for name in values]
        if not all(isinstance(text, str) for text in (self.data, self.digest, *names)):
            raise ValueError
        return self


class RecordsSource:
    """A prepared set, read at random; may be read from several threads."""

    def __init__(self, spec: str, folder: Path, index: Index, labels: Labels | None, rows: NDArray[np.int64]) -> None:
        """Take a set that was checked.

        Args:
            spec: the source as the recipe names it.
            folder: where it lies.
            index: of the set.
            labels: (N, A) int32, or None.
            rows: (N,) ascending, the records that are pictures.
        """
        self.spec, self.shape, self.labels, self.digest = spec, index.shape, labels, index.digest
        self.attributes: Attributes = {} if labels is None else index.attributes
        self.notes: tuple[str, ...] = ()
        self._folder, self._rows = folder, rows
        self._ends = np.cumsum(index.records)
        self._readers: OrderedDict[int, Any] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def shards(self) -> tuple[int, ...]:
        """Pictures in each shard that has some."""
        counts = np.bincount(np.searchsorted(self._ends, self._rows, side="right"), minlength=len(self._ends))
        return tuple(counts[counts > 0].tolist())

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._rows)

    def read(self, indices: NDArray[np.int64]) -> Images:
        """Pictures `indices`, (B,) int64 in [0, N), as (B, H, W, C) uint8.

        Raises:
            DataError: a shard that is not there any more, or damaged.
        """
        images = np.empty((len(indices), *self.shape), np.uint8)
        records = self._rows[indices]
        shards = np.searchsorted(self._ends, records, side="right")
        for shard in np.unique(shards):
            of = np.flatnonzero(shards == shard)
            first = int(self._ends[shard - 1]) if shard else 0
            for row, content in zip(of, self._contents(int(shard), records[of] - first), strict=True):
                if len(content) != images[row].nbytes:
                    raise DataError(
                        f"{shard_file(self._folder, int(shard))} is damaged: delete it and prepare the set again"
                    )
                images[row] = np.frombuffer(content, np.uint8).reshape(self.shape)
        return images

    def _contents(self, shard: int, rows: NDArray[np.int64]) -> list[bytes]:
        """The records `rows` of a shard."""
        try:
            found: list[bytes] = self._reader(shard).read(rows.tolist())
        except Exception as error:  # the library's errors are those of its file and compression layers
            line = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(
                f"{shard_file(self._folder, shard)} cannot be read ({line}): restore it, or delete it and prepare the "
                "set again"
            ) from None
        return found

    def _reader(self, shard: int) -> Any:
        with self._lock:
            if shard in self._readers:
                self._readers.move_to_end(shard)
            else:
                self._readers[shard] = array_record().ArrayRecordReader(
                    str(shard_file(self._folder, shard)), options=_OPTIONS
                )
                if len(self._readers) > _OPEN:
                    self._readers.popitem(last=False)
            return self._readers[shard]


def open_records(location: str, recipe: Recipe) -> Source:
    """A folder that `tfgan data prepare` made.

    Raises:
        DataError: no such folder, none that was prepared to its end, a shard that is missing or of another length, or
            another resolution than the recipe's.
        MissingPackageError: array_record is not installed.
    """
    folder = Path(location).expanduser()
    index = Index.read(folder)
    array_record()
    height, width, channels = index.shape
    if recipe.resolution not in (None, (height, width)) or recipe.channels not in (None, channels):
        raise DataError(
            f"{recipe.data} was prepared as {height}x{width}x{channels}: leave resolution and channels out, or prepare "
            "it again with others"
        )
    for number, size in enumerate(index.sizes):
        file = shard_file(folder, number)
        if not file.is_file() or file.stat().st_size != size:
            raise DataError(f"{file} is missing or not whole: restore it or prepare the set again")
    try:
        rows = _loaded(folder / ROWS, (None,), np.int64) if (folder / ROWS).is_file() else None
        rows = np.arange(sum(index.records)) if rows is None else rows
        labels = _loaded(folder / LABELS, (len(rows), len(index.attributes)), np.int32) if index.attributes else None
    except (OSError, ValueError, EOFError):
        raise DataError(f"{folder}: {LABELS} or {ROWS} is missing or damaged: prepare the set again") from None
    if len(rows) == 0 or rows.min() < 0 or rows.max() >= sum(index.records) or (np.diff(rows) <= 0).any():
        raise DataError(f"{folder / ROWS} is damaged: prepare the set again")
    if labels is not None:
        counts = [len(names) for names in index.attributes.values()]
        if labels.min() < 0 or (labels.max(axis=0) >= counts).any():
            raise DataError(f"{folder / LABELS} is damaged: prepare the set again")
    settled, _ = settle_labels(labels, index.attributes, recipe)
    return RecordsSource(recipe.data, folder, index, settled, rows)


def array_record() -> Any:
    """The module that reads and writes shards.

    Raises:
        MissingPackageError: it is not installed.
    """
    try:
        from array_record.python import array_record_module
    except ImportError:
        raise MissingPackageError(
            "prepared sets need array_record, which Windows does not have: pip install 'tfgan-kit[train]'"
        ) from None
    return array_record_module


def _loaded(path: Path, shape: tuple[int | None, ...], dtype: type) -> NDArray[Any]:
    """An array of a shape, whose None is any, and a dtype; else ValueError."""
    with path.open("rb") as file:
        array = np.load(file, allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != len(shape):
        raise ValueError
    if any(wanted not in (None, found) for wanted, found in zip(shape, array.shape, strict=True)):
        raise ValueError
    return array


def _tuples(value: Any) -> Any:
    """JSON's lists as tuples, in objects too."""
    if isinstance(value, list):
        return tuple(value)
    return {key: _tuples(of) for key, of in value.items()} if isinstance(value, dict) else value
