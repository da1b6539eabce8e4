"""A batch in parts, on several devices or one after the other, is the batch, up to the order of floating-point sums."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

# name: (changes of the recipe, values of each label attribute, cuts as (devices, accumulate))
EVERYWHERE = [(1, 1), (2, 1), (4, 1), (1, 2), (2, 2)]
FAST = {
    "plain": ({"g_norm": "none"}, (), EVERYWHERE),
    "batch norm": ({"d_norm": "batch"}, (), [(1, 1), (2, 1)]),
    # 0 devices: one, under a strategy.
    "alone": ({"family": "mlp", "g_norm": "none", "jit": True}, (), [(1, 1), (0, 1)]),
}
SLOW = {
    # In XLA; and what sees the whole batch.
    "jitted": ({"g_norm": "none", "jit": True, "g_optimizer": "adam"}, (), EVERYWHERE),
    "batchwise": (
        {"g_norm": "none", "d_minibatch": "stddev", "loss": "relativistic_average", "feature_matching": 1.0,
         "dragan_lambda": 1.0},
        (), [(1, 1), (2, 1), (4, 1)],
    ),
    # Every stream of draws, every state that moves with the logits, and several steps of D.
    "draws": (
        {"g_norm": "none", "augment": "ada", "ada_target": -0.9, "ada_kimg": 0.05, "label_flips": 0.2,
         "real_labels": (0.7, 1.2), "instance_noise": 0.1, "d_dropout": 0.2, "g_noise": 0.1, "replay_images": 9,
         "bcr_lambda": 1.0, "gp_lambda": 1.0, "lecam_lambda": 0.1, "d_steps": 2, "z_prior": "spherical",
         "historical_averaging": 0.1, "d_spectral_norm": True},
        (3, 2), [(1, 1), (2, 1), (1, 2), (2, 2)],
    ),
    # Not compiled on several devices, though asked for; and steps of several kinds.
    "batchwise jitted": ({"g_norm": "batch", "jit": True, "pretrain_d_kimg": 0.01}, (), [(1, 1), (2, 1)]),
    "swapped": (
        {"g_norm": "none", "swap": "both", "swap_every_kimg": 0.016, "swap_steps": 1}, (), [(1, 1), (2, 1), (1, 2)],
    ),
    "style": (
        {"family": "style", "path_lambda": 1.0, "lazy_every": 2, "r1_gamma": 1.0, "g_noise": 0.1,
         "d_minibatch": "discrimination"},
        (), [(1, 1), (2, 1)],
    ),
    "growing": ({"family": "progressive", "fade_kimg": 0.01, "d_minibatch": "none"}, (), [(1, 1), (2, 1)]),
    "scaled": ({"g_norm": "none", "precision": "mixed_float16"}, (), [(1, 1), (2, 1), (1, 2)]),
}  # fmt: skip
OVERFLOW = {"overflow": ({"g_norm": "none", "precision": "mixed_float16"}, (), [(2, 1)])}
CUTS = [
    pytest.param(case, cut, marks=[pytest.mark.slow] * (cases is SLOW), id=f"{case} {cut[0]}x{cut[1]}")
    for cases in (FAST, SLOW)
    for case, (_, _, cuts) in cases.items()
    for cut in cuts[1:]
]


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    """case -> the states after all steps of all cuts; each set of cases is trained once, when it is asked for."""
    found = {}

    def of(case):
        cases = FAST if case in FAST else OVERFLOW if case in OVERFLOW else {case: SLOW[case]}
        if case not in found:
            out = tmp_path_factory.mktemp("replicas") / "states.npz"
            program = Path(__file__).with_name("replica_run.py")
            subprocess.run([sys.executable, program, out, json.dumps(cases)], check=True, capture_output=True)
            with np.load(out) as arrays:
                found.update(
                    {name: {key: arrays[key] for key in arrays if key.startswith(f"{name}|")} for name in cases}
                )
        return found[case]

    return of


@pytest.mark.parametrize(("case", "cut"), CUTS)
def test_a_batch_in_parts_is_the_batch(states, case, cut):
    state = states(case)
    devices, accumulate = cut
    mine = {key: array for key, array in state.items() if key.startswith(f"{case}|{devices}x{accumulate}|")}
    assert len(mine) > 60
    # Half precision rounds each part's activations; Adam's first steps divide by what is nearly nothing.
    tolerance = {"scaled": 2e-2, "jitted": 1e-3, "batchwise jitted": 1e-3}.get(case, 2e-5)
    for key, array in mine.items():
        _, _, step, name = key.split("|")
        whole = state[f"{case}|1x1|{step}|{name}"]
        largest = np.abs(whole).max(initial=1e-3)
        np.testing.assert_allclose(array, whole, rtol=0, atol=tolerance * largest, err_msg=f"{name} after step {step}")


@pytest.mark.parametrize("case", ["plain", pytest.param("draws", marks=pytest.mark.slow)])
def test_the_steps_are_of_a_gan_that_moves(states, case):
    state = states(case)
    for name in ("G/start/kernel", "D/down0/kernel", "G_ema/start/kernel"):
        steps = [state[f"{case}|1x1|{step}|{name}"] for step in range(3)]
        assert all(np.abs(a - b).max() > 1e-5 for a, b in pairwise(steps)), name


def test_an_overflow_on_one_device_leaves_the_step_out_on_all(states):
    state = states("overflow")

    def after(step):
        prefix = f"overflow|2x1|{step}|"
        return {key.removeprefix(prefix): array for key, array in state.items() if key.startswith(prefix)}

    first, second, third = map(after, range(3))
    for each in (first, second, third):
        np.testing.assert_array_equal(each["device 0/scale"], each["device 1/scale"])
        np.testing.assert_array_equal(each["device 0/kernel"], each["device 1/kernel"])
    assert second["device 0/scale"] == first["device 0/scale"] / 2
    weights = [name for name in first if name.startswith("D/")]
    for name in weights:
        np.testing.assert_array_equal(second[name], first[name], err_msg=name)
    assert (third["D/down0/kernel"] != second["D/down0/kernel"]).any()
    assert all(np.isfinite(array).all() for name, array in third.items() if name.startswith(("G/", "D/", "G_ema/")))
