"""Augmentation of the pictures that D is shown, where a data set is small; and consistency of D under it."""

from tfgan_kit.augment.ada import ada
from tfgan_kit.augment.consistency import consistency
from tfgan_kit.augment.diffaugment import diffaugment

__all__ = ["ada", "consistency", "diffaugment"]
