"""tfgan-kit: train Generative Adversarial Networks with TensorFlow and give their generators away as ONNX.

from tfgan_kit import Sampler
images = Sampler("generator.onnx").sample(seeds=range(16))   # uint8 (16, H, W, C)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfgan_kit._version import __version__

if TYPE_CHECKING:
    from tfgan_kit.export.runtime import Sampler

__all__ = ["Sampler", "__version__"]


def __getattr__(name: str) -> Any:
    # Nothing heavy is imported before it is asked for.
    if name == "Sampler":
        from tfgan_kit.export.runtime import Sampler

        return Sampler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
