import math
from dataclasses import replace
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import rng
from tfgan_kit.build import build_gan
from tfgan_kit.errors import DataError
from tfgan_kit.losses import LOSSES
from tfgan_kit.terms import Term
from tfgan_kit.training.state import numpy_state, restore
from tfgan_kit.training.steps import compile_steps

SHAPE = (8, 8, 1)
POOL = np.random.default_rng(0).integers(0, 256, (64, *SHAPE), np.uint8)
LABELS = (np.arange(64) % 3)[:, None]
ATTRIBUTES = np.stack([np.arange(64) % 3, np.arange(64) // 3 % 2], axis=1)


def images(step, n=4):
    """The batch of a step, uint8."""
    return tf.constant(POOL[step * n % 64 :][:n])


def shown(step, n=4):
    """The same as D takes them."""
    return tf.cast(images(step, n), tf.float32) / 127.5 - 1.0


def feed_of(n=4):
    """The same batches, from inside a graph."""
    pool = tf.constant(POOL)
    return lambda step: tf.gather(pool, (tf.range(n) + tf.cast(step, tf.int32) * n) % 64)


def values(model_or_gan):
    state = model_or_gan.state() if hasattr(model_or_gan, "state") else {v.path: v for v in model_or_gan.variables}
    return {name: np.asarray(variable).copy() for name, variable in state.items() if not name.startswith("means/")}


def assert_bit_equal(found, expected):
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def assert_close(found, expected, **tolerances):
    assert found.keys() == expected.keys()
    for name in found:
        np.testing.assert_allclose(found[name], expected[name], err_msg=name, **tolerances)


def moved(found, before):
    return {name for name in found if (found[name] != before[name]).any()}


def numbers(stats):
    return {name: float(value) for name, value in stats.items()}


@pytest.fixture(scope="module")
def make(tiny_recipe):
    def make(*classes, **changes):
        return build_gan(tiny_recipe.replace(**changes), SHAPE, classes)

    return make


@pytest.fixture(scope="module")
def normed(make):
    """A GAN with batch norm on both sides."""
    return make(d_norm="batch", d_end_px=2, r1_gamma=1.0)


@pytest.fixture(scope="module")
def perceptrons(make):
    return make(family="mlp")


@pytest.fixture
def fresh(perceptrons):
    """The perceptrons as they were built, and again afterwards: a GAN is slower to build than to step."""
    start = {name: np.asarray(variable).copy() for name, variable in perceptrons.state().items()}
    yield perceptrons
    for name, variable in perceptrons.state().items():
        variable.assign(start[name])
    perceptrons.first_nonfinite.assign([-1] * len(perceptrons.WATCHED))


# The phases


def test_a_d_phase_leaves_g_bit_equal_and_moves_all_of_d(normed):
    G, D, G_ema = values(normed.G), values(normed.D), values(normed.G_ema)
    normed.d_step(shown(0), None)
    assert_bit_equal(values(normed.G), G)
    assert_bit_equal(values(normed.G_ema), G_ema)
    assert {"norm1/moving_mean", "norm1/moving_variance", "down0/kernel", "logit/kernel"} <= moved(values(normed.D), D)


def test_a_g_phase_leaves_d_bit_equal_and_moves_all_of_g(normed):
    G, D, G_ema = values(normed.G), values(normed.D), values(normed.G_ema)
    normed.g_step(shown(0), None)
    assert_bit_equal(values(normed.D), D)
    assert_bit_equal(values(normed.G_ema), G_ema)
    assert moved(values(normed.G), G) >= {"norm0/moving_mean", "norm0/moving_variance", "start/kernel", "image/kernel"}


def test_a_train_step_is_d_steps_of_d_on_the_parts_of_the_batch_and_one_of_g(make):
    gan, by_hand = (make(family="mlp", d_steps=2) for _ in range(2))
    real = shown(0, 8)
    gan.train_step(real)
    by_hand.d_step(real[:4], None, 0)
    by_hand.d_step(real[4:], None, 1)
    by_hand.g_step(real[4:], None)
    for one, other in ((gan.G, by_hand.G), (gan.D, by_hand.D)):
        assert_bit_equal(values(one), values(other))
    assert int(gan.step) == 1
    assert int(gan.d_optimizer.iterations) == 2
    assert int(gan.g_optimizer.iterations) == 1


def test_d_steps_draw_latents_of_their_own(make):
    # With nothing learned, only z and the substep tell two D steps on the same pictures apart.
    gan = make(family="mlp", d_steps=2, d_optimizer="sgd", d_lr=1e-12)
    real = shown(0)
    assert float(gan.d_step(real, None, 0)["d_fake"]) != float(gan.d_step(real, None, 1)["d_fake"])


def test_uint8_images_are_the_float_ones_in_minus_1_to_1(make):
    gans = [make(family="mlp") for _ in range(2)]
    for gan, real in zip(gans, (POOL[:4], POOL[:4].astype(np.float32) / 127.5 - 1.0), strict=True):
        gan.train_step(real)
    assert_close(values(gans[0]), values(gans[1]), rtol=1e-6, atol=1e-7)


def test_the_first_average_is_g_and_later_ones_are_not(make):
    gan = make(family="mlp")
    gan.train_step(images(0))
    assert_bit_equal(values(gan.G_ema), values(gan.G))
    # 4 images seen, of which the half-life is 5 %: hardly anything is kept; without a ramp nearly everything is.
    gan.ema_rampup = 0.0
    before = values(gan.G_ema)
    gan.train_step(images(1))
    kept = 0.5 ** (4 / 10_000)
    for weight, average in zip(gan.G.trainable_variables, gan.G_ema.trainable_variables, strict=True):
        np.testing.assert_allclose(
            average, before[average.path] * kept + weight.numpy() * (1 - kept), rtol=1e-5, atol=1e-7
        )


# Exactness, and the three ways of use


@pytest.fixture(scope="module")
def looped(make):
    """A GAN's state after two steps of the compiled loop, and its values after four."""
    gan = make(family="mlp", r1_gamma=1.0)
    run = compile_steps(gan, feed_of())
    start = numpy_copy(gan)
    run(tf.constant(2))
    halfway = numpy_copy(gan)
    restore(gan, start)
    run(tf.constant(4))
    return halfway, values(gan)


@pytest.fixture(scope="module")
def four_steps(looped):
    return looped[1]


def numpy_copy(gan):
    return {name: array.copy() for name, array in numpy_state(gan).items()}


def test_two_and_two_steps_with_a_restart_between_are_four(make, looped):
    second = make(family="mlp", r1_gamma=1.0)
    halfway, four_steps = looped
    restore(second, halfway)
    compile_steps(second, feed_of())(tf.constant(2))
    assert_bit_equal(values(second), four_steps)


def test_a_plain_call_does_what_the_compiled_loop_does(make, four_steps):
    gan = make(family="mlp", r1_gamma=1.0)
    for step in range(4):
        gan.train_step(images(step))
    assert_close(values(gan), four_steps, rtol=1e-3, atol=1e-4)


def test_a_jitted_step_does_what_the_plain_one_does(make, four_steps):
    gan = make(family="mlp", r1_gamma=1.0, jit=True)
    for i in range(4):
        gan.train_step(images(i))
    assert_close(values(gan), four_steps, rtol=1e-3, atol=1e-4)


def test_a_loop_around_jitted_steps_does_what_the_plain_one_does(make, four_steps):
    gan = make(family="mlp", r1_gamma=1.0, jit=True)
    compile_steps(gan, feed_of())(tf.constant(4))
    assert_close(values(gan), four_steps, rtol=1e-3, atol=1e-4)


def test_model_fit_does_what_the_compiled_loop_does(make, four_steps):
    gan = make(family="mlp", r1_gamma=1.0)
    ends = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append((epoch, logs)))
    data = tf.data.Dataset.from_tensor_slices(POOL[:16]).batch(4, drop_remainder=True)
    history = gan.fit(data, epochs=1, verbose=0, shuffle=False, callbacks=[callback])
    assert_close(values(gan), four_steps, rtol=1e-3, atol=1e-4)
    assert [epoch for epoch, _ in ends] == [0]
    assert set(ends[0][1]) == {mean.name for mean in gan.metrics}
    assert "loss" not in history.history
    assert np.isfinite(list(history.history.values())).all()


def test_the_seed_decides_the_weights_and_every_draw(make):
    one, same, other = make(family="mlp", seed=1), make(family="mlp", seed=1), make(family="mlp", seed=2)
    assert_bit_equal(values(one), values(same))
    assert "G/hidden0/kernel" in moved(values(one), values(other))
    restore(other, numpy_state(one))
    for gan in (one, same, other):
        gan.train_step(images(0))
    assert_bit_equal(values(one), values(same))
    assert "D/hidden0/kernel" in moved(values(one), values(other))


def test_g_and_d_begin_with_weights_of_their_own_and_g_ema_with_g_s(fresh):
    assert_bit_equal(values(fresh.G_ema), values(fresh.G))
    G, D = fresh.G.get_layer("hidden0").kernel.numpy(), fresh.D.get_layer("hidden0").kernel.numpy()
    assert G.ravel()[0] / np.abs(G).max() != pytest.approx(D.ravel()[0] / np.abs(D).max(), abs=1e-3)


def test_the_state_names_every_variable_once_and_alike_in_every_gan(make, fresh):
    state = fresh.state()
    owners = [fresh.G, fresh.D, fresh.G_ema, fresh.g_optimizer, fresh.d_optimizer, *fresh.metrics]
    assert len(state) == sum(len(owner.variables) for owner in owners) + 2
    assert len({id(variable) for variable in state.values()}) == len(state)
    assert list(make(family="mlp").state()) == list(state)


@pytest.mark.parametrize("changes", [{"g_optimizer": "rmsprop", "d_optimizer": "sgd"}, {"precision": "mixed_float16"}])
def test_the_state_of_other_optimizers_is_complete_too(make, changes):
    gan = make(family="mlp", **changes)
    state = gan.state()
    for optimizer in (gan.g_optimizer, gan.d_optimizer):
        held = {id(variable) for variable in state.values()}
        assert all(id(variable) in held for variable in optimizer.variables)


# An independent implementation


class NumpyGAN:
    """The same algorithm on perceptrons of one hidden layer, with the gradients worked out by hand."""

    def __init__(self, G, D, *, lr, momentum, leak, gamma, half_life, ramp):
        self.G, self.D = [w.astype(np.float64) for w in G], [w.astype(np.float64) for w in D]
        self.G_ema = [w.copy() for w in self.G]
        self.G_velocity, self.D_velocity = ([np.zeros_like(w) for w in net] for net in (self.G, self.D))
        self.lr, self.momentum, self.leak, self.gamma = lr, momentum, leak, gamma
        self.half_life, self.ramp = half_life, ramp

    def hidden(self, x, weights, bias):
        before = x @ weights + bias
        slope = np.where(before > 0, 1.0, self.leak)
        return before * slope, slope

    def generate(self, z):
        h, slope = self.hidden(z, self.G[0], self.G[1])
        return np.tanh(h @ self.G[2] + self.G[3]), h, slope

    def score(self, x):
        h, slope = self.hidden(x, self.D[0], self.D[1])
        return (h @ self.D[2] + self.D[3])[:, 0], h, slope

    def d_gradients(self, x, of_logits):
        """By D's weights, and by x, for a loss whose derivative by the logits is given."""
        _, h, slope = self.score(x)
        back = of_logits[:, None] * self.D[2].T * slope
        return [x.T @ back, back.sum(0), h.T @ of_logits[:, None], of_logits.sum(keepdims=True)], back @ self.D[0].T

    def r1_gradients(self, x):
        """Of gamma / 2 mean |W1 (slope * w2)|^2; the slopes are constant almost everywhere."""
        n, slope = len(x), self.score(x)[2]
        masked = slope * self.D[2].T
        gradient = masked @ self.D[0].T
        by_w1 = self.gamma / n * gradient.T @ masked
        by_w2 = self.gamma / n * (slope * (gradient @ self.D[0])).sum(0)[:, None]
        return [by_w1, np.zeros_like(self.D[1]), by_w2, np.zeros_like(self.D[3])]

    def descend(self, weights, velocity, gradients, rate):
        for weight, v, gradient in zip(weights, velocity, gradients, strict=True):
            v[...] = self.momentum * v - rate * gradient
            weight[...] += v

    def step(self, real, z_d, z_g, *, nimg, total_img):
        n, rate = len(real), self.lr * (1.0 - nimg / total_img)
        sigmoid = lambda t: 1.0 / (1.0 + np.exp(-t))  # noqa: E731
        fake, _, _ = self.generate(z_d)
        of_real, _ = self.d_gradients(real, (sigmoid(self.score(real)[0]) - 1.0) / n)
        of_fake, _ = self.d_gradients(fake, sigmoid(self.score(fake)[0]) / n)
        parts = zip(of_real, of_fake, self.r1_gradients(real), strict=True)
        self.descend(self.D, self.D_velocity, [sum(part) for part in parts], rate)

        fake, h, slope = self.generate(z_g)
        _, of_pictures = self.d_gradients(fake, (sigmoid(self.score(fake)[0]) - 1.0) / n)
        before_tanh = of_pictures * (1.0 - fake**2)
        back = before_tanh @ self.G[2].T * slope
        self.descend(self.G, self.G_velocity, [z_g.T @ back, back.sum(0), h.T @ before_tanh, before_tanh.sum(0)], rate)

        half_life = min(self.half_life, nimg * self.ramp)
        kept = 0.5 ** (n / half_life) if half_life else 0.0
        for average, weight in zip(self.G_ema, self.G, strict=True):
            average[...] = kept * average + (1.0 - kept) * weight


def test_three_steps_are_those_of_an_independent_implementation(tiny_recipe):
    n, shape, z_dim = 8, (3, 2, 1), 5
    recipe = tiny_recipe.replace(
        family="mlp", g_hidden=(6,), d_hidden=(7,), g_norm="none", g_leak=0.1, d_leak=0.1, z_dim=z_dim, batch_size=n,
        g_optimizer="sgd", d_optimizer="sgd", g_lr=0.2, d_lr=0.2, beta1=0.5, r1_gamma=0.7, kimg=0.1,
        lr_schedule="linear", lr_hold=0.0, ema_halflife_kimg=0.05, ema_rampup=1.0, seed=4,
    )  # fmt: skip
    gan = build_gan(recipe, shape)
    twin = NumpyGAN(
        gan.G.get_weights(), gan.D.get_weights(), lr=0.2, momentum=0.5, leak=0.1, gamma=0.7, half_life=50.0, ramp=1.0
    )
    real = np.random.default_rng(0).uniform(-1, 1, (3, n, *shape)).astype(np.float32)
    for step in range(3):
        gan.train_step(real[step])
        z_d, z_g = (
            rng.latents(rng.key(4, stream, step), n, z_dim, "normal").numpy().astype(np.float64)
            for stream in (rng.Stream.D_LATENTS, rng.Stream.G_LATENTS)
        )
        twin.step(real[step].reshape(n, -1).astype(np.float64), z_d, z_g, nimg=step * n, total_img=100)
    for model, expected in ((gan.D, twin.D), (gan.G, twin.G), (gan.G_ema, twin.G_ema)):
        for found, weight in zip(model.get_weights(), expected, strict=True):
            np.testing.assert_allclose(found, weight, rtol=1e-5, atol=1e-5)


# Classes


def test_classes_reach_both_networks_and_only_those_in_the_batch_learn(make):
    gan = make(3, g_optimizer="sgd", d_optimizer="sgd", beta1=0.0)
    assert gan.conditional
    row, embedding = (
        model.get_layer(name).embeddings for model, name in ((gan.D, "class_projection"), (gan.G, "class_embedding"))
    )
    rows, embeddings = row.numpy(), embedding.numpy()
    gan.train_step((images(0), tf.constant([[0], [2], [2], [0]], tf.int64)))
    for after, before in ((row.numpy(), rows), (embedding.numpy(), embeddings)):
        np.testing.assert_array_equal(after[1], before[1])
        assert (after[[0, 2]] != before[[0, 2]]).any(axis=1).all()


def test_each_attribute_has_rows_of_its_own_and_only_those_in_the_batch_learn(make):
    # Without batch norm, which takes what all pictures share away again.
    gan = make(3, 2, family="mlp", g_norm="none", g_optimizer="sgd", d_optimizer="sgd", beta1=0.0)
    tables = [
        model.get_layer(f"{name}{which}").embeddings
        for model, name in ((gan.D, "class_projection"), (gan.G, "class_embedding"))
        for which in ("", "1")
    ]
    before = [table.numpy() for table in tables]
    gan.train_step((images(0), tf.constant([[0, 1], [2, 1], [2, 1], [0, 1]])))
    for table, start, seen in zip(tables, before, [{0, 2}, {1}] * 2, strict=True):
        learned = (table.numpy() != start).any(axis=1)
        assert set(np.flatnonzero(learned)) == seen


def test_pictures_of_a_conditional_gan_depend_on_every_attribute(make):
    gan = make(3, 2, family="mlp")
    z = tf.ones((3, 4))
    pictures = gan([z, tf.constant([[0, 0], [1, 0], [0, 1]])]).numpy()
    assert pictures.shape == (3, *SHAPE)
    assert (pictures[0] != pictures[1]).any()
    assert (pictures[0] != pictures[2]).any()


def test_one_attribute_may_come_as_a_vector(make):
    gans = [make(3, family="mlp") for _ in range(2)]
    gans[0].train_step((images(0), LABELS[:4]))
    gans[1].train_step((images(0), LABELS[:4, 0]))
    assert_bit_equal(values(gans[0]), values(gans[1]))


def test_a_classifier_s_d_takes_no_classes_but_learns_them(make):
    gan = make(3, 2, family="mlp", condition="auxiliary")
    before = values(gan.D)
    stats = numbers(gan.train_step((images(0), ATTRIBUTES[:4])))
    assert {"classes/kernel", "logit/kernel"} <= moved(values(gan.D), before)
    # Of untrained guesses: about the entropy of a fair guess for each attribute, real and fake.
    fair = math.log(3) + math.log(2)
    assert 0.5 * fair < stats["d_classes"] / 2 < 2 * fair
    assert 0.5 * fair < stats["g_classes"] < 2 * fair


def test_a_conditional_gan_refuses_images_without_classes(make):
    with pytest.raises(DataError, match="class indices"):
        make(3, family="mlp").train_step(images(0))


def test_an_unconditional_gan_leaves_the_classes_aside(make):
    gans = [make(family="mlp") for _ in range(3)]
    for gan, data in zip(gans, (images(0), (images(0), LABELS[:4]), (images(0),)), strict=True):
        gan.train_step(data)
    for gan in gans[1:]:
        assert_bit_equal(values(gan), values(gans[0]))


# Randomness of the networks


def test_a_network_s_own_randomness_is_drawn_anew_and_left_out_of_the_average(make):
    gan = make(family="mlp", g_noise=0.5, g_dropout=0.3, d_dropout=0.3, d_optimizer="sgd", d_lr=1e-12)
    assert [x.name for x in gan.G.inputs] == ["z", "noise"]
    assert [x.name for x in gan.G_ema.inputs] == ["z"]
    assert len(gan.G.weights) == len(gan.G_ema.weights)
    first, second = (float(gan.d_step(shown(0), None, substep)["d_real"]) for substep in (0, 1))
    # The same pictures under the same weights: only D's dropout tells them apart.
    assert first != second
    kept = make(family="mlp", g_noise=0.5, g_random_in_use=True)
    assert [x.name for x in kept.G_ema.inputs] == ["z", "noise"]


# Turns


def after_steps(gan, count, data=None):
    """The values of G, D and the average after each of some steps, the start first."""
    found = [[values(network) for network in (gan.G, gan.D, gan.G_ema)]]
    for step in range(count):
        gan.train_step(images(step) if data is None else data(step))
        found.append([values(network) for network in (gan.G, gan.D, gan.G_ema)])
    return found


def test_pretraining_leaves_g_untouched_for_its_span(make):
    # Three steps of 4 images.
    gan = make(family="mlp", pretrain_d_kimg=0.012)
    found = after_steps(gan, 5)
    for (G, D, _), (next_G, next_D, next_average) in pairwise(found[:4]):
        assert_bit_equal(next_G, G)
        assert_bit_equal(next_average, G)
        assert "hidden0/kernel" in moved(next_D, D)
    assert int(gan.g_optimizer.iterations) == 2
    assert int(gan.d_optimizer.iterations) == 5
    for (G, D, _), (next_G, next_D, _) in pairwise(found[3:]):
        assert "hidden0/kernel" in moved(next_G, G)
        assert "hidden0/kernel" in moved(next_D, D)


def test_alternating_touches_one_network_at_a_time(make):
    # Two steps of D, then one of G.
    gan = make(family="mlp", alternate_kimg=(0.008, 0.004))
    found = after_steps(gan, 6)
    trained = []
    for (G, D, _), (next_G, next_D, _) in pairwise(found):
        trained.append((bool(moved(next_D, D)), bool(moved(next_G, G))))
    assert trained == [(True, False), (True, False), (False, True)] * 2
    assert int(gan.step) == 6
    assert (int(gan.d_optimizer.iterations), int(gan.g_optimizer.iterations)) == (4, 2)


def test_lazy_terms_taken_every_k_steps_weigh_k_times(make):
    # Plain descent without momentum, so that a step is the gradient: the lazy GAN at step 0 is one of k times the
    # gamma, and at the others one without R1.
    changes = {"family": "mlp", "d_optimizer": "sgd", "g_optimizer": "sgd", "beta1": 0.0}
    lazy = make(r1_gamma=1.5, lazy_every=3, **changes)
    heavy, without = make(r1_gamma=4.5, **changes), make(**changes)
    for step in range(5):
        twin = heavy if step % 3 == 0 else without
        state = lazy.state()
        for name, variable in twin.state().items():
            if name in state:
                variable.assign(state[name])
        before = values(lazy.D)
        lazy.train_step(images(step))
        twin.train_step(images(step))
        assert_bit_equal(values(lazy.D), values(twin.D))
        assert_bit_equal(values(lazy.G), values(twin.G))
        assert "hidden0/kernel" in moved(values(lazy.D), before)
    # The mean is of the steps that took it.
    assert float(lazy._means["r1"].count) == 2.0


def test_r1_at_the_steps_that_take_it_is_the_slope_by_hand(make):
    gan = make(family="mlp", d_hidden=(), r1_gamma=1.0, lazy_every=2)
    for step in range(4):
        gan._means["r1"].reset_state()
        slope = np.sum(np.square(gan.D.get_layer("logit").kernel.numpy()))
        recorded = float(gan.train_step(images(step))["r1"])
        assert recorded == pytest.approx(slope if step % 2 == 0 else 0.0, rel=1e-5)


def test_a_growing_pair_switches_its_levels_and_trains_on(make):
    # Levels of 4 and 8 px; one step of the first, then the second fades in over a step and holds.
    gan = make(family="progressive", fade_kimg=0.004)
    assert {turn.level for turn in gan.plugs.plan.turns} == {0, 1}
    new = {"G": set(), "D": set()}
    found = after_steps(gan, 4)
    for (G, D, _), (next_G, next_D, _) in pairwise(found):
        new = {"G": moved(next_G, G), "D": moved(next_D, D)}
        assert new["G"]
        assert new["D"]
    first = [moved(found[1][i], found[0][i]) for i in (0, 1)]
    # At the last step, all weights; at the first, those of 4 px alone.
    for name, model, at_first in (("G", gan.G, first[0]), ("D", gan.D, first[1])):
        trained = {weight.path for weight in model.trainable_variables}
        assert new[name] & trained == trained
        assert (at_first & trained) < trained
    assert float(gan.G.get_layer("growth").grown) == float(gan.G_ema.get_layer("growth").grown) > 0.0


def test_a_growing_pair_grows_in_the_compiled_loop_and_goes_on_after_a_restart(make):
    gan = make(family="progressive", fade_kimg=0.004)
    run, start = compile_steps(gan, feed_of()), numpy_copy(gan)
    run(tf.constant(4))
    whole = values(gan)
    restore(gan, start)
    run(tf.constant(2))
    halfway = numpy_copy(gan)
    restore(gan, start)
    restore(gan, halfway)
    run(tf.constant(2))
    assert_bit_equal(values(gan), whole)
    assert whole["G/growth/grown"] == 1.0


# Objectives and their numbers


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_a_step_of_every_loss_moves_both_networks_and_is_finite(fresh, loss):
    G, D = values(fresh.G), values(fresh.D)
    default, fresh.adversarial = fresh.adversarial, LOSSES[loss]
    stats = numbers(fresh.train_step(images(0)))
    fresh.adversarial = default
    assert np.isfinite(list(stats.values())).all()
    assert "hidden0/kernel" in moved(values(fresh.G), G)
    assert "hidden0/kernel" in moved(values(fresh.D), D)
    np.testing.assert_array_equal(fresh.first_nonfinite, -1)


def test_the_records_at_known_logits(fresh):
    # D is the constant 0.5 here: sigmoid, losses and accuracy by hand.
    fresh.D.get_layer("logit").kernel.assign(tf.zeros((8, 1)))
    fresh.D.get_layer("logit").bias.assign([0.5])
    stats = numbers(fresh.d_step(shown(0), None))
    p = 1.0 / (1.0 + math.exp(-0.5))
    assert stats["d_real"] == stats["d_fake"] == pytest.approx(p, rel=1e-6)
    assert stats["d_loss"] == pytest.approx(-math.log(p) - math.log(1.0 - p), rel=1e-6)
    assert stats["d_accuracy"] == 0.5


def test_penalties_are_recorded_and_enter_d_s_gradient_with_their_weight(make):
    plain, penal = make(family="mlp"), make(family="mlp", r1_gamma=3.0, r2_gamma=2.0, gp_lambda=10.0)
    assert [(term.name, term.weight) for term in penal.plugs.d_terms] == [("r1", 1.5), ("r2", 1.0), ("gp", 10.0)]
    before, after = numbers(plain.train_step(images(0))), numbers(penal.train_step(images(0)))
    assert after.keys() - before.keys() == {"r1", "r2", "gp"}
    assert min(after["r1"], after["r2"], after["gp"]) > 0.0
    assert after["d_loss"] == pytest.approx(before["d_loss"], rel=1e-6)
    assert after["d_grad_norm"] != pytest.approx(before["d_grad_norm"], rel=1e-2)


def test_g_s_adversarial_loss_has_a_weight(make):
    # Plain descent: half the weight is half of the way.
    gans = [make(family="mlp", g_optimizer="sgd", beta1=0.0, g_adversarial=weight) for weight in (1.0, 0.5)]
    ways = []
    for gan in gans:
        start = gan.G.get_layer("hidden0").kernel.numpy()
        gan.g_step(shown(0), None)
        ways.append(gan.G.get_layer("hidden0").kernel.numpy() - start)
    np.testing.assert_allclose(ways[1], ways[0] / 2, rtol=1e-3, atol=1e-6)


def test_feature_matching_alone_trains_g(make):
    gan = make(family="mlp", g_adversarial=0.0, feature_matching=1.0)
    before = values(gan.G)
    assert float(gan.train_step(images(0))["feature_matching"]) > 0.0
    assert "hidden0/kernel" in moved(values(gan.G), before)


def test_the_numbers_of_several_steps_are_their_means(fresh):
    for mean in fresh.metrics:
        mean.reset_state()
    means = [mean for mean in fresh.metrics if mean.name != "d_loss_deviation"]
    single = []
    for step in range(2):
        start = [float(mean.total) for mean in means]
        fresh.train_step(images(step))
        single.append([float(mean.total) - begun for mean, begun in zip(means, start, strict=True)])
    np.testing.assert_allclose([float(mean.result()) for mean in means], np.mean(single, axis=0), rtol=1e-5)
    d_losses = [values[[mean.name for mean in means].index("d_loss")] for values in single]
    deviation = next(mean for mean in fresh.metrics if mean.name == "d_loss_deviation")
    assert float(deviation.result()) == pytest.approx(np.std(d_losses), rel=1e-3)


# Learning rates


@pytest.mark.parametrize(("step", "factor"), [(0, 1.0), (16, 1.0), (24, 0.5), (31, 0.0625)])
def test_the_learning_rates_follow_the_images(make, step, factor):
    gan = make(family="mlp", kimg=0.128, lr_schedule="linear", lr_hold=0.5, g_lr=0.1, d_lr=0.2)
    gan.step.assign(step)
    assert float(gan.train_step(images(0))["lr_factor"]) == pytest.approx(factor)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(0.1 * factor)
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(0.2 * factor)


def test_images_of_all_d_steps_count(make):
    gan = make(family="mlp", kimg=0.128, lr_schedule="linear", lr_hold=0.0, d_steps=2)
    gan.step.assign(4)
    assert float(gan.train_step(images(0, 8))["lr_factor"]) == pytest.approx(1.0 - 32 / 128)


def test_time_drives_the_schedule_where_no_length_in_images_is_given(make):
    gan = make(family="mlp", minutes=1, lr_schedule="linear", lr_hold=0.5)
    assert gan.total_img is None
    gan.step.assign(1_000_000)
    assert float(gan.train_step(images(0))["lr_factor"]) == 1.0
    gan.time_progress.assign(0.75)
    for mean in gan.metrics:
        mean.reset_state()
    assert float(gan.train_step(images(0))["lr_factor"]) == pytest.approx(0.5)


# Precision


@pytest.fixture(scope="module", params=["mixed_bfloat16", "mixed_float16"])
def mixed(request, make):
    gan = make(3, precision=request.param, r1_gamma=1.0, r2_gamma=1.0, g_norm="batch", d_norm="batch", d_end_px=2)
    return gan, [numbers(gan.train_step((images(i), LABELS[4 * i : 4 * i + 4]))) for i in range(2)]


def test_mixed_precision_is_finite_and_its_weights_are_float32(mixed):
    gan, stats = mixed
    assert np.isfinite([list(each.values()) for each in stats]).all()
    np.testing.assert_array_equal(gan.first_nonfinite, -1)
    assert {variable.dtype for model in (gan.G, gan.D, gan.G_ema) for variable in model.variables} == {"float32"}


def test_only_float16_is_loss_scaled_on_both_sides(mixed):
    gan, stats = mixed
    scaled = [isinstance(o, keras.optimizers.LossScaleOptimizer) for o in (gan.g_optimizer, gan.d_optimizer)]
    half = gan.G.get_layer("start").compute_dtype == "float16"
    assert scaled == [half, half]
    assert gan.loss_scaled == half
    assert ("d_loss_scale" in stats[0]) == half


def test_the_penalties_of_mixed_precision_are_those_of_float32(mixed, make):
    gan, stats = mixed
    assert {layer.compute_dtype for layer in gan.D_float32.layers if layer.weights} == {"float32"}
    plain = make(3, r1_gamma=1.0, r2_gamma=1.0, g_norm="batch", d_norm="batch", d_end_px=2)
    first = numbers(plain.train_step((images(0), tf.constant(LABELS[:4]))))
    assert stats[0]["r1"] == pytest.approx(first["r1"], rel=1e-4)
    # The fakes themselves are of half precision.
    assert stats[0]["r2"] == pytest.approx(first["r2"], rel=5e-2)
    assert stats[0]["d_loss"] == pytest.approx(first["d_loss"], rel=5e-2)
    assert stats[0]["d_grad_norm"] == pytest.approx(first["d_grad_norm"], rel=0.3)


def test_an_overflow_of_the_loss_scale_leaves_the_step_out_and_is_no_failure(make):
    gan = make(family="mlp", precision="mixed_float16")
    gan.d_optimizer.dynamic_scale.assign(2.0**127)
    D, G = values(gan.D), values(gan.G)
    stats = numbers(tf.function(gan.train_step)(images(0)))
    assert_bit_equal(values(gan.D), D)
    assert "hidden0/kernel" in moved(values(gan.G), G)
    assert float(gan.d_optimizer.dynamic_scale) == 2.0**126
    assert stats["d_grad_norm"] == 0.0
    np.testing.assert_array_equal(gan.first_nonfinite, -1)


# What goes wrong


def first_bad(gan):
    steps = dict(zip(gan.WATCHED, gan.first_nonfinite.numpy().tolist(), strict=True))
    return {name: step for name, step in steps.items() if step >= 0}


def test_the_first_step_that_is_not_finite_is_noted_with_its_values(fresh):
    for step in range(4):
        real = images(step) if step != 2 else tf.fill((4, *SHAPE), np.float32("nan"))
        fresh.train_step(real)
    assert first_bad(fresh) == dict.fromkeys((name for name in fresh.WATCHED if "scale" not in name), 2)


def test_g_s_failure_does_not_count_as_d_s_before_d_sees_it(fresh):
    # An infinite learning rate leaves G broken after its first step, which D meets at the next.
    fresh.g_lr = math.inf
    for step in range(2):
        fresh.train_step(images(step))
    fresh.g_lr = 1e-2
    assert first_bad(fresh) == dict.fromkeys(("d_loss", "d_grad_norm", "g_loss", "g_grad_norm"), 1)


def test_gradients_that_break_are_named_in_their_step(make):
    # 0 * sqrt(0) is 0, and its derivative is not a number.
    def value(view):
        broken = tf.zeros_like(view.real_out["logits"])
        return tf.cond(gan.step == 2, lambda: tf.sqrt(broken * view.real_out["logits"]), lambda: broken)

    gan = make(family="mlp")
    gan.plugs = replace(gan.plugs, d_terms=[Term(name="breaks", weight=1.0, value=value)])
    for step in range(3):
        gan.train_step(images(step))
    assert first_bad(gan) == {"d_grad_norm": 2, "g_loss": 2, "g_grad_norm": 2}


def test_a_loss_scale_that_breaks_is_named_in_its_step(make):
    for scale in (0.5, math.nan):
        gan = make(family="mlp", precision="mixed_float16")
        gan.train_step(images(0))
        gan.g_optimizer.dynamic_scale.assign(scale)
        gan.train_step(images(1))
        assert first_bad(gan) == {"g_loss_scale": 1}


@pytest.mark.parametrize("count", [3, 5])
def test_a_batch_that_does_not_divide_into_d_steps_is_refused(make, count):
    gan = make(family="mlp", d_steps=2)
    with pytest.raises(DataError, match=rf"multiple of d_steps=2; got images of shape \({count}, 8, 8, 1\)"):
        gan.train_step(POOL[:count])


def test_fit_on_batches_of_an_unknown_size_says_what_to_do(fresh):
    data = tf.data.Dataset.from_tensor_slices(POOL[:10]).batch(4)
    with pytest.raises(DataError, match="drop_remainder=True"):
        fresh.fit(data, epochs=1, verbose=0, shuffle=False)
