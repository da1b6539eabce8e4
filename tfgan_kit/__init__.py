"""tfgan-kit: train Generative Adversarial Networks with TensorFlow and give their generators away as ONNX.

from tfgan_kit import Sampler
images = Sampler("generator.onnx").sample(seeds=range(16))   # uint8 (16, H, W, C)
run = open_run("artifacts/0001-mnist")   # shows itself in a notebook
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfgan_kit._version import __version__

if TYPE_CHECKING:
    from tfgan_kit.export.runtime import Sampler
    from tfgan_kit.report.view import open_run

__all__ = ["Sampler", "__version__", "open_run"]


def __getattr__(name: str) -> Any:
    # Nothing heavy is imported before it is asked for.
    if name == "Sampler":
        from tfgan_kit.export.runtime import Sampler

        return Sampler
    if name == "open_run":
        from tfgan_kit.report.view import open_run

        return open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
