"""The wire format of protocol buffers, read without a schema. Standard library only.

Source: protobuf.dev, "Encoding".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
# Bytes of a varint that continues.
_CONTINUED = bytes(range(128, 256))


class WireError(ValueError):
    """Bytes that are not a message, or one that breaks off."""


def fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """The fields of a message in their order.

    Args:
        message: its bytes, format "B".

    Yields:
        Number, wire type, and the value: an unsigned integer of 64 bits for VARINT, a view of the bytes for the others.

    Raises:
        WireError: a value that breaks off, or a wire type that is not in use.
    """
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if not 0 < number < 2**29:
            raise WireError(f"field number {number}")
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, kind, value
            continue
        if kind == BYTES:
            size, at = _varint(message, at)
        elif kind in _FIXED:
            size = _FIXED[kind]
        else:
            raise WireError(f"wire type {kind}")
        if size > end - at:
            raise WireError("it breaks off")
        yield number, kind, message[at : at + size]
        at += size


def integers(kind: int, value: int | memoryview) -> list[int]:
    """The signed 64-bit integers of one field of a repeated one, packed or single.

    Raises:
        WireError: another wire type.
    """
    if kind == VARINT and isinstance(value, int):
        return [signed(value)]
    packed = _bytes(kind, value)
    found, at = [], 0
    while at < len(packed):
        number, at = _varint(packed, at)
        found.append(signed(number))
    return found


def count_integers(kind: int, value: int | memoryview) -> int:
    """How many integers `integers` would find, without making them."""
    return 1 if kind == VARINT else len(bytes(_bytes(kind, value)).translate(None, _CONTINUED))


def floats(kind: int, value: int | memoryview) -> list[float]:
    """The 32-bit floats of one field of a repeated one, packed or single.

    Raises:
        WireError: another wire type, or half a value.
    """
    if isinstance(value, int) or kind not in (FIXED32, BYTES) or len(value) % 4:
        raise WireError("a float that is none")
    return list(struct.unpack(f"<{len(value) // 4}f", value))


def signed(value: int) -> int:
    """A 64-bit pattern as a signed integer."""
    return value - 2**64 if value >= 2**63 else value


def text(kind: int, value: int | memoryview) -> str:
    """A string.

    Raises:
        WireError: another wire type, or no UTF-8.
    """
    try:
        return bytes(_bytes(kind, value)).decode()
    except UnicodeDecodeError:
        raise WireError("a name that is not UTF-8") from None


def _bytes(kind: int, value: int | memoryview) -> memoryview:
    if kind != BYTES or isinstance(value, int):
        raise WireError(f"wire type {kind} where bytes belong")
    return value


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The integer at a position, and the position behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise WireError("it breaks off")
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (2**64 - 1), at
    raise WireError("an integer of more than ten bytes")
