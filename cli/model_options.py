"""What the commands that draw from a model have in common: which model, which seeds, which classes, and where to."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tfgan_kit.errors import ModelFileError, SampleError, nearest

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def parse_seeds(text: str, option: str = "--seeds") -> list[range]:
    """`"0-99"` or `"3,5,9"`, or both mixed, as ranges.

    Args:
        text: what was given.
        option: to which.

    Raises:
        SampleError: anything else.
    """
    ranges = []
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise SampleError(f"{option} takes numbers and ranges, such as 0-99 or 3,5,9; got {text!r}")
        ranges.append(range(int(first), int(last or first) + 1))
        if not ranges[-1] or ranges[-1][-1] >= 2**63:
            raise SampleError(f"{option} has the range {part.strip()!r}: from the smaller to the larger, below 2**63")
    return ranges


def check_seeds(seeds: Sequence[int]) -> None:
    """Refuse a number that is no seed.

    Raises:
        SampleError: one that is negative or too large.
    """
    for seed in seeds:
        if not 0 <= seed < 2**63:
            raise SampleError(f"a seed is a whole number in [0, 2**63); got {seed}")


def named_classes(labels: Sequence[int] | np.ndarray, attributes: Mapping[str, Sequence[str]]) -> str:
    """Class indices, one an attribute, in words: `"7"`, or `"hair=brown, glasses=none"`."""
    names = [values[index] for values, index in zip(attributes.values(), labels, strict=True)]
    return names[0] if len(names) == 1 else ", ".join(map("=".join, zip(attributes, names, strict=True)))


def parse_classes(texts: Sequence[str], attributes: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """What every `--class` asks for: attribute -> name or index of its value.

    Args:
        texts: `"7"`, `"glasses=none"`, or just `"none"` where one attribute alone has such a value.
        attributes: of the model, with the names of their values.

    Raises:
        SampleError: an unconditional model, no such attribute, a value that is none's or several attributes' own, or an
            attribute that is set twice.
    """
    chosen: dict[str, str] = {}
    for text in texts:
        name, value = _attribute_and_value(text, attributes)
        if name in chosen:
            raise SampleError(f"--class sets {name} twice, to {chosen[name]!r} and {value!r}: set it once")
        chosen[name] = value
    return chosen


def _attribute_and_value(text: str, attributes: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    if not attributes:
        raise SampleError(f"the model is unconditional and has no classes; got --class {text}: leave it out")
    # A value's own name comes first, whatever it looks like.
    owners = [name for name, values in attributes.items() if text in values]
    if len(owners) == 1:
        return owners[0], text
    prefixes = [name for name in attributes if text.startswith(f"{name}=")]
    if prefixes:
        name = max(prefixes, key=len)
        return name, text.removeprefix(f"{name}=")
    if len(attributes) == 1:
        return next(iter(attributes)), text
    if owners:
        ways = " or ".join(f"--class {name}={text}" for name in owners)
        raise SampleError(f"--class {text} is a value of {len(owners)} attributes: say which one, {ways}")
    name, equals, _ = text.partition("=")
    if equals:
        raise SampleError(f"--class {text}: the model has no attribute {name!r}: {nearest(name, attributes)}")
    every = {value: f"{name}={value}" for name, values in attributes.items() for value in values}
    close = difflib.get_close_matches(text, every, n=1, cutoff=0.5)
    hint = f"did you mean {every[close[0]]}? " if close else ""
    raise SampleError(
        f"--class {text} is a value of no attribute: {hint}legal: NAME=VALUE, NAME one of {', '.join(attributes)}"
    )


def model_file(model: Path | None) -> Path:
    """The model that a command line means: a file, the one of a run folder, or for None the newest of any run.

    Raises:
        ModelFileError: there is none.
    """
    if model is None:
        from tfgan_kit.training.run_folder import RUNS

        found = list(RUNS.glob("*/generator.onnx"))
        if not found:
            raise ModelFileError(f"no {RUNS}/*/generator.onnx: run `tfgan export --onnx` first, or name a model")
        return max(found, key=lambda path: path.stat().st_mtime)
    if model.is_dir():
        if not (model / "generator.onnx").is_file():
            raise ModelFileError(f"{model} has no generator.onnx: tfgan export {model} --onnx")
        return model / "generator.onnx"
    return model


def is_picture(out: Path, legal: Sequence[str] = SUFFIXES) -> bool:
    """Whether `out` is a picture file, and not a folder; what cannot be written is refused before any work.

    Args:
        out: what `--out` names.
        legal: suffixes of the files that it may name.

    Raises:
        SampleError: another suffix, no such folder to put it in, or a file where a folder is to be.
    """
    if out.is_dir():
        return False
    if out.suffix and out.suffix.lower() not in legal:
        raise SampleError(f"unknown picture format {out.suffix!r}: legal: {', '.join(legal)}, or a folder")
    if out.suffix and not out.parent.is_dir():
        raise SampleError(f"{out} cannot be written: there is no folder {out.parent}")
    if out.exists() and not out.suffix:
        raise SampleError(f"{out} is a file that is no picture: name a folder, or a picture with its suffix")
    return bool(out.suffix)


def save_picture(image: np.ndarray, path: Path) -> None:
    """Write (H, W, C) uint8 as a picture file, whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    from tfgan_kit.files import write_atomic
    from tfgan_kit.pictures import to_pillow

    write_atomic(path, to_pillow(image).save)
