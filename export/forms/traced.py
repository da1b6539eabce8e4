"""A generator as the TensorFlow functions that other formats are made from: named inputs, one named output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from tfgan_kit.calling import inputs_of, noise_dim, takes


@dataclass(frozen=True)
class Traced:
    """A function of tensors by position.

    Attributes:
        signature: what it takes, in this order; the names are the inputs'.
        function: a tf.function from tensors to a dict of one tensor, by its name.
        variables: what it reads.
    """

    signature: tuple[tf.TensorSpec, ...]
    function: Any
    variables: tuple[tf.Variable, ...]

    def call(self, given: dict[str, Any]) -> tf.Tensor:
        """The output for arrays by name, of which there may be more than it takes."""
        (output,) = self.function(*(tf.convert_to_tensor(given[spec.name]) for spec in self.signature)).values()
        return output


def whole(G: keras.Model, *, batch: int | None = None, grey: bool = False) -> Traced:
    """From those of the inputs `z`, `labels` and `noise` that G takes to `images`.

    Args:
        G: z (N, z_dim) float32 [and c (N, A) int32] [and noise (N, M) float32] to images (N, H, W, C) float32 in
            [-1, 1].
        batch: N; None: any.
        grey: whether the images are uint8 grey levels, as in the tail of an ONNX model.

    Returns:
        Of z (N, z_dim) float32, labels int64, (N,) of one attribute and (N, A) of several, noise (N, M) float32.
    """

    def generate(z: tf.Tensor, *others: tf.Tensor) -> dict[str, tf.Tensor]:
        c = _columns(others[0]) if takes(G, "c") else None
        images = G(inputs_of(z, c, others[-1] if noise_dim(G) else None), training=False)
        return {"images": _grey_levels(images) if grey else images}

    return _traced(generate, [*_z_and_labels(G, batch), *_noise(G, batch)], G)


def mapping(G: keras.Model) -> Traced:
    """Of a style generator: from `z` [and `labels`] to `w` (N, w_dim) float32, truncated if G truncates it."""

    def to_w(z: tf.Tensor, *others: tf.Tensor) -> dict[str, tf.Tensor]:
        w = G.mapping(inputs_of(z, _columns(others[0]) if others else None), training=False)
        return {"w": G.get_layer("truncation")(w, training=False)}

    return _traced(to_w, _z_and_labels(G, None), G)


def synthesis(G: keras.Model) -> Traced:
    """Of a style generator: from `w` [and `noise`] to `images`."""

    def generate(w: tf.Tensor, *others: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"images": G.synthesis(inputs_of(w, *others), training=False)}

    w = tf.TensorSpec((None, G.synthesis.inputs[0].shape[1]), tf.float32, name="w")
    return _traced(generate, [w, *_noise(G, None)], G)


def _traced(function: Callable[..., dict[str, tf.Tensor]], signature: list[tf.TensorSpec], G: keras.Model) -> Traced:
    variables = tuple(variable.value for variable in G.variables)
    return Traced(tuple(signature), tf.function(function, input_signature=signature), variables)


def _z_and_labels(G: keras.Model, batch: int | None) -> list[tf.TensorSpec]:
    z = tf.TensorSpec((batch, G.inputs[0].shape[1]), tf.float32, name="z")
    if not takes(G, "c"):
        return [z]
    attributes = G.inputs[1].shape[1]
    axes = (batch, attributes) if attributes > 1 else (batch,)
    return [z, tf.TensorSpec(axes, tf.int64, name="labels")]


def _noise(G: keras.Model, batch: int | None) -> list[tf.TensorSpec]:
    return [tf.TensorSpec((batch, noise_dim(G)), tf.float32, name="noise")] if noise_dim(G) else []


def _columns(labels: tf.Tensor) -> tf.Tensor:
    """The c that networks take, (N, A) int32."""
    c = tf.cast(labels, tf.int32)
    return c[:, tf.newaxis] if c.shape.rank == 1 else c


def _grey_levels(images: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.clip_by_value(tf.round((images + 1) * 127.5), 0, 255), tf.uint8)
