"""What the service says of GET /sample: its parameters, with the model's own classes and bounds, and its answers."""

from __future__ import annotations

from typing import Any

from tfgan_kit.errors import SampleError
from tfgan_kit.export.sampling.requests import check_truncation
from tfgan_kit.export.serve.query import FORMATS, largest_seed
from tfgan_kit.export.spec import ModelSpec

# A list of values that is longer says nothing to a reader.
_MOST_VALUES = 200
_BINARY = {"schema": {"type": "string", "format": "binary"}}


def parameters(spec: ModelSpec, max_n: int, digest: str) -> list[dict[str, Any]]:
    """The parameters of GET /sample, as OpenAPI has them.

    Args:
        spec: of the model.
        max_n: most pictures a request.
        digest: of the model file.
    """
    listed = [
        _parameter(
            "seed",
            {"type": "integer", "format": "int64", "minimum": 0, "maximum": largest_seed(max_n)},
            "The first picture's seed; the next ones take the next ones. The same seed is the same picture. Left out: "
            "a random one, which the header X-Seed tells.",
        ),
        _parameter(
            "n",
            {"type": "integer", "minimum": 1, "maximum": max_n, "default": 1},
            "How many pictures: a grid as png or webp, an array (n, height, width, channels) uint8 as npy.",
        ),
        _parameter("format", {"type": "string", "enum": list(FORMATS), "default": "png"}, "All three without loss."),
        _parameter(
            "model",
            {"type": "string", "enum": [digest]},
            "Digest of the model file. An address that names it means the same bytes forever, and is cached so; "
            "another model refuses it.",
        ),
    ]
    if truncatable(spec):
        listed.append(
            _parameter(
                "truncation",
                {"type": "number", "minimum": 0, "maximum": 1, "default": 1},
                "Factor of z: lower is more typical and less varied.",
            )
        )
    if spec.attributes:
        listed.append(_class(spec))
    return listed


def truncatable(spec: ModelSpec) -> bool:
    """Whether a request may choose the truncation."""
    try:
        check_truncation(spec, 0.5)
    except SampleError:
        return False
    return True


def responses() -> dict[int | str, dict[str, Any]]:
    """The answers of GET /sample, as FastAPI takes them."""
    error = {
        "application/json": {
            "schema": {"type": "object", "properties": {"detail": {"type": "string"}}, "required": ["detail"]}
        }
    }
    return {
        200: {
            "description": "The pictures.",
            "content": {media: _BINARY for media in FORMATS.values()},
            "headers": {
                "X-Seed": {"description": "The first picture's seed.", "schema": {"type": "string"}},
                "ETag": {"description": "Where the seed was given.", "schema": {"type": "string"}},
            },
        },
        304: {"description": "The pictures of this ETag have not changed."},
        400: {"description": "An unknown Host.", "content": error},
        422: {"description": "A parameter that is not legal; the sentence says what is.", "content": error},
        429: {
            "description": "Too much is waiting.",
            "content": error,
            "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
        },
        503: {"description": "The service is stopping.", "content": error},
    }


def _class(spec: ModelSpec) -> dict[str, Any]:
    if len(spec.attributes) == 1:
        (names,) = spec.attributes.values()
        return _parameter(
            "class", _values([*names, *map(str, range(len(names)))]), "By name or index; else by the seed."
        )
    values = [
        f"{attribute}={value}"
        for attribute, names in spec.attributes.items()
        for value in dict.fromkeys([*names, *map(str, range(len(names)))])
    ]
    return _parameter(
        "class",
        {"type": "array", "items": _values(values)},
        f"NAME=VALUE, by name or index, once for each of {', '.join(spec.attributes)} that is to be set; the others "
        "are drawn by the seed, as often as in the data.",
    )


def _values(values: list[str]) -> dict[str, Any]:
    known = list(dict.fromkeys(values))
    return {"type": "string"} | ({"enum": known} if len(known) <= _MOST_VALUES else {})


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
