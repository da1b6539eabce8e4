"""The fields of a recipe: how one is declared, checked, read from text and named in words. No TensorFlow here."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from tfgan_kit.errors import RecipeError, nearest


def setting(
    default: Any,
    doc: str,
    *,
    choices: tuple[Any, ...] = (),
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
) -> Any:
    """A recipe field: `low` and `high` are inclusive bounds, `above` an exclusive one; they hold for each element."""
    bounds = {"doc": doc, "choices": choices, "low": low, "high": high, "above": above}
    return dataclasses.field(default=default, metadata=bounds)


def type_name(field: dataclasses.Field[Any]) -> str:
    """The field's type in words, for tables and errors."""
    kinds, optional = _kinds(field)
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    if kinds is tuple:
        count = "two " if _is_pair(field) else ""
        return f"{count}{'numbers' if _element(field) is float else 'whole numbers'}" + (" or none" if optional else "")
    return words[kinds] + (" or none" if optional else "")


def _kinds(field: dataclasses.Field[Any]) -> tuple[type, bool]:
    """The field's plain type (tuple for any tuple) and whether None is legal."""
    name, optional = str(field.type).removesuffix(" | None"), str(field.type).endswith(" | None")
    plain: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str}
    return plain.get(name, tuple), optional


def _is_pair(field: dataclasses.Field[Any]) -> bool:
    """Whether the field is two numbers; one that is typed stands for both."""
    return "..." not in str(field.type) and "tuple" in str(field.type)


def _element(field: dataclasses.Field[Any]) -> type:
    """The type of a tuple's elements."""
    return float if "tuple[float" in str(field.type) else int


def parsed(field: dataclasses.Field[Any], text: str) -> Any:
    """The value that a person typed, or a RecipeError where it is not of the field's type."""
    kind, optional = _kinds(field)
    if optional and text.lower() in ("none", "null"):
        return None
    try:
        if kind is bool:
            return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
        if kind is tuple:
            inner = text.strip("()[]").removesuffix(",")
            parts = inner.replace("x", ",") if _is_pair(field) else inner
            numbers = tuple(_element(field)(part) for part in parts.split(",")) if parts else ()
            return numbers * 2 if _is_pair(field) and len(numbers) == 1 else numbers
        return kind(text)
    except (KeyError, ValueError):
        raise RecipeError(f"{field.name} must be {type_name(field)}; got {text!r}") from None


def checked(field: dataclasses.Field[Any], value: Any) -> Any:
    """`value` in the field's own type (an int where a float is due becomes one), or a RecipeError."""
    kind, optional = _kinds(field)
    if value is None and optional:
        return None
    if kind is float and type(value) is int:
        value = float(value)
    parts: tuple[Any, ...] = value if isinstance(value, tuple) else (value,)
    if kind is tuple and _element(field) is float:
        value = parts = tuple(float(part) if type(part) is int else part for part in parts)
    wrong = type(value) is not kind or (kind is tuple and any(type(part) is not _element(field) for part in parts))
    if wrong or (_is_pair(field) and len(parts) != 2):
        raise RecipeError(f"{field.name} must be {type_name(field)}; got {value!r}")
    for part in parts:
        _check_bounds(field, part)
    return value


def _check_bounds(field: dataclasses.Field[Any], value: Any) -> None:
    choices, low, high, above = (field.metadata[key] for key in ("choices", "low", "high", "above"))
    if choices and value not in choices:
        if isinstance(value, str):
            raise RecipeError(f"{field.name}={value!r} is unknown: {nearest(value, choices)}")
        raise RecipeError(f"{field.name} must be one of {', '.join(map(str, choices))}; got {value!r}")
    if isinstance(value, float) and not math.isfinite(value):
        raise RecipeError(f"{field.name} must be a finite number; got {value}")
    if low is not None and value < low:
        raise RecipeError(f"{field.name} must be at least {low}; got {value}")
    if above is not None and value <= above:
        raise RecipeError(f"{field.name} must be above {above}; got {value}")
    if high is not None and value > high:
        raise RecipeError(f"{field.name} must be at most {high}; got {value}")
