"""A recipe for own pictures, from what a survey found: a start, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from tfgan_kit.data.few import FEW, MANY, augment_for
from tfgan_kit.data.survey import Survey
from tfgan_kit.errors import DataError

# Sides that a network doubles to from 4 px, and kimg at which this kit's own recipes of that side show something.
_KIMG = {32: 150.0, 64: 600.0, 128: 1500.0, 256: 3000.0}
# Pictures a step by side: the larger they are, the fewer fit.
_BATCH = {32: 64, 64: 32, 128: 16, 256: 8}


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What to train with.

    Attributes:
        fields: of the recipe, beside those of `pictures`.
        reasons: one line each.
    """

    fields: Mapping[str, Any]
    reasons: tuple[str, ...]


def suggest(found: Survey) -> Suggestion:
    """Resolution, batch, augmentation and length for what was found; all of one size up to 128 px stay as they are.

    Args:
        found: at least one picture.

    Raises:
        DataError: there is none that can be read.
    """
    if not found.images:
        raise DataError(f"{found.spec}: none of its {len(found.broken):,} pictures can be read")
    shortest = median([min(size) for size in found.sizes.elements()])
    side = max((px for px in _KIMG if px <= shortest), default=min(_KIMG))
    only = next(iter(found.sizes)) if len(found.sizes) == 1 else None
    own = only is not None and max(only) <= 128
    fields: dict[str, Any] = {"data": found.spec}
    reasons = []
    if own and only is not None:
        reasons.append(f"all are {only[0]}x{only[1]}: no --resolution is needed")
    else:
        fields["resolution"] = (side, side)
        reasons.append(f"resolution {side}x{side}: half of the pictures are at least {shortest:g} px on the short side")
    batch = max(1, min(_BATCH[side], found.images // 4))
    fields["batch_size"] = batch
    reasons.append(f"batch_size {batch}: usual for {side} px" + (", and few pictures" if batch < _BATCH[side] else ""))
    augment = augment_for(found.images)
    fields["augment"] = augment
    why = {"diffaugment": f"up to {FEW:,} pictures", "ada": f"up to {MANY:,} pictures", "none": f"over {MANY:,}"}[
        augment
    ]
    reasons.append(f"augment {augment}: {found.images:,} pictures ({why})")
    fields["kimg"] = _KIMG[side]
    reasons.append(f"kimg {_KIMG[side]:g}: a first result at {side} px; more is better")
    return Suggestion(fields=fields, reasons=tuple(reasons))
