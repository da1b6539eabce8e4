"""The GAN: two networks, one algorithm. Usable by `model.fit`, by the compiled loop of the CLI, and by a plain call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from tfgan_kit import ema, rng
from tfgan_kit.errors import DataError
from tfgan_kit.losses import LOSSES, AdversarialLoss
from tfgan_kit.penalties import Penalty
from tfgan_kit.rng import Stream

Stats = dict[str, tf.Tensor]


class GAN(keras.Model):
    """A generator G, a discriminator D, and G_ema, the moving average of G that samples are drawn from.

    `train_step` takes `images` or `(images, c)`: images (d_steps * B, H, W, C), uint8 or float32 in [-1, 1], and class
    indices c (d_steps * B,) int32. One call is `d_steps` steps of D, each on B images, then one step of G.
    Calling the model on z (N, z_dim), or on (z, c), gives images of G_ema.

    Attributes:
        step: train steps done, int64 variable.
        time_progress: share of the time budget that is used, float32 variable; 0 where there is none.
        first_nonfinite: for each name in WATCHED the step at which it first was not finite, or -1; int64 variable.
    """

    WATCHED = ("d_loss", "g_loss", "d_grad_norm", "g_grad_norm")

    def __init__(
        self,
        G: keras.Model,
        D: keras.Model,
        G_ema: keras.Model,
        *,
        z_dim: int,
        z_prior: str = "normal",
        seed: int = 0,
        D_float32: keras.Model | None = None,
    ) -> None:
        """Put the networks together; G_ema starts as a copy of G.

        Args:
            G: z [and c] to images; has a second input exactly if the GAN is conditional.
            D: images [and c] to logits (B,).
            G_ema: of the same architecture as G.
            z_dim: length of z.
            z_prior: "normal", "uniform" or "spherical".
            seed: of every random draw.
            D_float32: D's architecture under the float32 policy, for penalties when D computes in less.
        """
        super().__init__(name="gan")
        self.G, self.D, self.G_ema = G, D, G_ema
        self.D_float32 = D_float32 or D
        self.conditional = len(G.inputs) == 2
        self.z_dim, self.z_prior, self.seed = z_dim, z_prior, seed
        G_ema.set_weights(G.get_weights())
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.time_progress = tf.Variable(0.0, trainable=False, name="time_progress")
        self.first_nonfinite = tf.Variable([-1] * len(self.WATCHED), dtype=tf.int64, trainable=False)
        self.built = True

    def compile(
        self,
        *,
        g_optimizer: keras.Optimizer,
        d_optimizer: keras.Optimizer,
        loss: AdversarialLoss = LOSSES["nonsaturating"],
        penalties: tuple[Penalty, ...] = (),
        d_steps: int = 1,
        ema_halflife_kimg: float = 10.0,
        ema_rampup: float = 0.05,
        lr_factor: Callable[..., tf.Tensor] | None = None,
        total_img: float | None = None,
        **options: Any,
    ) -> None:
        """Say how to train.

        Args:
            g_optimizer: of G; a `LossScaleOptimizer` for float16.
            d_optimizer: of D; likewise.
            loss: what D and G minimise.
            penalties: further terms of D's loss.
            d_steps: steps of D before each step of G.
            ema_halflife_kimg: half-life of G_ema, kimg; 0: G_ema is the last G.
            ema_rampup: the half-life is at most this share of the images seen; 0: no ramp.
            lr_factor: `(progress=, nimg=) -> factor` of both learning rates; None: constant.
            total_img: images of the whole run, which `progress` counts to; None: `time_progress` alone counts.
            **options: of `keras.Model.compile`, such as `jit_compile` and `run_eagerly`.
        """
        super().compile(optimizer=None, loss=None, **options)
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer
        self.g_lr, self.d_lr = float(g_optimizer.learning_rate), float(d_optimizer.learning_rate)
        g_optimizer.build(self.G.trainable_variables)
        d_optimizer.build(self.D.trainable_variables)
        self.adversarial, self.penalties, self.d_steps = loss, penalties, d_steps
        self.ema_halflife_kimg, self.ema_rampup = ema_halflife_kimg, ema_rampup
        self.lr_factor, self.total_img = lr_factor, total_img
        self.loss_scaled = isinstance(d_optimizer, keras.optimizers.LossScaleOptimizer)
        names = ["d_loss", "g_loss", "d_real", "d_fake", "d_accuracy", "d_grad_norm", "g_grad_norm", "lr_factor"]
        names += [penalty.name for penalty in penalties] + ["d_loss_scale", "g_loss_scale"] * self.loss_scaled
        self._means = {name: keras.metrics.Mean(name=name) for name in names}

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """Images (N, H, W, C) float32 in [-1, 1] of G_ema, from z or (z, c)."""
        return self.G_ema(inputs, training=training)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means that `train_step` returns."""
        return list(self._means.values())

    def train_step(self, data: Any) -> Stats:
        """`d_steps` steps of D, one of G, one of the average; see the class for `data` and `WATCHED` for failures."""
        real, c = self._prepare(data)
        batch_size = real.shape[0] // self.d_steps
        nimg = tf.cast(self.step * (batch_size * self.d_steps), tf.float32)
        stats = {"lr_factor": self._set_learning_rates(nimg)}

        for substep in range(self.d_steps):
            part = slice(substep * batch_size, (substep + 1) * batch_size)
            stats |= self.d_step(real[part], None if c is None else c[part], substep)
        stats |= self.g_step(real[part], None if c is None else c[part])

        decay = ema.decay_for(nimg, batch_size * self.d_steps, self.ema_halflife_kimg, self.ema_rampup)
        ema.update(self.G_ema, self.G, decay)
        self._watch(stats)
        self.step.assign_add(1)
        for name, mean in self._means.items():
            mean.update_state(stats[name])
        return {name: mean.result() for name, mean in self._means.items()}

    def d_step(self, real: tf.Tensor, c: tf.Tensor | None, substep: int = 0) -> Stats:
        """One step of D; G stays as it is, to the bit."""
        key = partial(rng.key, self.seed, step=self.step, substep=substep)
        z = rng.latents(key(Stream.D_LATENTS), real.shape[0], self.z_dim, self.z_prior)
        fake = without_updates(self.G)(z, c)
        with tf.GradientTape() as tape:
            # Real and fake in passes of their own, so that batch norm sees one kind at a time.
            real_logits = self.D(inputs_of(real, c), training=True)
            fake_logits = self.D(inputs_of(fake, c), training=True)
            loss = tf.reduce_mean(self.adversarial.d(real_logits=real_logits, fake_logits=fake_logits))
            D = partial(without_updates(self.D_float32, self.D), c=c)
            terms = {
                penalty.name: tf.reduce_mean(penalty.value(D, penalty.at(real, fake, key(Stream.PENALTY))))
                for penalty in self.penalties
            }
            total = loss + sum(penalty.weight * terms[penalty.name] for penalty in self.penalties)
            scaled = self.d_optimizer.scale_loss(total)
        stats = self._apply(self.d_optimizer, tape, scaled, self.D.trainable_variables, "d")
        right = tf.concat([real_logits > 0, fake_logits <= 0], axis=0)
        return {
            **stats,
            **terms,
            "d_loss": loss,
            "d_real": tf.reduce_mean(tf.sigmoid(real_logits)),
            "d_fake": tf.reduce_mean(tf.sigmoid(fake_logits)),
            "d_accuracy": tf.reduce_mean(tf.cast(right, tf.float32)),
        }

    def g_step(self, real: tf.Tensor, c: tf.Tensor | None) -> Stats:
        """One step of G under the present D, which stays as it is, to the bit."""
        z = rng.latents(rng.key(self.seed, Stream.G_LATENTS, self.step), real.shape[0], self.z_dim, self.z_prior)
        D = without_updates(self.D)
        # Only paired losses read these; for the others the compiler drops the pass.
        real_logits = D(real, c)
        with tf.GradientTape() as tape:
            fake_logits = D(self.G(inputs_of(z, c), training=True), c)
            loss = tf.reduce_mean(self.adversarial.g(real_logits=real_logits, fake_logits=fake_logits))
            scaled = self.g_optimizer.scale_loss(loss)
        stats = self._apply(self.g_optimizer, tape, scaled, self.G.trainable_variables, "g")
        return {**stats, "g_loss": loss}

    def progress(self, nimg: tf.Tensor) -> tf.Tensor:
        """Share of the run that is done, float32 scalar in [0, 1]: by images, or by time where that is ahead."""
        by_images = nimg / self.total_img if self.total_img else 0.0
        return tf.clip_by_value(tf.maximum(by_images, self.time_progress), 0.0, 1.0)

    def state(self) -> dict[str, tf.Variable]:
        """Every variable that a resumed run needs, by name."""
        owners: Mapping[str, Any] = {
            "G": self.G.variables,
            "D": self.D.variables,
            "G_ema": self.G_ema.variables,
            "g_optimizer": self.g_optimizer.variables,
            "d_optimizer": self.d_optimizer.variables,
            **{f"means/{name}": mean.variables for name, mean in self._means.items()},
        }
        named = {f"{owner}/{v.path.removeprefix(owner + '/')}": v for owner, vs in owners.items() for v in vs}
        return named | {"step": self.step, "time_progress": self.time_progress}

    def _prepare(self, data: Any) -> tuple[tf.Tensor, tf.Tensor | None]:
        real, c, *_ = (*data, None) if isinstance(data, tuple | list) else (data, None)
        real = tf.convert_to_tensor(real)
        if real.shape[0] is None or real.shape[0] % self.d_steps:
            raise DataError(
                f"the batch must be of a fixed size and a multiple of d_steps={self.d_steps}; got images of shape "
                f"{tuple(real.shape)}: batch the data with drop_remainder=True"
            )
        if real.dtype == tf.uint8:
            real = tf.cast(real, tf.float32) / 127.5 - 1.0
        if not self.conditional:
            return real, None
        if c is None:
            raise DataError("a conditional GAN trains on (images, class indices); got images alone")
        return real, tf.cast(c, tf.int32)

    def _set_learning_rates(self, nimg: tf.Tensor) -> tf.Tensor:
        factor = tf.ones(()) if self.lr_factor is None else self.lr_factor(progress=self.progress(nimg), nimg=nimg)
        self.g_optimizer.learning_rate.assign(self.g_lr * factor)
        self.d_optimizer.learning_rate.assign(self.d_lr * factor)
        return factor

    def _apply(
        self, optimizer: keras.Optimizer, tape: tf.GradientTape, loss: tf.Tensor, variables: list[Any], prefix: str
    ) -> Stats:
        """Take the gradient of the scaled loss and apply it; the norm of what is applied, and the scale."""
        gradients = tape.gradient(loss, variables)
        scale = optimizer.scale_loss(tf.ones(()))
        norm = tf.linalg.global_norm(gradients) / scale
        if self.loss_scaled:
            # An overflow of the scaled gradient is how a dynamic loss scale finds its value: the step is left out.
            norm = tf.where(tf.math.is_finite(norm), norm, 0.0)
        optimizer.apply(gradients, variables)
        return {f"{prefix}_grad_norm": norm, f"{prefix}_loss_scale": scale}

    def _watch(self, stats: Stats) -> None:
        """Note the step at which a watched value first was not finite."""
        bad = ~tf.math.is_finite(tf.stack([stats[name] for name in self.WATCHED]))
        first = bad & (self.first_nonfinite < 0)
        self.first_nonfinite.assign(tf.where(first, self.step, self.first_nonfinite))


def inputs_of(x: tf.Tensor, c: tf.Tensor | None) -> Any:
    """What a network is called on: x, or [x, c] where there are classes."""
    return x if c is None else [x, c]


def without_updates(model: keras.Model, weights_of: keras.Model | None = None) -> Callable[..., tf.Tensor]:
    """`(x, c) -> model(x, c)` in training mode that leaves every variable as it is, batch norm's statistics included.

    Args:
        model: the architecture to run.
        weights_of: the model whose variables are used, in place of its own; None: its own.
    """
    source = weights_of or model

    def run(x: tf.Tensor, c: tf.Tensor | None) -> tf.Tensor:
        outputs, _ = model.stateless_call(
            source.trainable_variables, source.non_trainable_variables, inputs_of(x, c), training=True
        )
        return outputs

    return run
