"""The generator of a run as it is given away: its weights, and what every file says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from tfgan_kit._version import __version__
from tfgan_kit.build import build_generator
from tfgan_kit.calling import noise_dim
from tfgan_kit.export.options import W_FAMILIES, check_run
from tfgan_kit.export.spec import ModelSpec, Parity
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.run_folder import DataFacts, RunFolder
from tfgan_kit.training.state import load_network


@dataclass(frozen=True, kw_only=True)
class Source:
    """What is exported.

    Attributes:
        G: float32, on the CPU.
        recipe: of the run.
        spec: of an ONNX model of it with the first choice in everything; its parity is not measured yet.
        path: the run folder.
        refused: one line for each damaged checkpoint that was passed over.
    """

    G: keras.Model
    recipe: Recipe
    spec: ModelSpec
    path: Path
    refused: tuple[str, ...]


def open_source(
    run: Path,
    *,
    weights: str = "ema",
    best: bool = False,
    inputs: str = "z",
    truncation: float = 1.0,
    figures: Mapping[str, float] | None = None,
) -> Source:
    """The generator of a run's newest intact checkpoint.

    Args:
        run: the run folder.
        weights: "ema" for the moving average, "last" for the weights of the last step.
        best: take the checkpoint that the run's evaluations found best, in place of the newest.
        inputs: "z", "seed" or "w", what the model will take.
        truncation: psi in [0, 1]: of w, where the family has one; of z, only where `inputs` is "seed".
        figures: measured figures to keep in the file, by name.

    Raises:
        ExportError: inputs or a truncation that the family does not have.
        RunError: `run` is not a run or has no intact checkpoint.
    """
    folder = RunFolder(run)
    recipe, facts, name = folder.read()
    check_run(family=recipe.family, z_prior=recipe.z_prior, inputs=inputs, truncation=truncation)
    manifest, state, refused = folder.load(best=best)
    # On the CPU: training may be using the GPU, whose float32 products are by default of lower precision.
    with tf.device("CPU:0"):
        G = _generator(recipe, facts, truncation)
        load_network(G, state, "G_ema" if weights == "ema" else "G")
    height, width, channels = facts.shape
    spec = ModelSpec(
        z_dim=recipe.z_dim,
        z_prior=recipe.z_prior,
        attributes=facts.attributes,
        counts=facts.counts if len(facts.attributes) > 1 else (),
        height=height,
        width=width,
        channels=channels,
        layout="nhwc",
        dtype="uint8",
        recipe_name=name,
        recipe_digest=recipe.digest(),
        recipe=recipe.to_json(),
        data_spec=facts.spec,
        data_digest=facts.digest,
        data_images=facts.images,
        nimg=manifest.nimg,
        weights=weights,
        parity=Parity(max_abs_error=0.0, batch_sizes=(), tolerance=0.0),
        tfgan_kit=__version__,
        figures=dict(figures or {}),
        noise_dim=noise_dim(G),
        truncation=_truncates(G),
        psi=truncation,
        inputs=inputs,
        w_dim=G.synthesis.inputs[0].shape[1] if inputs == "w" else 0,
    )
    return Source(G=G, recipe=recipe, spec=spec, path=run, refused=tuple(refused))


def _generator(recipe: Recipe, facts: DataFacts, truncation: float) -> keras.Model:
    """G as pictures are drawn from it, in float32 and with its initial weights; a psi of z is not its business."""
    return build_generator(
        recipe,
        shape=facts.shape,
        classes=facts.classes,
        dtype="float32",
        in_use=True,
        truncation=truncation if recipe.family in W_FAMILIES else 1.0,
    )


def _truncates(G: keras.Model) -> str:
    """What truncation means for a generator: w, where it maps z to one; nothing, where it normalises z; else z."""
    if hasattr(G, "mapping"):
        return "w"
    return "none" if any(layer.name == "z_norm" for layer in G.layers) else "z"
