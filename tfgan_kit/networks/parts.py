"""What the families share: seeded weights, layers by the recipe's switches, the way classes enter, D's outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from tfgan_kit.errors import RecipeError
from tfgan_kit.networks.layers.attention import SelfAttention2D
from tfgan_kit.networks.layers.minibatch import MinibatchDiscrimination, MinibatchStddev
from tfgan_kit.networks.layers.norms import normalise
from tfgan_kit.networks.layers.randomness import Randomness
from tfgan_kit.networks.layers.resample import downsample, pixel_shuffle, upsample
from tfgan_kit.networks.layers.spectral import (
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
    SpectralEmbedding,
)

DISTRIBUTIONS: dict[str, Callable[[int], keras.Initializer]] = {
    "glorot": lambda seed: keras.initializers.GlorotUniform(seed=seed),
    "normal": lambda seed: keras.initializers.RandomNormal(stddev=0.02, seed=seed),
    "orthogonal": lambda seed: keras.initializers.Orthogonal(seed=seed),
    "he": lambda seed: keras.initializers.HeNormal(seed=seed),
}


class Initializers:
    """Initializers of one distribution, each with a seed of its own: the same weights for the same `seed`, always."""

    def __init__(self, seed: int, kind: str = "glorot") -> None:
        """Start at the first of the seed's initializers of a kind in DISTRIBUTIONS."""
        self._seed, self._kind, self._count = seed, kind, 0

    def __call__(self) -> keras.Initializer:
        """The next one."""
        return DISTRIBUTIONS[self._kind](self.next_seed())

    def next_seed(self) -> int:
        """The seed of the next one, in [0, 2**31)."""
        self._count += 1
        # Keras takes 31 bits of a seed: neighbours must differ in those.
        (mixed,) = np.random.SeedSequence((self._seed, self._count)).generate_state(1)
        return int(mixed >> 1)


class Builder:
    """Layers of one network, by the switches that hold for the whole of it.

    Attributes:
        init: of the weights.
        randomness: the network's own draws, from its input `noise`.
        dtype: Keras policy of the layers.
    """

    def __init__(
        self,
        *,
        dtype: str,
        seed: int,
        init: str = "glorot",
        norm: str = "none",
        norm_momentum: float = 0.9,
        leak: float = 0.2,
        spectral_norm: bool = False,
        dropout: float = 0.0,
        noise: float = 0.0,
    ) -> None:
        """Say how the network's layers are made.

        Args:
            dtype: Keras policy.
            seed: of the initial weights.
            init: their distribution, a name in DISTRIBUTIONS.
            norm: what `norm` does: "batch", "instance", "group", "pixel" or "none".
            norm_momentum: of batch norm.
            leak: slope of LeakyReLU for negative values; 0 is ReLU.
            spectral_norm: divide every kernel by its largest singular value.
            dropout: share of units that `randomly` drops.
            noise: deviation of what `randomly` adds.
        """
        self.init, self.randomness, self.dtype = Initializers(seed, init), Randomness(), dtype
        self._norm, self._momentum, self._leak = norm, norm_momentum, leak
        self._spectral, self._dropout, self._noise = spectral_norm, dropout, noise

    def dense(self, x: Any, units: int, *, name: str, bias: bool = True, dtype: str | None = None) -> Any:
        """(B, F) -> (B, units)."""
        kind = SpectralDense if self._spectral else layers.Dense
        return kind(units, use_bias=bias, kernel_initializer=self.init(), dtype=dtype or self.dtype, name=name)(x)

    def conv(
        self, x: Any, features: int, kernel_px: int, *, name: str, stride: int = 1, bias: bool = True
    ) -> keras.KerasTensor:
        """(B, H, W, C) -> (B, ceil(H / stride), ceil(W / stride), features)."""
        kind = SpectralConv2D if self._spectral else layers.Conv2D
        return kind(
            features, kernel_px, stride, padding="same", use_bias=bias,
            kernel_initializer=self.init(), dtype=self.dtype, name=name,
        )(x)  # fmt: skip

    def transposed(
        self, x: Any, features: int, kernel_px: int, *, name: str, stride: int = 2, bias: bool = True
    ) -> keras.KerasTensor:
        """(B, H, W, C) -> (B, H * stride, W * stride, features)."""
        kind = SpectralConv2DTranspose if self._spectral else layers.Conv2DTranspose
        return kind(
            features, kernel_px, stride, padding="same", use_bias=bias,
            kernel_initializer=self.init(), dtype=self.dtype, name=name,
        )(x)  # fmt: skip

    def up(self, x: Any, features: int, kernel_px: int, how: str, *, name: str, bias: bool = True) -> keras.KerasTensor:
        """Twice the map: "transposed" convolution, "pixel_shuffle" of a convolution, or "resize" and convolution."""
        if how == "transposed":
            return self.transposed(x, features, kernel_px, name=name, bias=bias)
        if how == "pixel_shuffle":
            x = self.conv(x, 4 * features, kernel_px, name=name, bias=bias)
            return pixel_shuffle(x, dtype=self.dtype, name=f"{name}_shuffle")
        x = upsample(x, dtype=self.dtype, name=f"{name}_resize")
        return self.conv(x, features, kernel_px, name=name, bias=bias)

    def down(
        self, x: Any, features: int, kernel_px: int, how: str, *, name: str, bias: bool = True
    ) -> keras.KerasTensor:
        """Half the map, rounded up: "strided" convolution, or convolution and "average_pool"."""
        if how == "strided":
            return self.conv(x, features, kernel_px, stride=2, name=name, bias=bias)
        x = self.conv(x, features, kernel_px, name=name, bias=bias)
        return downsample(x, dtype=self.dtype, name=f"{name}_pool")

    def norm(self, x: Any, *, name: str, kind: str | None = None) -> keras.KerasTensor:
        """The network's normalisation, or that of another kind."""
        return normalise(x, kind or self._norm, momentum=self._momentum, dtype=self.dtype, name=name)

    def act(self, x: Any, *, name: str) -> keras.KerasTensor:
        """LeakyReLU."""
        return layers.LeakyReLU(self._leak, dtype=self.dtype, name=name)(x)

    def randomly(self, x: Any, *, name: str) -> keras.KerasTensor:
        """The network's noise, then its dropout; `x` itself where there is neither."""
        x = self.randomness.noise(x, self._noise, dtype=self.dtype, name=f"{name}_noise")
        return self.randomness.dropout(x, self._dropout, dtype=self.dtype, name=f"{name}_dropout")

    def activated(self, x: Any, *, name: str) -> keras.KerasTensor:
        """The network's normalisation, its activation and its randomness."""
        x = self.norm(x, name=f"{name}_norm")
        x = self.act(x, name=f"{name}_act")
        return self.randomly(x, name=f"{name}_random")

    def attention(self, x: Any, px: int, *, name: str) -> keras.KerasTensor:
        """Self-attention if the map's shorter side is `px`; else `x` itself."""
        if min(x.shape[1:3]) != px:
            return x
        return SelfAttention2D(init=self.init, spectral=self._spectral, dtype=self.dtype, name=name)(x)

    def embedding(self, index: Any, count: int, size: int, *, name: str) -> keras.KerasTensor:
        """(B,) int32 -> (B, size) float32."""
        kind = SpectralEmbedding if self._spectral else layers.Embedding
        return kind(count, size, embeddings_initializer=self.init(), dtype="float32", name=name)(index)

    def class_embeddings(self, c: Any, classes: Sequence[int], size: int) -> list[keras.KerasTensor]:
        """For each attribute (B, size) float32, learned for each of its classes."""
        return [
            self.embedding(attribute(c, a, f"class{a or ''}"), count, size, name=f"class_embedding{a or ''}")
            for a, count in enumerate(classes)
        ]

    def with_classes(self, z: Any, c: Any, classes: Sequence[int], size: int) -> keras.KerasTensor:
        """z with a learned embedding of each attribute's class, of `size` numbers, behind it; z itself without any."""
        if not classes:
            return z
        embeddings = self.class_embeddings(c, classes, size)
        return layers.Concatenate(dtype="float32", name="z_and_class")([z, *embeddings])

    def outputs(
        self, features: Any, c: Any, classes: Sequence[int], *, condition: str, minibatch: str = "none"
    ) -> dict[str, Any]:
        """D's outputs from its flat features.

        Args:
            features: (B, F).
            c: (B, A) int32; None where D takes no classes.
            classes: values of each attribute.
            condition: "projection": the logit gains the product of the features with a vector of each class; or
                "auxiliary": D has class logits beside the logit.
            minibatch: "discrimination" adds how close the pictures of the batch are in features; others do nothing.

        Returns:
            "logits" (B,), "features" (B, F) and, for "auxiliary", "classes" (B, sum of classes); float32.

        Source: Miyato and Koyama 2018, Eq. 3 (projection); Odena et al. 2017 (auxiliary classifier).
        """
        features = layers.Activation("linear", dtype="float32", name="features")(features)
        seen = features
        if minibatch == "discrimination":
            seen = MinibatchDiscrimination(50, 5, kernel_initializer=self.init(), dtype="float32", name="minibatch")(
                seen
            )
        score = self.dense(seen, 1, name="logit", dtype="float32")
        score = layers.Flatten(dtype="float32", name="logit_flat")(score)
        if c is not None:
            products = []
            for a, count in enumerate(classes):
                index = attribute(c, a, f"class{a or ''}")
                row = self.embedding(index, count, features.shape[-1], name=f"class_projection{a or ''}")
                products.append(layers.Dot(axes=1, dtype="float32", name=f"projection{a or ''}")([features, row]))
            score = layers.Add(dtype="float32", name="logit_of_class")([score, *products])
        outputs = {"logits": layers.Reshape((), dtype="float32", name="logits")(score), "features": features}
        if classes and condition == "auxiliary":
            outputs["classes"] = self.dense(features, sum(classes), name="classes", dtype="float32")
        return outputs

    def model(self, inputs: Sequence[Any], outputs: Any, name: str) -> keras.Model:
        """The model of the inputs that are there and of `noise` where there is randomness; it knows its `noise_dim`."""
        there = [tensor for tensor in (*inputs, self.randomness.input) if tensor is not None]
        model = keras.Model(there if len(there) > 1 else there[0], outputs, name=name)
        model.noise_dim = self.randomness.size
        return model


@keras.saving.register_keras_serializable("tfgan_kit")
class Attribute(layers.Layer):
    """One column of c."""

    def __init__(self, index: int, **options: Any) -> None:
        """Say which."""
        super().__init__(**options)
        self._index = index

    def call(self, c: Any) -> Any:
        """(B, A) -> (B,)."""
        return c[:, self._index]


def attribute(c: Any, index: int, name: str) -> keras.KerasTensor:
    """The values (B,) of one of the attributes (B, A)."""
    return Attribute(index, dtype="int32", name=name)(c)


def g_inputs(z_dim: int, classes: Sequence[int]) -> tuple[Any, Any]:
    """G's inputs z and c; c is None without classes."""
    return layers.Input((z_dim,), name="z"), _class_input(classes)


def d_inputs(shape: tuple[int, int, int], classes: Sequence[int], condition: str) -> tuple[Any, Any]:
    """D's inputs images and c; c is None without classes, and for an auxiliary classifier."""
    return layers.Input(shape, name="images"), _class_input(classes if condition == "projection" else ())


def batch_statistics(x: Any, minibatch: str, *, dtype: str) -> keras.KerasTensor:
    """The map with the deviation within the batch behind it, for `minibatch` "stddev"; else the map itself."""
    return MinibatchStddev(dtype=dtype, name="stddev")(x) if minibatch == "stddev" else x


def to_images(x: Any, resolution: tuple[int, int], *, dtype: str) -> keras.KerasTensor:
    """A map, cropped to the middle of the resolution and brought to [-1, 1] by tanh, float32."""
    if x.shape[1:3] != tuple(resolution):
        top, left = (x.shape[1] - resolution[0]) // 2, (x.shape[2] - resolution[1]) // 2
        bottom, right = x.shape[1] - resolution[0] - top, x.shape[2] - resolution[1] - left
        x = layers.Cropping2D(((top, bottom), (left, right)), dtype=dtype, name="crop")(x)
    return layers.Activation("tanh", dtype="float32", name="images")(x)


def needs_bias(norm: str) -> bool:
    """Whether a layer before this normalisation needs a bias: one that learns an offset takes its place."""
    return norm in ("none", "pixel")


def halvings(resolution: tuple[int, int], smallest_px: int) -> int:
    """How often the resolution is halved, rounding up, until its shorter side is at most `smallest_px`."""
    side, count = min(resolution), 0
    while side > smallest_px:
        side, count = -(-side // 2), count + 1
    return count


def halved(resolution: tuple[int, int], times: int) -> tuple[int, int]:
    """The resolution after so many halvings, rounded up."""
    height, width = (-(-side // 2**times) for side in resolution)
    return height, width


def widths(first: int, count: int, highest: int) -> list[int]:
    """Channels of `count` maps, doubling from `first` up to `highest`."""
    return [min(first * 2**i, highest) for i in range(count)]


def check_attention(network: str, px: int, sides: Sequence[int]) -> None:
    """Refuse self-attention on a map that is not there.

    Raises:
        RecipeError: `px` is neither 0 nor one of the maps' shorter sides.
    """
    if px and px not in sides:
        legal = ", ".join(str(side) for side in sorted(set(sides)))
        raise RecipeError(f"{network}_attention_px={px} is the side of none of its maps; legal: 0, {legal}")


def _class_input(classes: Sequence[int]) -> Any:
    return layers.Input((len(classes),), dtype="int32", name="c") if classes else None
