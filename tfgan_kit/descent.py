"""One step of an optimizer down the gradient of a loss, whether the loss is scaled or not."""

from __future__ import annotations

import keras
import tensorflow as tf


def descend(
    optimizer: keras.Optimizer, tape: tf.GradientTape, scaled_loss: tf.Tensor, variables: list[keras.Variable]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Take the gradient of the scaled loss and apply it.

    Args:
        optimizer: of these variables; a `LossScaleOptimizer` leaves a step out whose gradient overflows.
        tape: that saw how the loss came about.
        scaled_loss: scalar, `optimizer.scale_loss` of the loss.
        variables: that are trained.

    Returns:
        norm: of the gradient of the loss, float32 scalar; 0 for a step that is left out.
        scale: factor of the loss, float32 scalar; 1 without loss scaling.
    """
    # What a level does not use gets zeros, which TensorFlow makes for its own variables alone.
    gradients = tape.gradient(
        scaled_loss, [variable.value for variable in variables], unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    scale = optimizer.scale_loss(tf.ones(()))
    norm = tf.linalg.global_norm(gradients) / scale
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        # An overflow of the scaled gradient is how a dynamic loss scale finds its value: the step is left out.
        norm = tf.where(tf.math.is_finite(norm), norm, 0.0)
    optimizer.apply(gradients, variables)
    return norm, scale
