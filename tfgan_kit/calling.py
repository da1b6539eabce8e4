"""How networks are called in the train step: what they take, with whose weights, and without leaving a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.rng import Key


def inputs_of(*parts: tf.Tensor | None) -> Any:
    """What a network is called on: the parts that are there, in a list, or the only one bare.

    Args:
        *parts: of G: z (B, z_dim), c (B, A), noise (B, M); of D: images (B, H, W, C), c, noise.
    """
    there = [part for part in parts if part is not None]
    return there if len(there) > 1 else there[0]


def takes(model: keras.Model, name: str) -> bool:
    """Whether the network has an input of that name."""
    return any(tensor.name == name for tensor in model.inputs)


def noise_dim(model: keras.Model) -> int:
    """Numbers that the network's own randomness takes for a picture; 0 if it has none."""
    return model.noise_dim if takes(model, "noise") else 0


def noise_for(model: keras.Model, key: Key, n: int) -> tf.Tensor | None:
    """Draws of the network's own randomness, (n, noise_dim) float32 normal; None if it has none."""
    return rng.normal(key, (n, noise_dim(model))) if noise_dim(model) else None


def at_level(model: keras.Model, level: int | None) -> keras.Model:
    """The part of a growing network that has grown up to `level`; the network itself for None."""
    return model if level is None else model.levels[level]


def without_updates(
    model: keras.Model, weights_of: keras.Model | None = None, weights: Mapping[str, tf.Tensor] | None = None
) -> Callable[[Any], Any]:
    """`inputs -> model(inputs)` in training mode that leaves every variable as it is, batch norm's included.

    Args:
        model: the architecture to run.
        weights_of: a model of as many variables, which are used in place of the model's own.
        weights: values by the variables' paths, which are used in place of the variables.
    """
    source = weights_of or model

    def of(variables: list[keras.Variable]) -> list[Any]:
        return variables if weights is None else [weights[variable.path] for variable in variables]

    def run(inputs: Any) -> Any:
        outputs, _ = model.stateless_call(
            of(source.trainable_variables), of(source.non_trainable_variables), inputs, training=True
        )
        return outputs

    return run


def latent_view(
    G: keras.Model, z: tf.Tensor, c: tf.Tensor | None, noise: tf.Tensor | None
) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
    """The latent that G draws from, w where it maps z to one and else z; and the pictures of other ones.

    Returns:
        latent: (B, z_dim or w_dim) float32.
        synthesize: latent -> images (B, H, W, C) of the same c and noise, which leaves every variable as it is.
    """
    if hasattr(G, "mapping"):
        run = without_updates(G.synthesis)
        return without_updates(G.mapping)(inputs_of(z, c)), lambda w: run(inputs_of(w, noise))
    run = without_updates(G)
    return z, lambda latent: run(inputs_of(latent, c, noise))
