"""What a request asks for: the query string of GET /sample, read and checked before any work."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

import numpy as np

from tfgan_kit.errors import SampleError, nearest
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.sampling.labels import class_index, labels_for
from tfgan_kit.export.sampling.requests import check_truncation
from tfgan_kit.export.serve.encode import GAP_PX, grid_columns

# Media types by format.
FORMATS = {"png": "image/png", "webp": "image/webp", "npy": "application/octet-stream"}
# A random seed is one that JavaScript, too, holds exactly.
RANDOM_SEEDS = 2**53
_ONCE = ("seed", "n", "truncation", "format", "model")
_MOST_FIELDS = 64
# What the format's 14 bits hold.
_WEBP_PX = 16_383
_NUMBER = re.compile(r"[0-9]{0,20}\.?[0-9]{0,20}(e[+-]?[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """A request that can be answered.

    Attributes:
        seeds: (n,) int64, one after the other.
        labels: (n, A) int64; None for an unconditional model.
        truncation: factor of z, in [0, 1].
        format: one of FORMATS.
        repeatable: whether the seed was given, so that the answer is the same each time.
        pinned: whether the model was named, so that the address means these bytes forever.
    """

    seeds: np.ndarray
    labels: np.ndarray | None
    truncation: float
    format: str
    repeatable: bool
    pinned: bool


def largest_seed(max_n: int) -> int:
    """The largest seed that a request may give, so that n pictures from it on have seeds too."""
    return 2**63 - max_n


def read_query(query: bytes, sampler: Sampler, *, max_n: int, digest: str) -> Wanted:
    """The pictures that a query string asks for.

    Args:
        query: as it came, without the question mark.
        sampler: whose classes and truncation are legal.
        max_n: most pictures a request.
        digest: of the model file, which `model` has to be where it is given.

    Raises:
        SampleError: a parameter that is unknown, given twice, or not legal.
    """
    given = _fields(query)
    if "model" in given and given["model"][0] != digest:
        raise SampleError(f"model {given['model'][0]!r:.40} is not served here: this one is {digest}; or leave it out")
    form = given.get("format", ["png"])[0]
    if form not in FORMATS:
        raise SampleError(f"unknown format {form!r:.40}: {nearest(form[:40], FORMATS)}")
    n = _whole("n", given["n"][0], 1, max_n) if "n" in given else 1
    seed = _whole("seed", given["seed"][0], 0, largest_seed(max_n)) if "seed" in given else None
    truncation = _fraction(given["truncation"][0]) if "truncation" in given else 1.0
    if form == "webp":
        _check_webp(n, max(sampler.spec.height, sampler.spec.width))
    chosen = _classes(given.get("class", []), sampler.spec.attributes)
    check_truncation(sampler.spec, truncation)
    first = secrets.randbelow(RANDOM_SEEDS) if seed is None else seed
    seeds = first + np.arange(n, dtype=np.int64)
    indices = {name: class_index(sampler.spec, value, name) for name, value in chosen.items()}
    labels = labels_for(sampler.spec, indices or None, seeds)
    return Wanted(
        seeds=seeds,
        labels=None if labels is None else labels.reshape(n, -1),
        truncation=truncation,
        format=form,
        repeatable=seed is not None,
        pinned="model" in given,
    )


def _fields(query: bytes) -> dict[str, list[str]]:
    """Every value by its name; only a class may come several times."""
    try:
        pairs = parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise SampleError(f"a query has at most {_MOST_FIELDS} parameters: ask in several requests") from None
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in (*_ONCE, "class"):
            raise SampleError(f"unknown parameter {name!r:.40}: {nearest(name[:40], (*_ONCE, 'class'))}")
        given.setdefault(name, []).append(value)
    for name in _ONCE:
        if len(given.get(name, [])) > 1:
            raise SampleError(f"{name} is given {len(given[name])} times: give it once")
    return given


def _whole(name: str, text: str, low: int, high: int) -> int:
    # No number that is legal is longer, and int() of a very long one takes long.
    if not (text.isascii() and text.isdecimal() and len(text) <= 19 and low <= int(text) <= high):
        raise SampleError(f"{name} must be a whole number from {low} to {high}; got {text!r:.40}")
    return int(text)


def _fraction(text: str) -> float:
    try:
        number = float(text) if _NUMBER.fullmatch(text.lower()) else -1.0
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise SampleError(f"truncation must be a number in [0, 1]; got {text!r:.40}")
    return number


def _check_webp(n: int, side_px: int) -> None:
    """Refuse a grid that the format cannot hold."""
    columns = grid_columns(n)
    px = columns * (side_px + GAP_PX) - GAP_PX
    if px > _WEBP_PX:
        raise SampleError(f"n {n} as webp would be {px} px wide, of which webp has at most {_WEBP_PX}: take png")


def _classes(texts: Sequence[str], attributes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Attribute -> name or index of its value."""
    if texts and not attributes:
        raise SampleError(f"the model is unconditional and has no classes; got class {texts[0]!r:.40}: leave it out")
    chosen: dict[str, str] = {}
    for text in texts:
        name, value = next(iter(attributes)), text
        if len(attributes) > 1:
            fits = [known for known in attributes if text.startswith(f"{known}=")]
            if not fits:
                raise SampleError(
                    f"class takes NAME=VALUE, once for each that is to be set, NAME one of {', '.join(attributes)}; "
                    f"got {text!r:.40}"
                )
            name = max(fits, key=len)
            value = text.removeprefix(f"{name}=")
        if name in chosen:
            raise SampleError(f"class sets {name} twice, to {chosen[name]!r:.40} and {value!r:.40}: set it once")
        chosen[name] = value[:100]
    return chosen
