import numpy as np
import pytest
from report_runs import Grey

from tfgan_kit.evaluation.subject import Latents
from tfgan_kit.report.walk import STEPS, WALKS, samples, walks


def seen(prior, space):
    """The latents that a walk visits, (STEPS, WALKS, D)."""
    visited = []

    def synthesize(latents):
        visited.append(latents.astype(np.float64))
        return np.zeros((len(latents), 2, 2, 1), np.float32)

    grey = Grey()
    sheet = walks(Latents(draw=grey.latents, synthesize=synthesize), space, prior)
    assert sheet.shape == (WALKS * 4 - 2, STEPS * 4 - 2, 1)
    return np.stack(visited), grey.latents(range(WALKS)), grey.latents(range(WALKS, 2 * WALKS))


@pytest.mark.parametrize(("prior", "space"), [("normal", "z"), ("spherical", "z"), ("uniform", "z"), ("normal", "w")])
def test_a_walk_goes_from_one_latent_to_another(prior, space):
    visited, starts, ends = seen(prior, space)
    assert visited[0] == pytest.approx(starts, abs=1e-6)
    assert visited[-1] == pytest.approx(ends, abs=1e-6)


@pytest.mark.parametrize("prior", ["normal", "spherical"])
def test_z_keeps_its_length_on_the_great_circle(prior):
    visited, starts, ends = seen(prior, "z")
    lengths = np.linalg.norm(visited, axis=2)
    mean = (np.linalg.norm(starts, axis=1) + np.linalg.norm(ends, axis=1)) / 2
    assert lengths[STEPS // 2] == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize(("prior", "space"), [("uniform", "z"), ("normal", "w")])
def test_the_straight_line_stays_between_its_ends(prior, space):
    visited, starts, ends = seen(prior, space)
    assert visited[STEPS // 2] == pytest.approx((starts + ends) / 2, abs=1e-6)


def test_every_call_has_a_row_for_each_walk_so_that_labels_stay():
    visited, _, _ = seen("normal", "z")
    assert visited.shape[:2] == (STEPS, WALKS)


def test_pictures_are_rounded_and_clipped():
    shades = iter([-3.0, 0.4, 254.6, 300.0, *[0.0] * STEPS])
    latents = Latents(draw=Grey().latents, synthesize=lambda z: np.full((len(z), 1, 1, 1), next(shades), np.float32))
    assert walks(latents, "z", "normal")[0, ::3, 0].tolist()[:4] == [0, 0, 255, 255]


def test_samples_are_those_of_the_first_seeds():
    assert samples(Grey(), 2, 3)[::10, ::10, 0].tolist() == [[0, 1, 2], [3, 4, 5]]
