"""Data sources, read at random as uint8, and the feeds that bring them to the train step.

The two names from `pipeline` load TensorFlow when they are first used; nothing else here does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfgan_kit.data.registry import open_source
from tfgan_kit.data.source import Source

if TYPE_CHECKING:
    from tfgan_kit.data.pipeline import Feed, open_feed

__all__ = ["Feed", "Source", "open_feed", "open_source", "rows_of_worker"]


def __getattr__(name: str) -> Any:
    if name in ("Feed", "open_feed", "rows_of_worker"):
        from tfgan_kit.data import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
