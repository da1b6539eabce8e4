"""Penalties as terms: on D's gradient, on D's logits, on how G moves with its latent, and on kernels.

The plain functions take `(D, x)`, with D a function from (B, H, W, C) float32 to D's outputs, and return (B,) float32,
not weighted. D must treat the examples of a batch on their own: batch norm in D makes the values approximate.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import tensorflow as tf

from tfgan_kit import replicas, rng
from tfgan_kit.gradients import Rows
from tfgan_kit.rng import Key, Stream
from tfgan_kit.terms import DView, GView, Outputs, Term

Discriminator = Callable[[tf.Tensor], Outputs]

# Under a root, whose derivative at 0 is infinite.
_TINY = 1e-12


def r1(gamma: float) -> Term:
    """gamma / 2 E |grad D(real)|^2. Mescheder et al. 2018, Eq. 9."""
    return Term(name="r1", weight=gamma / 2.0, value=lambda view: zero_centred(view.D, view.real), lazy=True)


def r2(gamma: float) -> Term:
    """gamma / 2 E |grad D(fake)|^2. Mescheder et al. 2018, Eq. 10."""
    return Term(name="r2", weight=gamma / 2.0, value=lambda view: zero_centred(view.D_fake, view.fake), lazy=True)


def gradient_penalty(lambda_: float) -> Term:
    """lambda E (|grad D(mix)| - 1)^2, between real and fake pictures. Gulrajani et al. 2017, Eq. 3.

    With replay, whose fakes have classes of their own, D is asked with the class of the real picture.
    """

    def value(view: DView) -> tf.Tensor:
        return one_centred(view.D, at_mix(view.real, view.fake, view.key(Stream.PENALTY)))

    return Term(name="gp", weight=lambda_, value=value)


def dragan(lambda_: float) -> Term:
    """lambda E (|grad D(x)| - 1)^2, x around the real pictures. Kodali et al. 2017, section 2.3."""

    def value(view: DView) -> tf.Tensor:
        # The 0-th key is that of the gradient penalty.
        return one_centred(view.D, around(view.real, rng.split(view.key(Stream.PENALTY), 1)))

    return Term(name="dragan", weight=lambda_, value=value, batchwise=True)


def zero_centred(D: Discriminator, x: tf.Tensor) -> tf.Tensor:
    """|grad D(x)|^2: R1 at real pictures, R2 at fake ones. Mescheder et al. 2018, Eq. 9 and 10."""
    with tf.GradientTape() as tape:
        tape.watch(x)
        logits = D(x)["logits"]
    gradient = tf.cast(tape.gradient(logits, x), tf.float32)
    return tf.reduce_sum(tf.square(gradient), axis=list(range(1, len(x.shape))))


def one_centred(D: Discriminator, x: tf.Tensor) -> tf.Tensor:
    """(|grad D(x)| - 1)^2, for pictures between real and fake. Gulrajani et al. 2017, Eq. 3."""
    # Differs from Eq. 3: a small constant under the root.
    return tf.square(tf.sqrt(zero_centred(D, x) + _TINY) - 1.0)


def at_mix(real: tf.Tensor, fake: tf.Tensor, key: Key) -> tf.Tensor:
    """A uniformly drawn point on the line from each real picture to its fake one; one draw a picture."""
    share = rng.uniform(key, (real.shape[0], 1, 1, 1))
    return real + share * (fake - real)


def around(real: tf.Tensor, key: Key) -> tf.Tensor:
    """real + share * deviation / 2 * noise, with the deviation of all the batch's values.

    The noise is uniform in [0, 1), a draw a value, and the share of it too, a draw a picture: Kodali et al. 2017 as
    their published program has it. The paper's text has normal noise.
    """
    noise = rng.uniform(key, tuple(real.shape))
    share = rng.uniform(rng.split(key, 1), (real.shape[0], 1, 1, 1))
    centred = real - replicas.mean(tf.reduce_mean(real))
    deviation = tf.sqrt(replicas.mean(tf.reduce_mean(tf.square(centred))))
    return real + share * (0.5 * deviation) * noise


def drift(weight: float) -> Term:
    """D(real)^2, which fixes the constant that a Wasserstein loss leaves free. Karras et al. 2018, appendix A.1."""
    return Term(name="drift", weight=weight, value=lambda view: tf.square(view.real_out["logits"]))


def lecam(lambda_: float, decay: float = 0.99) -> Term:
    """lambda (E (D(real) - a_F)^2 + E (D(fake) - a_R)^2): each kind is held near the anchor of the other.

    The anchors a_R and a_F are moving averages of the mean logits of real and fake pictures, which start at 0.
    Tseng et al. 2021, section 3.1.

    Args:
        lambda_: weight.
        decay: share of the anchors that a step keeps, in [0, 1).
    """
    anchors = {name: tf.Variable(0.0, trainable=False, name=f"lecam_{name}") for name in ("real", "fake")}

    def value(view: DView) -> tf.Tensor:
        real, fake = (tf.cast(out["logits"], tf.float32) for out in (view.real_out, view.fake_out))
        return tf.square(real - anchors["fake"]) + tf.square(fake - anchors["real"])

    def update(rows: Rows) -> None:
        for name, anchor in anchors.items():
            anchor.assign(decay * anchor + (1.0 - decay) * tf.reduce_mean(rows[f"{name}_logits"]))

    return Term(name="lecam", weight=lambda_, value=value, update=update, state=anchors)


def path_length(weight: float, decay: float = 0.01) -> Term:
    """E (|J^T y| - a)^2, J how G's pictures move with the latent. Karras et al. 2020 (StyleGAN2), Eq. 4.

    y is normal noise of a picture's shape, over sqrt(H * W); a is the moving average of the lengths |J^T y|.

    Args:
        weight: of the mean.
        decay: share of the way to the batch's mean length that a goes after each use, in (0, 1].
    """
    mean = tf.Variable(0.0, trainable=False, name="path_length_mean")

    def value(view: GView) -> tf.Tensor:
        lengths = path_lengths(view.synthesize, view.latent, view.key(Stream.PATH))
        view.notes["path_lengths"] = tf.stop_gradient(lengths)
        # Differs from the published program: a has not seen this batch yet, so that its parts need not wait for it.
        return tf.square(lengths - mean)

    def update(rows: Rows) -> None:
        if "path_lengths" in rows:
            mean.assign_add(decay * (tf.reduce_mean(rows["path_lengths"]) - mean))

    return Term(name="path_length", weight=weight, value=value, lazy=True, update=update, state={"mean": mean})


def path_lengths(synthesize: Callable[[tf.Tensor], tf.Tensor], latent: tf.Tensor, key: Key) -> tf.Tensor:
    """|J^T y| of each latent, (B,) float32; see `path_length`.

    Args:
        synthesize: latent -> images (B, H, W, C).
        latent: (B, F) float32.
        key: of y.
    """
    with tf.GradientTape() as tape:
        tape.watch(latent)
        images = synthesize(latent)
        _, height, breadth, _ = images.shape
        y = rng.normal(key, tuple(images.shape)) / math.sqrt(height * breadth)
        # J^T y is the gradient of <images, y>.
        product = tf.reduce_sum(images * y)
    return tf.sqrt(tf.reduce_sum(tf.square(tape.gradient(product, latent)), axis=1) + _TINY)


def orthogonal(weight: float, name: str = "orthogonal") -> Term:
    """Sum of |W^T W * (1 - I)|^2 over a network's kernels, of D or of G. Brock et al. 2019 (BigGAN), Eq. 3.

    Args:
        weight: of the sum.
        name: for the records.
    """
    return Term(
        name=name,
        weight=weight,
        value=lambda view: tf.add_n([tf.zeros(()), *(skewness(kernel) for kernel in kernels_of(view.weights))]),
    )


def kernels_of(weights: list[keras.Variable]) -> list[keras.Variable]:
    """The variables that are called "kernel" and have two or more axes: no biases, scales, embeddings, constants."""
    return [weight for weight in weights if weight.path.split("/")[-1] == "kernel" and len(weight.shape) >= 2]


def skewness(kernel: tf.Tensor) -> tf.Tensor:
    """|W^T W * (1 - I)|^2, float32 scalar; 0 where the columns of W are orthogonal, of whatever lengths.

    A column is all that the kernel's last axis holds fixed: an output channel of a dense layer or a convolution. A
    transposed convolution's kernel is (h, w, out, in), so there it is what one input channel paints.
    """
    w = tf.reshape(tf.cast(kernel, tf.float32), (-1, kernel.shape[-1]))
    rows, columns = w.shape
    if columns <= rows:
        gram = tf.matmul(w, w, transpose_a=True)
        return tf.reduce_sum(tf.square(gram * (1.0 - tf.eye(columns))))
    # |W^T W| = |W W^T|, which is smaller here. With more columns than rows it is far above the diagonal's part.
    gram = tf.matmul(w, w, transpose_b=True)
    return tf.reduce_sum(tf.square(gram)) - tf.reduce_sum(tf.square(tf.reduce_sum(tf.square(w), axis=0)))
