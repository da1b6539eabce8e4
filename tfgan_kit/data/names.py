"""The sorted names of very many files, kept in a temporary file."""

from __future__ import annotations

import heapq
import itertools
import mmap
import struct
import tempfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, overload

import numpy as np

_RUN = 100_000  # names sorted in memory at a time
_LENGTH = struct.Struct("<I")


class Names(Sequence[str]):
    """Sorted names, read from a temporary file without a name of its own: 8 bytes of memory each.

    May be read from several threads.
    """

    def __init__(self, names: Iterable[str]) -> None:
        """Sort `names`, however many, in pieces that fit memory."""
        left = iter(names)
        runs = []
        while run := sorted(_encoded(name) for name in itertools.islice(left, _RUN)):
            runs.append(_Run(run))
        with tempfile.TemporaryFile() as file:
            self._ends = np.fromiter(_written(heapq.merge(*runs), file), np.int64)
            file.flush()
            # An empty file cannot be mapped.
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if len(self._ends) else b""

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        index %= len(self)
        first = int(self._ends[index - 1]) if index else 0
        return self._bytes[first : int(self._ends[index])].decode(errors="surrogateescape")

    def __iter__(self) -> Iterator[str]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        i = bisect_left(self, _encoded(name), key=_encoded)
        return i < len(self) and self[i] == name


class _Run:
    """Sorted names in a temporary file of their own."""

    def __init__(self, names: list[bytes]) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the run
        self._file.writelines(part for name in names for part in (_LENGTH.pack(len(name)), name))

    def __iter__(self) -> Iterator[bytes]:
        self._file.seek(0)
        while head := self._file.read(_LENGTH.size):
            yield self._file.read(*_LENGTH.unpack(head))
        self._file.close()


def _encoded(name: str) -> bytes:
    # UTF-8 sorts as its characters do; names that are no UTF-8 come from the file system with surrogates.
    return name.encode(errors="surrogateescape")


def _written(names: Iterable[bytes], file: BinaryIO) -> Iterator[int]:
    """Write names one behind the other; where each ends."""
    end = 0
    for name in names:
        file.write(name)
        end += len(name)
        yield end
