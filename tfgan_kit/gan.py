"""The GAN: two networks, one algorithm. Usable by `model.fit`, by the compiled loop of the CLI, and by a plain call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
import tensorflow as tf

from tfgan_kit import ema, replicas, rng
from tfgan_kit.batches import images_of, img_per_step, real_and_classes
from tfgan_kit.calling import takes
from tfgan_kit.descent import descend, take_summed
from tfgan_kit.errors import DataError, RecipeError
from tfgan_kit.gradients import of_batch
from tfgan_kit.losses import LOSSES, AdversarialLoss
from tfgan_kit.objective import d_part, g_part
from tfgan_kit.plugs import NOTHING, Plugs
from tfgan_kit.rng import Stream
from tfgan_kit.running import Deviation, Mean
from tfgan_kit.stabilizers.plan import BOTH, Turn, choose

Stats = dict[str, tf.Tensor]


class GAN(keras.Model):
    """A generator G, a discriminator D, and G_ema, the moving average of G that samples are drawn from.

    `train_step` takes `images` or `(images, c)`: images (d_steps * B, H, W, C), uint8 or float32 in [-1, 1], and the
    classes c (d_steps * B, A) int32, or (d_steps * B,) where A is 1. One call is `d_steps` steps of D, each on B
    images, then one step of G. Calling the model on what `inputs_of(z, c, noise)` gives makes images of G_ema.

    Under a strategy of tf.distribute, `train_step` takes the images of this process, and its replicas share each B of
    them. What comes out is that of one replica on all of the images, but for the order in which floats are added.

    Attributes:
        step: train steps done, int64 variable.
        time_progress: share of the time budget that is used, float32 variable; 0 where there is none.
        lr_scale: factor of both learning rates beside that of their schedule, float32 variable; no part of the state.
        first_nonfinite: for each name in WATCHED the step at which it first was not finite, or as a loss scale was
            below 1; or -1; int64 variable.
    """

    # In the order in which one makes the next fail.
    WATCHED = ("images", "d_loss", "d_grad_norm", "d_loss_scale", "g_loss", "g_grad_norm", "g_loss_scale")

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
            G: z [and c, and noise] to images; the GAN is conditional exactly if it takes c.
            D: images [and c, and noise] to `Outputs`.
            G_ema: of the same weights as G.
            z_dim: length of z.
            z_prior: "normal", "uniform" or "spherical".
            seed: of every random draw.
            D_float32: D's architecture under the float32 policy, for penalties when D computes in less.
        """
        super().__init__(name="gan")
        self.G, self.D, self.G_ema = G, D, G_ema
        self.D_float32 = D_float32 or D
        self.conditional = takes(G, "c")
        self.z_dim, self.z_prior, self.seed = z_dim, z_prior, seed
        G_ema.set_weights(G.get_weights())
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.time_progress = tf.Variable(0.0, trainable=False, name="time_progress")
        self.lr_scale = tf.Variable(1.0, trainable=False, name="lr_scale")
        self.first_nonfinite = tf.Variable([-1] * len(self.WATCHED), dtype=tf.int64, trainable=False)
        self.built = True

    def compile(
        self,
        *,
        g_optimizer: keras.Optimizer,
        d_optimizer: keras.Optimizer,
        loss: AdversarialLoss = LOSSES["nonsaturating"],
        g_adversarial: float = 1.0,
        plugs: Plugs = NOTHING,
        d_steps: int = 1,
        ema_halflife_kimg: float = 10.0,
        ema_rampup: float = 0.05,
        lr_factor: Callable[..., tf.Tensor] | None = None,
        total_img: float | None = None,
        accumulate: int = 1,
        jit: bool = False,
        **options: Any,
    ) -> None:
        """Say how to train.

        Args:
            g_optimizer: of G; a `LossScaleOptimizer` for float16.
            d_optimizer: of D; likewise.
            loss: what D and G minimise.
            g_adversarial: weight of the adversarial loss in G's.
            plugs: what the recipe's switches add to the train step.
            d_steps: steps of D before each step of G.
            ema_halflife_kimg: half-life of G_ema, kimg; 0: G_ema is the last G.
            ema_rampup: the half-life is at most this share of the images seen; 0: no ramp.
            lr_factor: `(progress=, nimg=) -> factor` of both learning rates; None: constant.
            total_img: images of the whole run, which `progress` counts to; None: `time_progress` alone counts.
            accumulate: parts that a replica takes of its share of a batch, one after the other.
            jit: compile each kind of turn with XLA; of a batch in parts, the gradient of a part, unless replicas have
                to tell one another something for it.
            **options: of `keras.Model.compile`, such as `run_eagerly`.
        """
        super().compile(optimizer=None, loss=None, jit_compile=False, **options)
        self.g_optimizer, self.d_optimizer = g_optimizer, d_optimizer
        self.g_lr, self.d_lr = (float(each.learning_rate.numpy()) for each in (g_optimizer, d_optimizer))
        for optimizer, network in ((g_optimizer, self.G), (d_optimizer, self.D)):
            optimizer.build(network.trainable_variables)
            take_summed(optimizer)
        self.adversarial, self.g_adversarial = loss, g_adversarial
        self.plugs, self.d_steps, self.accumulate = plugs, d_steps, accumulate
        self.ema_halflife_kimg, self.ema_rampup = ema_halflife_kimg, ema_rampup
        self.lr_factor, self.total_img = lr_factor, total_img
        self.loss_scaled = isinstance(d_optimizer, keras.optimizers.LossScaleOptimizer)
        names = ["d_loss", "g_loss", "d_real", "d_fake", "d_accuracy", "d_grad_norm", "g_grad_norm", "lr_factor"]
        names += [*(term.name for term in (*plugs.d_terms, *plugs.g_terms)), *plugs.records()]
        names += ["d_loss_scale", "g_loss_scale"] * self.loss_scaled
        self._means = {name: Mean(name=name) for name in names}
        self._means["d_loss_deviation"] = Deviation("d_loss_deviation")
        # Each kind of turn is compiled by itself, and chosen outside: XLA's convolutions are many times slower inside
        # a condition on the CPU. Under a strategy optimizers update through it, which XLA cannot hold.
        in_parts = accumulate > 1 or tf.distribute.has_strategy()
        alone = replicas.count() == 1 or not self.batchwise()
        turns = plugs.plan.turns
        self._turns = {turn: _jitted(partial(self.take_turn, turn), jit and not in_parts) for turn in turns}
        self._find_d = {turn: _jitted(partial(d_part, self, turn), jit and in_parts and alone) for turn in turns}
        self._find_g = {turn: _jitted(partial(g_part, self, turn), jit and in_parts and alone) for turn in turns}

    def call(self, inputs: Any, training: bool = False) -> tf.Tensor:
        """Images (N, H, W, C) float32 in [-1, 1] of G_ema, from what `inputs_of(z, c, noise)` gives."""
        return self.G_ema(inputs, training=training)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means that `train_step` returns."""
        return list(self._means.values())

    def train_step(self, data: Any) -> Stats:
        """One turn, as the plan has it; see the class for `data` and `WATCHED` for failures."""
        plan, images = self.plugs.plan, img_per_step(images_of(data), self.d_steps)
        if not tf.distribute.in_cross_replica_context():
            if replicas.count() > 1 and len(plan.turns) > 1:
                raise RecipeError(
                    "under this strategy, steps of several kinds must be called outside of `strategy.run`, so not by "
                    "`fit`: train with tfgan_kit.training.loop.train"
                )
            choose(plan, self.step, self.nimg(images * replicas.count()), lambda turn: self._turns[turn](data))
        else:
            # Replicas may not speak with one another inside of a condition, so the turn is chosen outside of them.
            nimg = self.nimg(images * replicas.count() // replicas.local_count())
            choose(plan, self.step, nimg, partial(self._on_replicas, data))
        return {name: mean.result() for name, mean in self._means.items()}

    def take_turn(self, turn: Turn, data: Any) -> None:
        """`d_steps` steps of D, one of G, one of the average."""
        real, c = real_and_classes(data, conditional=self.conditional)
        batch_size, images = real.shape[0] // self.d_steps, real.shape[0] * replicas.count()
        if batch_size % self.accumulate:
            raise DataError(
                f"a replica's {batch_size} pictures cannot be cut into accumulate={self.accumulate} equal parts"
            )
        nimg = self.nimg(images)
        stats = {"lr_factor": self._set_learning_rates(nimg)}
        for before in self.plugs.before_step:
            before(nimg)

        for substep in range(self.d_steps if turn.d else 0):
            part = slice(substep * batch_size, (substep + 1) * batch_size)
            stats |= self.d_step(real[part], None if c is None else c[part], substep, turn)
        if turn.g:
            last = slice(-batch_size, None)
            stats |= self.g_step(real[last], None if c is None else c[last], turn)

        decay = ema.decay_for(nimg, images, self.ema_halflife_kimg, self.ema_rampup)
        ema.update(self.G_ema, self.G, decay)
        self._watch(stats)
        stats |= self.plugs.records()
        self.step.assign_add(1)
        for name, value in stats.items():
            if name in self._means:
                self._means[name].update_state(value)

    def d_step(self, real: tf.Tensor, c: tf.Tensor | None, substep: int = 0, turn: Turn = BOTH) -> Stats:
        """One step of D on this replica's share of a batch and all others'; G stays as it is, to the bit.

        A term that asks D about mixes of real and fake, as the gradient penalty, asks it with the classes of the real
        ones; those of past fakes, which `plugs.replay` brings, may differ.
        """
        plugs = self.plugs
        updates = [term.update for term in plugs.d_terms if term.update]
        updates += [transform.update for transform in plugs.shown if transform.update]
        found = of_batch(
            partial(self._find_d[turn], tf.constant(substep)), (real, c),
            accumulate=self.accumulate, gather=bool(updates or plugs.replay),
        )  # fmt: skip
        grad_norm, loss_scale = descend(self.d_optimizer, found.gradients, self.D.trainable_variables)

        for update in updates:
            update(found.rows)
        if plugs.replay:
            key = rng.key(self.seed, Stream.REPLAY, self.step, substep)
            plugs.replay.keep(found.rows["new_fakes"], found.rows.get("new_classes"), key)
        for after in plugs.after_d_step:
            after(self.D)
        if plugs.past_d:
            plugs.past_d.update(self.step)
        return {"d_grad_norm": grad_norm, "d_loss_scale": loss_scale, **found.stats}

    def g_step(self, real: tf.Tensor, c: tf.Tensor | None, turn: Turn = BOTH) -> Stats:
        """One step of G, likewise, under the present D, which stays as it is, to the bit."""
        updates = [term.update for term in self.plugs.g_terms if term.update]
        found = of_batch(self._find_g[turn], (real, c), accumulate=self.accumulate, gather=bool(updates))
        grad_norm, loss_scale = descend(self.g_optimizer, found.gradients, self.G.trainable_variables)

        for update in updates:
            update(found.rows)
        for after in self.plugs.after_g_step:
            after(self.G)
        if self.plugs.past_g:
            self.plugs.past_g.update(self.step)
        return {"g_grad_norm": grad_norm, "g_loss_scale": loss_scale, **found.stats}

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
        return named | self.plugs.state() | {"step": self.step, "time_progress": self.time_progress}

    def first_failure(self) -> tuple[str, int] | None:
        """What of WATCHED was bad first, which is the cause of what followed, and its step; None: all is well."""
        steps = dict(zip(self.WATCHED, self.first_nonfinite.numpy().tolist(), strict=True))
        bad = [name for name, step in steps.items() if step >= 0]
        name = min(bad, key=lambda each: steps[each], default=None)
        return None if name is None else (name, steps[name])

    def batchwise(self) -> list[str]:
        """What makes one picture's loss depend on the other pictures of its batch, in words; [] if nothing does."""
        layers = [layer for network in (self.G, self.D) for layer in network._flatten_layers()]
        names = [
            "batch norm" if isinstance(layer, keras.layers.BatchNormalization) else getattr(layer, "batchwise", "")
            for layer in layers
        ]
        names += [term.name for term in (*self.plugs.d_terms, *self.plugs.g_terms) if term.batchwise]
        names += ["the mean logits of the loss"] * self.adversarial.batchwise
        return list(dict.fromkeys(filter(None, names)))

    def _on_replicas(self, data: Any, turn: Turn) -> None:
        """One turn, on all replicas of this process, which share `data`."""

        def own(rows: tf.Tensor | None) -> tf.Tensor | None:
            return None if rows is None else replicas.local_rows(rows, self.d_steps)

        def take(data: Any) -> None:
            self._turns[turn](tf.nest.map_structure(own, data))

        tf.distribute.get_strategy().run(take, args=(data,))

    def nimg(self, img_per_step: int) -> tf.Tensor:
        """Images seen before this step, float32 scalar."""
        return tf.cast(self.step * img_per_step, tf.float32)

    def _set_learning_rates(self, nimg: tf.Tensor) -> tf.Tensor:
        factor = self.lr_scale * 1.0
        if self.lr_factor is not None:
            factor *= self.lr_factor(progress=self.progress(nimg), nimg=nimg)
        self.g_optimizer.learning_rate.assign(self.g_lr * factor)
        self.d_optimizer.learning_rate.assign(self.d_lr * factor)
        return factor

    def _watch(self, stats: Stats) -> None:
        """Note the step at which a watched value first was bad."""
        values = tf.stack([stats.get(name, tf.ones(())) for name in self.WATCHED])
        lowest = [1.0 if name.endswith("loss_scale") else values.dtype.min for name in self.WATCHED]
        bad = ~tf.math.is_finite(values) | (values < lowest)
        first = bad & (self.first_nonfinite < 0)
        self.first_nonfinite.assign(tf.where(first, self.step, self.first_nonfinite))


def _jitted(function: Callable[..., Any], jit: bool) -> Callable[..., Any]:
    compiled: Callable[..., Any] = tf.function(function, jit_compile=True) if jit else function
    return compiled
