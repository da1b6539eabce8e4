"""One step of an optimizer down a gradient, whether that is scaled or not."""

from __future__ import annotations

import keras
import tensorflow as tf


def take_summed(optimizer: keras.Optimizer) -> None:
    """Let an optimizer take gradients that are summed over the replicas already, and sum them no more.

    So that their norm is known, and that one that overflows on one replica is seen by all of them: a
    `LossScaleOptimizer` looks at its own replica's alone before the sum.
    """
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    inner._all_reduce_sum_gradients = lambda gradients_and_variables: gradients_and_variables


def gradients_of(tape: tf.GradientTape, loss: tf.Tensor, variables: list[keras.Variable]) -> list[tf.Tensor]:
    """The gradient of a scalar loss, a tensor for each variable; zeros for one that it does not depend on."""
    # What a level does not use gets zeros, which TensorFlow makes for its own variables alone.
    gradients = tape.gradient(
        loss, [variable.value for variable in variables], unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    # That of an embedding comes as its rows.
    return [tf.convert_to_tensor(gradient) for gradient in gradients]


def descend(
    optimizer: keras.Optimizer, gradients: list[tf.Tensor], variables: list[keras.Variable]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Apply a gradient.

    Args:
        optimizer: of these variables; a `LossScaleOptimizer` leaves a step out whose gradient overflows.
        gradients: of `optimizer.scale_loss` of the loss, summed over the replicas.
        variables: that are trained.

    Returns:
        norm: of the gradient of the loss, float32 scalar; 0 for a step that is left out.
        scale: factor of the loss, float32 scalar; 1 without loss scaling.
    """
    scale = optimizer.scale_loss(tf.ones(()))
    norm = tf.linalg.global_norm(gradients) / scale
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        # An overflow of the scaled gradient is how a dynamic loss scale finds its value: the step is left out.
        norm = tf.where(tf.math.is_finite(norm), norm, 0.0)
    optimizer.apply(gradients, variables)
    return norm, scale
