"""From a trained generator to one self-describing .onnx, and from that file to pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfgan_kit.export.runtime import Sampler
    from tfgan_kit.export.spec import ModelSpec

__all__ = ["ModelSpec", "Sampler"]


def __getattr__(name: str) -> Any:
    # Lazily, so that exporting does not need the runtime's package, nor a reader of metadata either one's.
    if name == "Sampler":
        from tfgan_kit.export.runtime import Sampler

        return Sampler
    if name == "ModelSpec":
        from tfgan_kit.export.spec import ModelSpec

        return ModelSpec
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
