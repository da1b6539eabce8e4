"""Spectral normalisation: layers whose weight matrix has a largest singular value of 1. Miyato et al. 2018.

A pass reads W / sigma and changes nothing, so that D sees real and fake pictures with the same weights. The vectors
that give sigma move in `power_iterate` alone, once a step and outside of the passes.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

# Below every singular value of weights that are in use: keeps zero weights at zero.
_SMALLEST = 1e-12


class Spectral:
    """What the four layers share; stands before the Keras layer among the bases.

    Weights beside the Keras layer's own: `u` and `v`, float32, not trainable, of unit length, the estimate of the
    first singular vectors; right when built. The weights themselves stay as they are: `call` divides by sigma.
    """

    # Axis of the outputs: its length is the number of rows of the matrix, all other axes together are its columns.
    rows = -1

    u: keras.Variable
    v: keras.Variable
    kernel: keras.Variable
    bias: keras.Variable | None
    activation: Any

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        """A weight that is read in its own precision inside of a pass, too."""
        return super().add_weight(*args, **{**kwargs, "autocast": False})  # type: ignore[misc]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights, and the singular vectors of the initial ones."""
        super().build(input_shape)  # type: ignore[misc]
        u, v = _first_singular_vectors(np.asarray(self.weight), self.rows)
        for name, start in (("u", u), ("v", v)):
            variable = self.add_weight(
                shape=start.shape, initializer="zeros", dtype="float32", trainable=False, name=name
            )
            variable.assign(start)
            setattr(self, name, variable)

    @property
    def weight(self) -> keras.Variable:
        """The variable that is normalised."""
        return self.kernel

    def sigma(self) -> tf.Tensor:
        """The estimate of the largest singular value, float32 scalar. Gradients flow to the weights: u v^T."""
        u, v = (tf.stop_gradient(tf.convert_to_tensor(vector)) for vector in (self.u, self.v))
        weight = tf.cast(tf.convert_to_tensor(self.weight), tf.float32)
        return tf.maximum(tf.reduce_sum(v * tf.tensordot(weight, u, [[self.rows], [0]])), _SMALLEST)

    def normalised(self) -> tf.Tensor:
        """The weights over sigma, float32, in the shape of the weights."""
        return tf.cast(tf.convert_to_tensor(self.weight), tf.float32) / self.sigma()

    def power_iterate(self) -> None:
        """One power iteration. Algorithm 1 of Miyato et al. 2018."""
        weight = tf.stop_gradient(tf.cast(tf.convert_to_tensor(self.weight), tf.float32))
        columns = [axis for axis in range(weight.shape.rank) if axis != self.rows % weight.shape.rank]
        v = _unit(tf.tensordot(weight, tf.convert_to_tensor(self.u), [[self.rows], [0]]))
        u = _unit(tf.tensordot(weight, v, [columns, range(len(columns))]))
        self.v.assign(v)
        self.u.assign(u)

    def finished(self, outputs: tf.Tensor) -> tf.Tensor:
        """The outputs with bias and activation, where the layer has them."""
        if self.bias is not None:
            outputs = outputs + tf.cast(tf.convert_to_tensor(self.bias), outputs.dtype)
        return outputs if self.activation is None else self.activation(outputs)


@keras.saving.register_keras_serializable("tfgan_kit")
class SpectralConv2D(Spectral, layers.Conv2D):
    """keras.layers.Conv2D of a normalised kernel (h, w, in, out), channels last, one group."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(B, H, W, in) to (B, H', W', out) in the compute dtype."""
        return self.finished(self.convolution_op(inputs, tf.cast(self.normalised(), self.compute_dtype)))


@keras.saving.register_keras_serializable("tfgan_kit")
class SpectralConv2DTranspose(Spectral, layers.Conv2DTranspose):
    """keras.layers.Conv2DTranspose of a normalised kernel (h, w, out, in), channels last."""

    rows = -2

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """(B, H, W, in) to (B, H', W', out) in the compute dtype."""
        outputs = keras.ops.conv_transpose(
            inputs, tf.cast(self.normalised(), self.compute_dtype), strides=list(self.strides), padding=self.padding,
            output_padding=self.output_padding, dilation_rate=self.dilation_rate, data_format=self.data_format,
        )  # fmt: skip
        return self.finished(outputs)


@keras.saving.register_keras_serializable("tfgan_kit")
class SpectralDense(Spectral, layers.Dense):
    """keras.layers.Dense of a normalised kernel (in, out)."""

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """(B, ..., in) to (B, ..., out) in the compute dtype."""
        return self.finished(keras.ops.matmul(inputs, tf.cast(self.normalised(), self.compute_dtype)))


@keras.saving.register_keras_serializable("tfgan_kit")
class SpectralEmbedding(Spectral, layers.Embedding):
    """keras.layers.Embedding of a normalised table (rows, out); its variable is `embeddings`."""

    @property
    def weight(self) -> keras.Variable:
        """The variable that is normalised."""
        return self.embeddings

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Whole numbers (B, ...) to (B, ..., out) in the compute dtype."""
        return tf.cast(tf.gather(self.normalised(), tf.cast(inputs, tf.int32)), self.compute_dtype)


def power_iterate(model: keras.Model) -> None:
    """One power iteration on every spectral layer of the model, those of the models and layers in it included.

    Call it once a step, outside of the passes and of gradient tapes; it changes `u` and `v` and nothing else.
    """
    for layer in model._flatten_layers():
        if isinstance(layer, Spectral):
            layer.power_iterate()


def _unit(x: tf.Tensor) -> tf.Tensor:
    """`x` over its length; zero where it is zero."""
    return x * tf.math.rsqrt(tf.maximum(tf.reduce_sum(tf.square(x)), _SMALLEST**2))


def _first_singular_vectors(weight: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Float32 unit vectors u, of the rows, and v, in the shape of the other axes, that belong to the largest value."""
    last = np.moveaxis(weight.astype(np.float64), rows, -1)
    matrix = last.reshape(-1, last.shape[-1])
    # Eigenvectors of the smaller of the two products W W^T and W^T W: exact, and as fast as some hundred iterations.
    if matrix.shape[0] < matrix.shape[1]:
        v = np.linalg.eigh(matrix @ matrix.T)[1][:, -1]
        u = matrix.T @ v
        u /= max(float(np.linalg.norm(u)), _SMALLEST)
    else:
        u = np.linalg.eigh(matrix.T @ matrix)[1][:, -1]
        v = matrix @ u
        v /= max(float(np.linalg.norm(v)), _SMALLEST)
    return u.astype(np.float32), v.reshape(last.shape[:-1]).astype(np.float32)
