"""Ways through latents: from picture to picture, and sums of latents. Numpy only.

Sources: Shoemake, "Animating rotation with quaternion curves" (1985); White, "Sampling generative networks" (2016), why
a walk between normal latents keeps their length; Radford et al., "Unsupervised representation learning with deep
convolutional generative adversarial networks" (2015), section 6.3, arithmetic.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tfgan_kit.errors import SampleError

PATHS = ("slerp", "lerp")


def natural_path(prior: str, space: str = "z") -> str:
    """The path whose points are as likely as its ends: straight in w and in the cube of a uniform prior, else a circle.

    Args:
        prior: see `tfgan_kit.latents`.
        space: "z" or "w", of the latents.
    """
    return "lerp" if prior == "uniform" or space == "w" else "slerp"


def slerp(start: np.ndarray, end: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Points on the great circle from one vector to another, their length going evenly from one's to the other's.

    Args:
        start, end: (D,) floats, neither of them 0.
        t: (N,) floats in [0, 1], the share of the angle.

    Returns:
        (N, D) float64.

    Raises:
        SampleError: vectors that are 0 or opposite to each other, between which no circle is the shortest.
    """
    start, end, t = np.asarray(start, np.float64), np.asarray(end, np.float64), np.asarray(t, np.float64)[:, None]
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    if not all(lengths):
        raise SampleError("slerp has no direction to go from a latent of length 0: take the path lerp")
    a, b = start / lengths[0], end / lengths[1]
    across = b - (a @ b) * a
    sine, cosine = np.linalg.norm(across), a @ b
    if sine < 1e-9 and cosine < 0:
        raise SampleError("slerp has no shortest way between opposite latents: take the path lerp")
    # By its sine too: a small angle is not to be had from its cosine.
    angle = np.arctan2(sine, cosine)
    turned = np.cos(t * angle) * a + np.sin(t * angle) * (across / sine if sine else across)
    points: np.ndarray = ((1 - t) * lengths[0] + t * lengths[1]) * turned
    return points


def lerp(start: np.ndarray, end: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Points on the straight line from one vector to another.

    Args:
        start, end: (D,) floats.
        t: (N,) floats in [0, 1], the share of the way.

    Returns:
        (N, D) float64.
    """
    start, end, t = np.asarray(start, np.float64), np.asarray(end, np.float64), np.asarray(t, np.float64)[:, None]
    points: np.ndarray = (1 - t) * start + t * end
    return points


def walk(stops: np.ndarray, steps: int, path: str, *, loop: bool = False, ease: bool = False) -> np.ndarray:
    """A way through latents that touches each of them exactly.

    Args:
        stops: (K, D) floats, K at least 2.
        steps: points of the way, at least one for each stop. The stops are as evenly among them as whole numbers allow,
            and from stop to stop the way has one speed: a constant angle a step for "slerp", a constant length for
            "lerp".
        path: one of `PATHS`.
        loop: go back to the first stop, which is not repeated, so that the end runs on into the beginning.
        ease: slow down at every stop, 3 t**2 - 2 t**3.

    Returns:
        (steps, D) float32.

    Raises:
        SampleError: fewer steps than stops, or see `slerp`.
    """
    stops = np.asarray(stops)
    ends = np.concatenate([stops, stops[:1]]) if loop else stops
    legs = len(ends) - 1
    if steps < len(stops):
        raise SampleError(f"a walk through {len(stops)} pictures takes at least {len(stops)} steps; got {steps}")
    # Where among the points each stop is; the last one of a loop would be behind the end.
    places = np.rint(np.linspace(0, steps if loop else steps - 1, legs + 1)).astype(int)
    between = {"slerp": slerp, "lerp": lerp}[path]
    parts = []
    for start, end, first, last in zip(ends[:-1], ends[1:], places[:-1], places[1:], strict=True):
        t = np.arange(last - first) / (last - first)
        part = between(start, end, t * t * (3 - 2 * t) if ease else t).astype(np.float32)
        part[0] = start
        parts.append(part)
    if not loop:
        parts.append(np.asarray(ends[-1:], np.float32))
    return np.concatenate(parts)


def add_up(plus: Sequence[np.ndarray], minus: Sequence[np.ndarray], prior: str) -> np.ndarray:
    """The sum of the means of groups of latents, less the means of others.

    Of normal latents, the mean of n has 1/n of their variance: with three terms of three each, as in the paper, the
    sum is as likely as any latent.

    Args:
        plus, minus: groups (n, D) of latents, n at least 1 and of any size each; at least one group in `plus`.
        prior: that they are of; the sum is brought back to what it allows, a sphere or a cube.

    Returns:
        (D,) float32.

    Raises:
        SampleError: terms that leave nothing of a spherical prior's direction.
    """
    total = np.zeros(np.shape(plus[0])[1])
    for groups, sign in ((plus, 1), (minus, -1)):
        for group in groups:
            total += sign * np.mean(group, axis=0, dtype=np.float64)
    brought: np.ndarray = within_prior(total[None], prior)[0]
    return brought


def within_prior(z: np.ndarray, prior: str) -> np.ndarray:
    """Latents moved to the nearest ones that a prior allows.

    Args:
        z: (N, D) floats.
        prior: see `tfgan_kit.latents`; "normal" allows all.

    Returns:
        (N, D) float32.

    Raises:
        SampleError: one of length 0 for a sphere.
    """
    if prior == "uniform":
        z = np.clip(z, -1, 1)
    elif prior == "spherical":
        lengths = np.linalg.norm(z, axis=1, keepdims=True)
        if not lengths.all():
            raise SampleError("the latents cancel each other out, and nothing is left to draw: take other seeds")
        z = z * (np.sqrt(z.shape[1]) / lengths)
    moved: np.ndarray = z.astype(np.float32)
    return moved


def neighbours(z: np.ndarray, count: int, scale: float, prior: str, seed: int = 0) -> np.ndarray:
    """Latents around one, moved by uniform noise, to see that it is no accident.

    Args:
        z: (D,) floats.
        count: how many.
        scale: of the noise, which is uniform in [-scale, scale].
        prior: as in `add_up`.
        seed: of the noise.

    Returns:
        (count, D) float32.

    Source: Radford et al. (2015), Figure 7, with scale 0.25.
    """
    noise = np.random.default_rng(seed).uniform(-scale, scale, (count, len(z)))
    return within_prior(z + noise, prior)
