"""The watch over a run: what it tells, what it remembers, and what stops a run."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.doctor.samples import PROBES
from tfgan_kit.errors import DivergedError, FailedError
from tfgan_kit.gan import GAN
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.length import steps_per_checkpoint
from tfgan_kit.training.rollback import spared
from tfgan_kit.training.watch import Watch

RECIPE = Recipe(kimg=100, watch_from_kimg=0.0)


class Noise:
    """A source of noise, and a generator of other noise at each call."""

    def __init__(self, labels=None):
        self.labels, self.attributes, self.calls = labels, {"class": ("a", "b")} if labels is not None else {}, 0

    def __len__(self):
        return 200

    def read(self, indices):
        return np.random.default_rng(1).integers(0, 256, (200, 8, 8, 1)).astype(np.uint8)[indices]

    def draw(self, seeds):
        self.calls += 1
        return np.random.default_rng(self.calls + 1).integers(0, 256, (len(seeds), 8, 8, 1)).astype(np.uint8)


def watch(recipe=RECIPE, noise=None, *, lines=(), remembered=None, said=None, rollbacks=0) -> Watch:
    noise = noise or Noise()
    noise_labels = SimpleNamespace(draw=noise.draw, labels=lambda seeds: np.zeros((len(seeds), 1), np.int32))
    return Watch(
        recipe, noise, noise_labels, lines=lines, remembered=remembered or {}, rollbacks=rollbacks,
        notify=[].append if said is None else said.append,
    )  # fmt: skip


def line(tick, **figures):
    return {"step": tick, "nimg": 1000 * tick, **figures}


def test_what_it_remembers_is_all_that_a_resumed_run_needs():
    whole, noise = watch(noise=Noise()), Noise()
    first = whole.figures()
    assert "fake_change" not in first
    part = watch(noise=noise)
    assert part.figures() == first
    state = part.state()
    assert all(name.startswith("watch/") for name in state)
    resumed = watch(noise=noise, remembered=state)
    second = whole.figures()
    assert second == resumed.figures()
    assert second["fake_change"] == pytest.approx(1.0, abs=0.1)
    # A checkpoint of before there was a watch has none of it.
    noise.calls = 1
    assert watch(noise=noise).figures() == {key: second[key] for key in first}


def test_the_samples_of_a_class_are_watched_where_there_are_classes():
    labels = (np.arange(200) % 2).astype(np.int32)[:, None]
    found = watch(noise=Noise(labels)).figures()
    assert found["fake_class"] == 0.0
    assert found["fake_class_variety"] == pytest.approx(1.0, abs=0.1)


def test_a_finding_is_told_once_when_it_is_sure_and_once_when_it_is_over():
    said = []
    watching = watch(said=said)
    for tick in range(1, 13):
        watching.look(line(tick, fake_contrast=0.0 if tick < 7 else 1.0))
        if tick == 2:
            assert not said
    assert len(said) == 2
    assert said[0].startswith("doctor: failure: samples are dead: each is one shade (since 0 kimg: within a sample")
    assert said[1] == "doctor: over: samples are dead: each is one shade (since 0 until 6 kimg)"


def test_what_was_told_before_a_restart_is_not_told_again():
    said = []
    watching = watch(lines=[line(i, fake_contrast=0.0) for i in range(1, 5)], said=said)
    watching.look(line(5, fake_contrast=0.0))
    assert not said


@pytest.mark.parametrize("on_failure", ["stop", "rollback"])
def test_a_failure_is_raised_with_when_it_began(on_failure):
    watching = watch(RECIPE.replace(on_failure=on_failure), lines=[line(i, fake_contrast=1.0) for i in (1, 2)])
    watching.look(line(3, fake_contrast=0.0, d_grad_norm=200.0))
    watching.look(line(4, fake_contrast=0.0, d_grad_norm=200.0))
    with pytest.raises(FailedError, match=r"failed at 5 kimg: samples are dead.*checkpoints are kept") as caught:
        watching.look(line(5, fake_contrast=0.0, d_grad_norm=200.0))
    assert caught.value.since_nimg == 2000
    assert "\n" not in str(caught.value)


def test_a_failure_that_began_when_the_run_was_to_go_on_stops_it_once_it_is_not():
    lines = [line(i, fake_contrast=0.0) for i in range(1, 6)]
    for on_failure in ("stop", "rollback"):
        with pytest.raises(FailedError, match="samples are dead") as caught:
            watch(RECIPE.replace(on_failure=on_failure), lines=lines).look(line(6, fake_contrast=0.0))
        assert caught.value.since_nimg == 0
    # One that is over does not.
    over = [*lines, *(line(i, fake_contrast=1.0) for i in range(6, 10))]
    watch(RECIPE.replace(on_failure="stop"), lines=over).look(line(10, fake_contrast=1.0))


def gan(**first):
    found = SimpleNamespace(
        WATCHED=GAN.WATCHED, first_nonfinite=tf.constant([first.get(name, -1) for name in GAN.WATCHED])
    )
    found.first_failure = lambda: GAN.first_failure(found)
    return found


def test_what_is_not_finite_is_named_with_its_step():
    watch().check_finite(gan(), 64)
    with pytest.raises(DivergedError, match=r"g_loss was not finite at step 20 \(1\.3 kimg\)") as caught:
        watch().check_finite(gan(d_loss=25, g_loss=20, g_grad_norm=20), 64)
    assert caught.value.since_nimg == 1280


def test_what_is_not_finite_began_with_the_failure_before_it():
    lines = [line(1, fake_contrast=1.0), *(line(i, fake_contrast=0.0) for i in (2, 3, 4))]
    with pytest.raises(DivergedError) as caught:
        watch(lines=lines).check_finite(gan(d_loss=100), 64)
    assert caught.value.since_nimg == 1000


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ({"images": 7, "d_loss": 7}, r"pictures of the data were not finite at step 7 \(0\.4 kimg\).*look at what"),
        ({"d_loss": 7, "d_grad_norm": 7, "g_loss": 7}, "d_loss was not finite at step 7"),
        ({"d_grad_norm": 7, "g_loss": 8}, "d_grad_norm was not finite at step 7"),
        ({"g_loss_scale": 7}, "loss scale of G was below 1, or not finite, at step 7.*mixed_bfloat16"),
    ],
)
def test_the_cause_is_named_and_not_what_followed_from_it(first, said):
    with pytest.raises(DivergedError, match=said):
        watch().check_finite(gan(**first), 64)


def test_the_checkpoints_that_a_rollback_may_need_are_spared():
    # A tick is 4 kimg, so 62 steps of 64; a checkpoint each 2 of them.
    recipe = Recipe(kimg=100, on_failure="rollback", watch_ticks=3)
    assert steps_per_checkpoint(recipe) == 124
    assert spared(recipe, 500) >= {496, 372, 248}
    # A failure that is sure at a tick began at most watch_ticks ticks before.
    for ticks in range(3, 40):
        begun = (ticks - recipe.watch_ticks) * 62
        kept = spared(recipe, (ticks - 1) // 2 * 124)
        assert any(begun - 124 < step <= begun for step in kept), ticks
    assert spared(Recipe(kimg=100), 500) == set()


def test_as_many_samples_as_a_preview_has_are_drawn():
    noise = Noise()
    seen = []
    draw = noise.draw
    noise.draw = lambda seeds: seen.append(seeds) or draw(seeds)
    watch(noise=noise).figures()
    np.testing.assert_array_equal(seen[0], np.arange(PROBES))
