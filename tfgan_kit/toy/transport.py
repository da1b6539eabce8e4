"""The earth mover's distance of two small sets of points, exactly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tfgan_kit.errors import MissingPackageError

Floats = NDArray[np.float64]


def earth_movers(a: Floats, b: Floats) -> float:
    """The mean distance that the points of one set are moved to become the other set, at best.

    Even of two draws of one distribution it is above 0, and falls with their number.

    Args:
        a, b: (N, 2).

    Raises:
        MissingPackageError: no scipy.

    Source: Kantorovich (1942); Arjovsky et al., "Wasserstein GAN" (2017), Eq. 1.
    """
    try:
        from scipy.optimize import linear_sum_assignment
    except ImportError as error:
        raise MissingPackageError("the toys need scipy: pip install 'tfgan-kit[train]'") from error
    distances = np.sqrt(((a[:, None] - b[None]) ** 2).sum(axis=-1))
    return float(distances[linear_sum_assignment(distances)].mean())
