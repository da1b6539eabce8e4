"""Path length where it has a closed form: linear generators and features, circles and straight lines."""

import itertools

import numpy as np
import pytest

from tfgan_kit.errors import DataError
from tfgan_kit.metrics.path_length import PathLength, lerp, perceptual_path_length, slerp


def pictures(z):
    return z.reshape(len(z), 1, 1, -1)


def flat(images):
    return images.reshape(len(images), -1)


def draw(n, size, seed):
    return np.random.default_rng(seed).standard_normal((n, size)).astype(np.float32)


def trimmed(lengths):
    low, high = np.percentile(lengths, 1, method="lower"), np.percentile(lengths, 99, method="higher")
    return lengths[(lengths >= low) & (lengths <= high)]


def test_linear_in_w():
    a, b = draw(500, 6, 0), draw(500, 6, 1)
    matrix, weights = draw(6, 12, 2), draw(12, 5, 3)
    found = perceptual_path_length(
        lambda w: pictures(w @ matrix), lambda x: flat(x) @ weights, a, b, space="w", seed=0, epsilon=1e-2
    )
    steps = ((b.astype(np.float64) - a) @ matrix.astype(np.float64) @ weights.astype(np.float64)) ** 2
    kept = trimmed(steps.sum(axis=1))
    assert found.value == pytest.approx(kept.mean(), rel=1e-3)
    assert found.deviation == pytest.approx(kept.std(ddof=1) / np.sqrt(len(kept)), rel=1e-3)
    assert found.used == len(kept) == 492  # four lie beyond either bound


@pytest.mark.parametrize("batch", [1, 7, 100])
def test_on_the_sphere_the_length_is_the_angle(batch):
    a, b = draw(60, 8, 4), draw(60, 8, 5)
    a, b = (3.0 * v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    found = perceptual_path_length(pictures, flat, a, b, space="z", seed=1, epsilon=1e-2, batch=batch)
    chord = 2 * 3.0 * np.sin(np.arccos((a * b).sum(axis=1) / 9.0) * 1e-2 / 2) / 1e-2
    assert found.value == pytest.approx(trimmed(chord**2).mean(), rel=1e-3)


def test_the_default_step_agrees_with_a_wide_one():
    a, b = draw(200, 64, 6), draw(200, 64, 7)
    narrow, wide = (
        perceptual_path_length(pictures, flat, a, b, space="z", seed=0, epsilon=e).value for e in (1e-4, 1e-2)
    )
    assert narrow == pytest.approx(wide, rel=1e-3)


def test_a_jump_on_the_way_costs_and_a_constant_generator_does_not():
    a, b = -np.ones((400, 1), np.float32), np.ones((400, 1), np.float32)

    def jump(w):
        return pictures(np.where(w > 0.0, 100.0, 0.0).astype(np.float32))

    jumps = perceptual_path_length(jump, flat, a, b, space="w", seed=0, epsilon=0.05)
    assert jumps.value == pytest.approx(0.05 * (100.0 / 0.05) ** 2, rel=0.5)
    assert perceptual_path_length(lambda w: jump(w) * 0, flat, a, b, space="w", seed=0) == PathLength(0.0, 0.0, 400)


def test_t_is_uniform_and_by_seed():
    seen = []

    def keep(w):
        seen.append(w[:, 0].copy())
        return pictures(w)

    a, b = np.zeros((2000, 1), np.float32), np.ones((2000, 1), np.float32)
    same = [perceptual_path_length(keep, flat, a, b, space="w", seed=s, batch=2000) for s in (5, 5, 6)]
    assert same[0] == same[1]
    np.testing.assert_array_equal(seen[0], seen[2])
    assert (seen[0] != seen[4]).mean() > 0.99
    np.testing.assert_allclose(seen[1] - seen[0], 1e-4, atol=1e-6)
    np.testing.assert_allclose(np.histogram(seen[0], 4, (0, 1))[0], 500, atol=80)


def test_slerp_keeps_length_and_speed():
    a, b = (draw(50, 16, s).astype(np.float64) for s in (8, 9))
    points = [slerp(a, b, np.full((50, 1), t)) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]
    np.testing.assert_allclose(points[0], a, atol=1e-12)
    np.testing.assert_allclose(points[-1], b, atol=1e-12)
    lengths = [np.linalg.norm(p, axis=1) for p in points]
    np.testing.assert_allclose(lengths[2], (lengths[0] + lengths[-1]) / 2, rtol=1e-12)
    units = [p / n[:, None] for p, n in zip(points, lengths, strict=True)]
    steps = [np.arccos((p * q).sum(axis=1)) for p, q in itertools.pairwise(units)]
    np.testing.assert_allclose(steps, np.broadcast_to(steps[0], (4, 50)), rtol=1e-9)


def test_slerp_of_equal_length_is_shoemakes():
    a, b = (draw(50, 16, s).astype(np.float64) for s in (10, 11))
    a, b = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (a, b))
    angle = np.arccos((a * b).sum(axis=1, keepdims=True))
    t = np.random.default_rng(0).uniform(size=(50, 1))
    expected = (a * np.sin((1 - t) * angle) + b * np.sin(t * angle)) / np.sin(angle)
    np.testing.assert_allclose(slerp(a, b, t), expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(slerp(a, a, t), a, rtol=1e-12)
    np.testing.assert_allclose(slerp(a, 3 * a, t), lerp(a, 3 * a, t), rtol=1e-12)


def test_refusals():
    a = draw(4, 3, 12)

    def measure(a, b, space="z", **options):
        return perceptual_path_length(pictures, flat, a, b, space=space, seed=0, **options)

    with pytest.raises(DataError, match=r"both be latents \(N, D\); got \(4, 3\) and \(3, 3\)"):
        measure(a, a[:3])
    with pytest.raises(DataError, match="space 'x' is unknown; legal: z, w"):
        measure(a, a, space="x")
    with pytest.raises(DataError, match=r"epsilon must be above 0 and batch at least 1; got 0\.0 and 100"):
        measure(a, a, epsilon=0.0)
    with pytest.raises(DataError, match="length 0"):
        measure(a, 0.0 * a)
    with pytest.raises(DataError, match="opposite"):
        measure(a, -a)
    with pytest.raises(DataError, match="1 of 4 path lengths are not finite"):
        measure(a, np.where(np.arange(4)[:, None] == 1, np.nan, a), space="w")
