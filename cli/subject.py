"""What a command line names to be evaluated: a run, an exported model or a folder of pictures."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

if TYPE_CHECKING:
    from tfgan_kit.evaluation.subject import Subject
    from tfgan_kit.training.run_folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Target:
    """What was named.

    Attributes:
        subject: to be evaluated.
        recipe: whose data it was trained on; None for pictures.
        data_digest: of that data; None for pictures.
        run: the run folder; None for what is not a run.
        step: of the run's checkpoint; 0 for what is not a run.
        notes: what the user should know of the pictures.
    """

    subject: Subject
    recipe: Recipe | None = None
    data_digest: str | None = None
    run: RunFolder | None = None
    step: int = 0
    notes: tuple[str, ...] = ()


def open_target(path: Path | None) -> Target:
    """A run, a model or pictures; None is the latest run.

    TensorFlow is imported for a run alone.

    Raises:
        DataError: there is no such thing, or it is none of the three.
        RunError, ModelFileError: it is damaged.
    """
    from tfgan_kit.training.run_folder import RunFolder, latest_run

    if path is None:
        return _run(latest_run())
    if RunFolder(path).exists:
        return _run(RunFolder(path))
    if path.suffix == ".onnx":
        return _model(path)
    if path.is_dir() or (path.is_file() and path.suffix.lower() == ".zip"):
        return _pictures(path)
    what = "is none of these" if path.exists() else "is not there"
    raise DataError(f"{path} {what}: name a run folder, an .onnx of tfgan export, or a folder or .zip of pictures")


def _run(folder: RunFolder) -> Target:
    from tfgan_kit.cli.tensorflow_import import import_tensorflow

    recipe, facts, _ = folder.read()
    import_tensorflow()
    from tfgan_kit.training.painter import load_painter, subject_of

    painter, manifest, refused = load_painter(folder)
    for line in refused:
        print(f"warning: {line}")
    subject = subject_of(painter, name=str(folder.path), digest=manifest.sha256[:16], nimg=manifest.nimg, facts=facts)
    return Target(subject=subject, recipe=recipe, data_digest=facts.digest, run=folder, step=manifest.step)


def _model(path: Path) -> Target:
    from tfgan_kit.evaluation.subject import Subject
    from tfgan_kit.export.runtime import Sampler
    from tfgan_kit.latents import classes_from_seeds

    sampler = Sampler(path)
    spec = sampler.spec
    subject = Subject(
        kind="model",
        name=str(path),
        digest=hashlib.sha256(path.read_bytes()).hexdigest()[:16],
        nimg=spec.nimg,
        shape=spec.image_shape,
        draw=sampler.sample,
        attributes=spec.attributes,
        labels=(lambda seeds: classes_from_seeds(seeds, spec.classes, spec.counts)) if spec.classes else None,
    )
    return Target(subject=subject, recipe=Recipe.from_json(spec.recipe), data_digest=spec.data_digest)


def _pictures(path: Path) -> Target:
    from tfgan_kit.data import open_source
    from tfgan_kit.evaluation.subject import pictures

    source = open_source(Recipe(data=f"folder:{path}", conditional=False, batch_size=1, kimg=1))
    return Target(subject=pictures(source, str(path)), notes=source.notes)
