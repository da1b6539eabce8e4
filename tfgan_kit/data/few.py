"""Few pictures: which of them D would learn by heart without augmentation."""

from __future__ import annotations

# Below these numbers of pictures D learns them by heart without help. Zhao et al. 2020 (DiffAugment) show it from 100
# to some thousands; Karras et al. 2020 (ADA) up to some ten thousands.
FEW, MANY = 2_000, 50_000


def augment_for(images: int) -> str:
    """The augmentation of D's pictures that a number of training images asks for: a value of `augment`."""
    if images <= FEW:
        return "diffaugment"
    return "ada" if images <= MANY else "none"
