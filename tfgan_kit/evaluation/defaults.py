"""What an evaluation takes where the user names nothing: the extractor that knows the data, and what was held out."""

from __future__ import annotations

# Data source without its split -> the extractor that was trained on such pictures.
_EXTRACTORS = {"mnist": "mnist-cnn", "stacked-mnist": "mnist-cnn-rgb"}
# For domains that no classifier of ours knows.
_ANY = "random-conv"


def extractor_for(data: str) -> str:
    """The extractor for a data source, as `open_extractor` takes it."""
    return _EXTRACTORS.get(data.partition(":")[0], _ANY)


def held_out_for(data: str) -> str | None:
    """The source of real pictures that training on `data` does not see; None where the data has no such split."""
    scheme, _, split = data.partition(":")
    return f"{scheme}:test" if scheme in _EXTRACTORS and split in ("", "train") else None
