"""What networks are called on in tests, and how they are looked at."""

import keras
import numpy as np
import tensorflow as tf


def latents(n, size=5, seed=0):
    return np.random.default_rng(seed).normal(size=(n, size)).astype(np.float32)


def pictures(n, shape=(8, 8, 1), seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, size=(n, *shape)).astype(np.float32)


def labels(n, classes):
    """Indices of classes, (n, A); None without classes."""
    return np.stack([np.arange(n) % count for count in classes], axis=1).astype(np.int32) if classes else None


def inputs(model, x, c=None):
    """What the model takes, as tensors: x, classes `c` (B, A) if it takes any, and noise if it has any."""
    parts = {"c": c, "noise": latents(len(x), model.noise_dim, seed=2)}
    taken = [tf.convert_to_tensor(part) for part in (x, *(parts[tensor.name] for tensor in model.inputs[1:]))]
    return taken if len(taken) > 1 else taken[0]


def shake(model, by=0.3):
    """Give every weight a value that matters; the weights by their paths."""
    rng = np.random.default_rng(5)
    for weight in model.weights:
        if not {"moving_variance", "u", "v", "grown"} & set(weight.path.split("/")):
            weight.assign(weight + by * rng.normal(size=weight.shape).astype(np.float32))
    return {weight.path: np.asarray(weight) for weight in model.weights}


def layers_of(model):
    """All layers, those of models in it included."""
    nested = [layers_of(layer) if isinstance(layer, keras.Model) else [layer] for layer in model.layers]
    return [layer for layers in nested for layer in layers]


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


def maps(model, kind):
    """What comes out of the layers of a kind."""
    return [tuple(layer.output.shape[1:]) for layer in model.layers if isinstance(layer, kind)]


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)
