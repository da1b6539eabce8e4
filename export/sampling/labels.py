"""From the labels that are asked for, by name or index or not at all, to those that a model takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized

import numpy as np

from tfgan_kit.errors import SampleError, nearest
from tfgan_kit.export.spec import ModelSpec
from tfgan_kit.latents import classes_from_seeds

# Of one attribute; and of all.
Column = int | str | Sequence[int | str] | np.ndarray
Labels = Column | Mapping[str, Column]


def labels_for(spec: ModelSpec, labels: Labels | None, seeds: np.ndarray) -> np.ndarray | None:
    """What goes into a model's input `labels`.

    Args:
        spec: of the model.
        labels: of its only attribute one class for all or a sequence of N, by index or name; or such by the names of
            attributes; or (N, A) indices; or None.
        seeds: (N,) int64, which decide what `labels` leave open, see `classes_from_seeds`.

    Returns:
        (N,) int64 for one attribute, (N, A) for several; None for an unconditional model.

    Raises:
        SampleError: labels of an unconditional model, an attribute or class that is not there, or another number of
            labels than seeds.
    """
    if labels is None:
        if not spec.classes:
            return None
        c = classes_from_seeds(seeds, spec.classes, spec.counts)
    elif not isinstance(labels, Mapping) and np.ndim(labels) == 2 and spec.classes:
        c = _checked_indices(spec, np.asarray(labels), len(seeds))
    else:
        given = labels if isinstance(labels, Mapping) else {attribute_named(spec, None, labels): labels}
        columns = {attribute_named(spec, name, value): value for name, value in given.items()}
        c = classes_from_seeds(seeds, spec.classes, spec.counts)
        for a, attribute in enumerate(spec.attributes):
            if attribute in columns:
                c[:, a] = _column(spec, attribute, columns[attribute], len(seeds))
    if not spec.classes:
        return None
    return c if len(spec.classes) > 1 else c[:, 0]


def labels_at(labels: Labels | None, part: slice) -> Labels | None:
    """The labels of a part of the pictures; what is one for all stays so."""
    if isinstance(labels, Mapping):
        return {name: column[part] if _is_each(column) else column for name, column in labels.items()}  # type: ignore[index]
    return labels[part] if _is_each(labels) else labels  # type: ignore[index]


def check_stream(spec: ModelSpec, labels: Labels | None, seeds: Iterable[int]) -> None:
    """Refuse labels that a stream of pictures cannot have, as far as its first picture tells.

    Args:
        spec: of the model.
        labels: as in `labels_for`.
        seeds: of the stream.

    Raises:
        SampleError: as `labels_for`; another number of labels than seeds; or one a picture, where nobody can tell how
            many there will be.
    """
    columns = list(labels.values()) if isinstance(labels, Mapping) else [labels]
    lengths = {len(column) for column in columns if _is_each(column)}  # type: ignore[arg-type]
    if lengths and not isinstance(seeds, Sized):
        raise SampleError("labels must be one for all where the seeds have no length; got one a seed")
    if isinstance(seeds, Sized) and lengths - {len(seeds)}:
        raise SampleError(f"labels must be one for all, or one a seed; got {max(lengths)} for {len(seeds)} seeds")
    first = 0 if 0 in lengths else 1
    labels_for(spec, labels_at(labels, slice(0, first)), np.zeros(first, np.int64))


def class_index(spec: ModelSpec, label: int | str, attribute: str | None = None) -> int:
    """The index of a class that is given as index or name; a name that is a number is a name first.

    Args:
        spec: of the model.
        label: index or name.
        attribute: whose value it is; None: the only one's.

    Raises:
        SampleError: an unconditional model, no such attribute, or no such class.
    """
    attribute = attribute_named(spec, attribute, label)
    names = spec.attributes[attribute]
    if isinstance(label, str):
        if label in names:
            return names.index(label)
        if not label.isdecimal():
            raise SampleError(f"unknown {attribute} {label!r}: {nearest(label, names)}")
    elif isinstance(label, bool) or not isinstance(label, int | np.integer):
        raise SampleError(f"{attribute} takes an index or a name; got {label!r}; legal: 0 to {len(names) - 1}")
    if not 0 <= int(label) < len(names):
        raise SampleError(f"{attribute} {label} does not exist; legal: 0 to {len(names) - 1}, or {', '.join(names)}")
    return int(label)


def attribute_named(spec: ModelSpec, name: str | None, label: object) -> str:
    """The name of an attribute that is there; None is the only one.

    Args:
        spec: of the model.
        name: what it was called.
        label: what was asked of it, for the error.

    Raises:
        SampleError: an unconditional model, no such attribute, or several where None was said.
    """
    attributes = spec.attributes
    if not attributes:
        raise SampleError(f"the model is unconditional and has no classes; got class {label!r:.40}: leave it out")
    if name is None and len(attributes) > 1:
        first = next(iter(attributes))
        raise SampleError(
            f"the model has the attributes {', '.join(attributes)}; got {label!r:.40}: name them, as in "
            f"{{{first!r}: {attributes[first][0]!r}}}, or give (N, {len(attributes)}) indices"
        )
    if name is not None and name not in attributes:
        raise SampleError(f"the model has no attribute {name!r}: {nearest(str(name), attributes)}")
    return next(iter(attributes)) if name is None else name


def _column(spec: ModelSpec, attribute: str, labels: Column, count: int) -> int | np.ndarray:
    """The index for all of `count` pictures, or (count,) of them."""
    if isinstance(labels, str | int) or np.ndim(labels) == 0:
        return class_index(spec, labels, attribute)  # type: ignore[arg-type]
    if len(labels) != count:
        raise SampleError(f"labels must be one {attribute}, or one a seed; got {len(labels)} for {count} seeds")
    return np.array([class_index(spec, label, attribute) for label in labels], np.int64)


def _checked_indices(spec: ModelSpec, c: np.ndarray, count: int) -> np.ndarray:
    """(count, A) int64 from an array of that shape."""
    wanted = (count, len(spec.classes))
    if c.shape != wanted or c.dtype.kind not in "iu":
        raise SampleError(f"labels must be {wanted} whole numbers, a column an attribute; got {c.shape} {c.dtype}")
    for name, size, column in zip(spec.attributes, spec.classes, c.T, strict=True):
        wrong = column[(column < 0) | (column >= size)]
        if len(wrong):
            raise SampleError(f"{name} {wrong[0]} does not exist; legal: 0 to {size - 1}")
    return c.astype(np.int64)


def _is_each(labels: object) -> bool:
    """Whether labels are one a picture."""
    return (
        labels.ndim > 0
        if isinstance(labels, np.ndarray)
        else isinstance(labels, Sequence) and not isinstance(labels, str)
    )
