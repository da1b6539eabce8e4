"""Converters without their remarks: what matters is checked afterwards."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(package: str) -> Iterator[None]:
    """Keep a package's warnings and log lines from the user.

    Args:
        package: whose, by the name of its logger.
    """
    logger = logging.getLogger(package)
    level = logger.level
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            logger.setLevel(logging.CRITICAL + 1)
            yield
    finally:
        logger.setLevel(level)
