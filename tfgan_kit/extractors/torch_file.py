"""The tensors of a PyTorch file, read without running what is in it: a pickle is a program, and this is no interpreter.

`torch.save` writes a dictionary of tensors as a pickle in which every storage is a reference, and the storages' bytes
after it (until 1.5) or beside it in a zip (since). Here the pickle's opcodes are read one by one; those of a plain
dictionary of tensors build it, and any other opcode, class or function is refused.
"""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from tfgan_kit.errors import ModelFileError

_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_DTYPES: dict[str, np.dtype[Any]] = {"torch FloatStorage": np.dtype("<f4"), "torch LongStorage": np.dtype("<i8")}
_DICT, _TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"


@dataclass(frozen=True)
class _Global:
    name: str


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_MARK = object()


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a file that `torch.save` made of a dictionary of them.

    Args:
        path: the file, of either container, little-endian.

    Returns:
        name -> array, float32 or int64.

    Raises:
        ModelFileError: it cannot be read, is damaged, or holds anything else.
    """
    try:
        read = _read_zip if zipfile.is_zipfile(path) else _read_legacy
        return read(path)
    except _RefusedError as error:
        raise ModelFileError(f"{path} is not a plain dictionary of PyTorch tensors: {error}") from None
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile) as error:
        raise ModelFileError(f"{path} is damaged, or no PyTorch file: {error}") from None


class _RefusedError(Exception):
    """What the file holds that is not legal here."""


def _read_zip(path: Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise _RefusedError("the zip holds no data.pkl")
        folder = pickles[0].removesuffix("data.pkl")
        if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
            raise _RefusedError("its numbers are big-endian")
        found = _build(BytesIO(archive.read(pickles[0])))
        return _arrays(found, lambda storage: archive.read(f"{folder}data/{storage.key}"))


def _read_legacy(path: Path) -> dict[str, np.ndarray]:
    with path.open("rb") as file:
        if _build(file) != _LEGACY_MAGIC or _build(file) != _LEGACY_PROTOCOL:
            raise _RefusedError("it does not begin as one")
        system = _build(file)
        if not isinstance(system, dict) or system.get("little_endian") is not True:
            raise _RefusedError("its numbers are big-endian")
        found = _build(file)
        keys = _build(file)
        storages = {tensor.storage.key: tensor.storage for tensor in _tensors(found).values()}
        content = {}
        for key in keys:
            count = int(np.frombuffer(file.read(8), "<i8")[0])
            if key not in storages or storages[key].count != count:
                raise _RefusedError(f"storage {key!r} is not the one that its tensors are in")
            content[key] = file.read(count * storages[key].dtype.itemsize)
        return _arrays(found, lambda storage: content[storage.key])


def _arrays(found: Any, content: Callable[[_Storage], bytes]) -> dict[str, np.ndarray]:
    read: dict[str, np.ndarray] = {}
    arrays = {}
    for name, tensor in _tensors(found).items():
        storage = tensor.storage
        if storage.key not in read:
            read[storage.key] = np.frombuffer(content(storage), storage.dtype)
        values = read[storage.key]
        if len(values) != storage.count:
            raise _RefusedError(f"storage {storage.key!r} has {len(values)} numbers in place of {storage.count}")
        last = tensor.offset + sum((n - 1) * stride for n, stride in zip(tensor.shape, tensor.strides, strict=True))
        numbers = (tensor.offset, *tensor.shape, *tensor.strides)
        if min(numbers) < 0 or (min(tensor.shape, default=1) > 0 and last >= storage.count):
            raise _RefusedError(f"tensor {name!r} lies outside its storage")
        strides = tuple(stride * storage.dtype.itemsize for stride in tensor.strides)
        view = np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, strides, writeable=False)
        arrays[name] = np.array(view, order="C")
    return arrays


def _tensors(found: Any) -> dict[str, _Tensor]:
    if not isinstance(found, dict):
        raise _RefusedError(f"it holds a {type(found).__name__}")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, _Tensor):
            raise _RefusedError(f"entry {name!r} is no tensor")
    return found


def _build(stream: IO[bytes]) -> Any:
    """The value of one pickle of protocol 2, of which only what a dictionary of tensors needs is legal."""
    builder = _Builder()
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name == "STOP":
            break
        if opcode.name not in _OPCODES:
            raise _RefusedError(f"it has the opcode {opcode.name}")
        _OPCODES[opcode.name](builder, argument)
    (value,) = builder.stack
    return value


class _Builder:
    """The stack and the memo that opcodes work on."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise IndexError("its pickle takes more than it put there")
        start = len(self.stack) - count
        values, self.stack[start:] = self.stack[start:], []
        return values

    def since_mark(self) -> list[Any]:
        values = self.pop(self.stack[::-1].index(_MARK))
        self.stack.pop()
        return values

    def put(self, index: int) -> None:
        self._memo[index] = self.stack[-1]

    def get(self, index: int) -> None:
        self.push(self._memo[index])

    def check_protocol(self, version: int) -> None:
        if version != 2:
            raise _RefusedError(f"its pickle is of protocol {version}")

    def extend(self, values: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _RefusedError("it appends to what is no list")
        self.stack[-1].extend(values)

    def set_items(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], dict):
            raise _RefusedError("it sets items of what is no dictionary")
        self.stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def drop_state(self) -> None:
        """Of a dictionary, which is what `torch.nn` adds: the versions of its modules."""
        target, state = self.pop(2)
        if not isinstance(target, dict) or not isinstance(state, dict):
            raise _RefusedError("it sets the state of an object")
        self.push(target)


_OPCODES: dict[str, Callable[[_Builder, Any], None]] = {
    "PROTO": _Builder.check_protocol,
    **dict.fromkeys(("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"), _Builder.push),
    "NONE": lambda b, _: b.push(None),
    "NEWTRUE": lambda b, _: b.push(True),
    "NEWFALSE": lambda b, _: b.push(False),
    "MARK": lambda b, _: b.push(_MARK),
    "EMPTY_DICT": lambda b, _: b.push({}),
    "EMPTY_LIST": lambda b, _: b.push([]),
    "EMPTY_TUPLE": lambda b, _: b.push(()),
    "TUPLE": lambda b, _: b.push(tuple(b.since_mark())),
    "TUPLE1": lambda b, _: b.push(tuple(b.pop(1))),
    "TUPLE2": lambda b, _: b.push(tuple(b.pop(2))),
    "TUPLE3": lambda b, _: b.push(tuple(b.pop(3))),
    "APPEND": lambda b, _: b.extend(b.pop(1)),
    "APPENDS": lambda b, _: b.extend(b.since_mark()),
    "SETITEM": lambda b, _: b.set_items(b.pop(2)),
    "SETITEMS": lambda b, _: b.set_items(b.since_mark()),
    "BINPUT": _Builder.put,
    "LONG_BINPUT": _Builder.put,
    "BINGET": _Builder.get,
    "LONG_BINGET": _Builder.get,
    "GLOBAL": lambda b, name: b.push(_global(name)),
    "BINPERSID": lambda b, _: b.push(_storage(*b.pop(1))),
    "REDUCE": lambda b, _: b.push(_call(*b.pop(2))),
    "BUILD": lambda b, _: b.drop_state(),
}


def _global(name: str) -> _Global:
    if name not in (_DICT, _TENSOR, *_DTYPES):
        raise _RefusedError(f"it names {name.replace(' ', '.')}")
    return _Global(name)


def _storage(reference: Any) -> _Storage:
    match reference:
        # The last, in files before 1.6, is of views of storages, which nothing makes any more.
        case ("storage", _Global() as kind, str(key), str(), int(count), *more) if more in ([], [None]):
            dtype = _DTYPES.get(kind.name)
            if dtype is not None:
                return _Storage(key, dtype, count)
    raise _RefusedError(f"it refers to {reference!r}")


def _call(function: Any, arguments: Any) -> Any:
    if function == _Global(_DICT) and arguments == ():
        return {}
    match arguments:
        case (_Storage() as storage, int(offset), tuple(shape), tuple(strides), bool(), dict(hooks)) if (
            function == _Global(_TENSOR)
            and not hooks
            and len(shape) == len(strides)
            and all(type(n) is int for n in (*shape, *strides))
        ):
            return _Tensor(storage, offset, shape, strides)
    raise _RefusedError(f"it calls {function!r}")
