"""Typed access to nested JSON that others may have written: a value that is not legal is an error with its key."""

from __future__ import annotations

import math
from typing import Any, NoReturn

from tfgan_kit.errors import ModelFileError


class JsonPart:
    """Typed access to nested JSON; a wrong value is an error that names its key."""

    def __init__(self, content: Any, source: str, path: str = "", name: str = "") -> None:
        """Take parsed JSON, the file that it is of, its keys' common beginning, and the property that it is in."""
        self.content, self.source, self.path, self.name = content, source, path, name

    def get(
        self, key: str, kind: type, *, choices: tuple[str, ...] = (), low: float = -math.inf, high: float = math.inf
    ) -> Any:
        """The value at `key`, of exactly that type, among the choices and from low to high; an int is a float too."""
        value: Any = self.content.get(key) if isinstance(self.content, dict) else None
        if kind is float and type(value) is int:
            value = float(value)
        legal = type(value) is kind and (not choices or value in choices)
        if not legal or (isinstance(value, int | float) and not low <= value <= high):
            self.fail(key, value)
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """The texts at `key`, at least one."""
        values = self.get(key, list)
        if not values or not all(isinstance(value, str) for value in values):
            self.fail(key, values)
        return tuple(values)

    def part(self, key: str, default: Any = None) -> JsonPart:
        """The object at `key`; `default` where there is none, or an error where that is None."""
        there = default is None or self.content.get(key) is not None
        return JsonPart(self.get(key, dict) if there else default, self.source, f"{self.path}{key}.", self.name)

    def fail(self, key: str, value: Any) -> NoReturn:
        """Say that the value at `key` is not legal."""
        raise ModelFileError(
            f"{self.source} is damaged: {self.path}{key} of its {self.name!r} property is {value!r:.60}"
        )
