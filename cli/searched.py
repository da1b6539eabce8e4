"""What `tfgan project` searches: an exported model, or a run's generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tfgan_kit.errors import MissingPackageError, SampleError, nearest

if TYPE_CHECKING:
    import numpy as np

    from tfgan_kit.export.latent_space.project import Descent, Generator
    from tfgan_kit.training.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Searched:
    """A generator and how it is searched.

    Attributes:
        generator: that draws.
        shape: height, width and channels of its pictures.
        attributes: names of the values of each; {} for an unconditional one.
        space: "z" or "w", of its latents.
        how: in words.
        descent: by its gradient; None: without derivatives.
        back: from a latent as it is searched, (D,), to one of `space`.
        notes: what the user should know.
    """

    generator: Generator
    shape: tuple[int, int, int]
    attributes: Mapping[str, Sequence[str]]
    space: str
    how: str
    descent: Descent | None = None
    back: Callable[[np.ndarray], np.ndarray] = field(default=lambda latent: latent)
    notes: tuple[str, ...] = ()

    def index(self, value: str, attribute: str) -> int:
        """The index of a class by its name or number.

        Raises:
            SampleError: there is no such class.
        """
        names = list(self.attributes[attribute])
        if value in names:
            return names.index(value)
        if value.isdecimal() and int(value) < len(names):
            return int(value)
        raise SampleError(f"unknown {attribute} {value!r}: {nearest(value, names)}, or 0 to {len(names) - 1}")


def open_searched(model: Path, device: str) -> Searched:
    """A run folder by its gradient where TensorFlow is there, else the .onnx of one or the one that is named.

    Raises:
        RunError, ModelFileError: it is damaged, or there is none.
        MissingPackageError: a run folder without an .onnx, and no TensorFlow; or no onnxruntime.
        SampleError: a model that takes seeds.
    """
    from tfgan_kit.cli.model_options import model_file
    from tfgan_kit.training.run_folder import RunFolder

    if not RunFolder(model).exists:
        return _model(model_file(model), device)
    try:
        return _run(RunFolder(model))
    except MissingPackageError as error:
        if not (model / "generator.onnx").is_file():
            raise
        searched = _model(model_file(model), device)
        return Searched(**vars(searched) | {"notes": (f"searched without derivatives: {error}",)})


def _run(folder: RunFolder) -> Searched:
    from tfgan_kit.cli.tensorflow_import import import_tensorflow

    _, facts, _ = folder.read()
    import_tensorflow()
    from tfgan_kit.export.latent_space.project_gradient import RunGenerator

    generator = RunGenerator(folder)
    return Searched(
        generator=generator,
        shape=facts.shape,
        attributes=facts.attributes,
        space="z",
        how="by its gradient",
        descent=generator.descent(),
        notes=tuple(generator.refused),
    )


def _model(path: Path, device: str) -> Searched:
    from tfgan_kit.export.latent_space.walker import StyleSearch, Walker
    from tfgan_kit.export.runtime import Sampler

    sampler = Sampler(path, device=device)
    walker = Walker(sampler, 0)
    how = "without derivatives"
    if walker.space == "z":
        return Searched(
            generator=walker,
            shape=sampler.spec.image_shape,
            attributes=sampler.spec.attributes,
            space="z",
            how=how,
        )
    style = StyleSearch(walker)
    return Searched(generator=style, shape=sampler.spec.image_shape, attributes={}, space="w", how=how, back=style.to_w)
