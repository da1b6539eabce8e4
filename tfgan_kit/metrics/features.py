"""What every metric asks of the features that it is given."""

from __future__ import annotations

import numpy as np

from tfgan_kit.errors import DataError


def checked(name: str, features: np.ndarray, *, least: int) -> np.ndarray:
    """Features that a metric can use, as an array.

    Args:
        name: what they are, for the message: "real features".
        features: (N, F), N at least `least`, F at least 1, finite.
        least: the fewest rows that the metric takes.

    Raises:
        DataError: they are not.
    """
    rows = np.asarray(features)
    if rows.ndim != 2 or rows.shape[1] == 0 or len(rows) < least:
        raise DataError(f"{name} must be an array (N, F) with N >= {least} and F > 0; got shape {rows.shape}")
    bad = int((~np.isfinite(rows)).any(axis=1).sum())
    if bad:
        raise DataError(
            f"{bad} of {len(rows)} rows of {name} are not finite; look for NaN in the images or in the extractor"
        )
    return rows


def checked_pair(
    real: np.ndarray, fake: np.ndarray, *, least_real: int, least_fake: int
) -> tuple[np.ndarray, np.ndarray]:
    """Features of real and of generated pictures that a metric can compare: each as `checked`, of the same F."""
    real, fake = checked("real features", real, least=least_real), checked("fake features", fake, least=least_fake)
    if real.shape[1] != fake.shape[1]:
        raise DataError(f"real features have size {real.shape[1]}; the fake ones have {fake.shape[1]}")
    return real, fake
