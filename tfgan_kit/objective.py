"""What pictures say of D and of G: the losses, their terms, and the gradients of both."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import keras
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.calling import at_level, inputs_of, latent_view, noise_for, takes, without_updates
from tfgan_kit.descent import gradients_of
from tfgan_kit.gradients import Found, Rows
from tfgan_kit.losses import AdversarialLoss, d_readings
from tfgan_kit.plugs import Plugs
from tfgan_kit.rng import Key, Part, Stream
from tfgan_kit.stabilizers.plan import Turn
from tfgan_kit.terms import DView, GView, Outputs, Term

Stats = dict[str, tf.Tensor]


class Pair(Protocol):
    """What is read of a GAN; see there."""

    G: keras.Model
    D: keras.Model
    D_float32: keras.Model
    seed: int
    step: tf.Variable
    z_dim: int
    z_prior: str
    plugs: Plugs
    adversarial: AdversarialLoss
    g_adversarial: float
    g_optimizer: keras.Optimizer
    d_optimizer: keras.Optimizer
    d_steps: int

    def nimg(self, img_per_step: int) -> tf.Tensor:
        """Images seen before this step, of so many a step."""

    def progress(self, nimg: tf.Tensor) -> tf.Tensor:
        """Share of the run that is done."""


def d_part(gan: Pair, turn: Turn, substep: tf.Tensor, real: tf.Tensor, c: tf.Tensor | None, part: Part) -> Found:
    """What a part of a batch says of D.

    Args:
        gan: whose D is trained; nothing of it changes but moving statistics.
        turn: what is trained, and by which terms.
        substep: D step within the train step, int32 scalar.
        real: (B, H, W, C) float32 in [-1, 1], the part's pictures.
        c: (B, A) int32 or None, their classes.
        part: which it is.
    """
    key = partial(rng.key, gan.seed, step=gan.step, substep=substep, part=part)
    G, D = at_level(gan.G, turn.level), at_level(gan.D, turn.level)

    # Make the fakes, and what D is shown of both kinds.
    z = rng.latents(key(Stream.D_LATENTS), real.shape[0], gan.z_dim, gan.z_prior)
    make = without_updates(G, weights=gan.plugs.past_g.weights(gan.step) if gan.plugs.past_g else None)
    fake, fake_c = make(inputs_of(z, c, noise_for(G, key(Stream.G_NOISE), real.shape[0]))), c
    notes: Rows = {}
    if gan.plugs.replay:
        notes |= {"new_fakes": fake} | ({} if c is None else {"new_classes": c})
        fake, fake_c = gan.plugs.replay.draw(fake, c, key(Stream.REPLAY))
    images = tf.reduce_mean(real)
    real, fake = _show(gan, real, key(Stream.REAL_SHOWN)), _show(gan, fake, key(Stream.FAKE_SHOWN))

    with tf.GradientTape() as tape:
        # Real and fake in passes of their own, so that batch norm sees one kind at a time.
        noise = [noise_for(D, rng.split(key(Stream.D_NOISE), i), real.shape[0]) for i in range(3)]
        real_out: Outputs = D(_d_inputs(gan, real, c, noise[0]), training=True)
        fake_out: Outputs = D(_d_inputs(gan, fake, fake_c, noise[1]), training=True)
        real_targets, fake_targets = gan.plugs.targets(key(Stream.LABELS), real.shape[0])
        loss = tf.reduce_mean(
            gan.adversarial.d(
                real_logits=real_out["logits"], fake_logits=fake_out["logits"],
                real_targets=real_targets, fake_targets=fake_targets,
            )
        )  # fmt: skip
        judge = without_updates(at_level(gan.D_float32, turn.level), weights_of=D)
        view = DView(
            real=real, fake=fake, real_out=real_out, fake_out=fake_out, c=c, fake_c=fake_c,
            D=lambda x: judge(_d_inputs(gan, x, c, noise[2])),
            D_fake=lambda x: judge(_d_inputs(gan, x, fake_c, noise[2])),
            weights=gan.D.trainable_variables, key=key, notes=notes | _logits(real_out, fake_out),
        )  # fmt: skip
        terms, penalty = _terms(gan, gan.plugs.d_terms, view, turn)
        scaled = gan.d_optimizer.scale_loss(loss + penalty)
    gradients = gradients_of(tape, scaled, gan.D.trainable_variables)
    readings = d_readings(gan.adversarial, real_logits=real_out["logits"], fake_logits=fake_out["logits"])
    stats = {"images": images, "d_loss": loss, "d_loss_deviation": loss, **terms, **readings}
    return Found(gradients, stats, view.notes)


def g_part(gan: Pair, turn: Turn, real: tf.Tensor, c: tf.Tensor | None, part: Part) -> Found:
    """What a part of a batch says of G. Arguments as for `d_part`."""
    key = partial(rng.key, gan.seed, step=gan.step, part=part)
    G, D = at_level(gan.G, turn.level), at_level(gan.D, turn.level)
    z = rng.latents(key(Stream.G_LATENTS), real.shape[0], gan.z_dim, gan.z_prior)
    noise = noise_for(G, rng.split(key(Stream.G_NOISE), 1), real.shape[0])
    judge = without_updates(D, weights=gan.plugs.past_d.weights(gan.step) if gan.plugs.past_d else None)

    def shown_to_d(x: tf.Tensor, stream: Stream, draw: int) -> Outputs:
        d_noise = noise_for(D, rng.split(key(Stream.D_NOISE), draw), real.shape[0])
        outputs: Outputs = judge(_d_inputs(gan, _show(gan, x, key(stream)), c, d_noise))
        return outputs

    # Only paired losses and feature matching read these; for the others the compiler drops the pass.
    real_out = shown_to_d(real, Stream.REAL_SHOWN, 3)
    with tf.GradientTape() as tape:
        fake = G(inputs_of(z, c, noise), training=True)
        fake_out = shown_to_d(fake, Stream.G_SHOWN, 4)
        loss = tf.reduce_mean(gan.adversarial.g(real_logits=real_out["logits"], fake_logits=fake_out["logits"]))
        latent, synthesize = latent_view(G, z, c, noise)
        view = GView(
            fake=fake, fake_out=fake_out, real_out=real_out, c=c, latent=latent, synthesize=synthesize,
            weights=gan.G.trainable_variables, key=key, notes={},
        )  # fmt: skip
        terms, added = _terms(gan, gan.plugs.g_terms, view, turn)
        scaled = gan.g_optimizer.scale_loss(gan.g_adversarial * loss + added)
    return Found(gradients_of(tape, scaled, gan.G.trainable_variables), {"g_loss": loss, **terms}, view.notes)


def _d_inputs(gan: Pair, x: tf.Tensor, c: tf.Tensor | None, noise: tf.Tensor | None) -> Any:
    return inputs_of(x, c if takes(gan.D, "c") else None, noise)


def _show(gan: Pair, x: tf.Tensor, key: Key) -> tf.Tensor:
    """The pictures as D gets to see them."""
    progress = gan.progress(gan.nimg(x.shape[0] * key.part.parts * gan.d_steps))
    for i, transform in enumerate(gan.plugs.shown):
        x = transform.apply(x, rng.split(key, 64 * i), progress)
    return x


def _terms(gan: Pair, terms: Sequence[Term], view: Any, turn: Turn) -> tuple[Stats, tf.Tensor]:
    """The mean of each term that this turn takes, and their weighted sum."""
    taken = [term for term in terms if turn.lazy or not term.lazy]
    values = {term.name: tf.reduce_mean(term.value(view)) for term in taken}
    weights = {term.name: term.weight * (gan.plugs.lazy_every if term.lazy else 1) for term in taken}
    return values, tf.add_n([tf.zeros(()), *(weights[name] * value for name, value in values.items())])


def _logits(real_out: Outputs, fake_out: Outputs) -> Rows:
    """D's logits of both kinds as updates read them, (B,) float32."""
    return {
        "real_logits": tf.cast(real_out["logits"], tf.float32),
        "fake_logits": tf.cast(fake_out["logits"], tf.float32),
    }
