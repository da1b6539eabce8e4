"""The search by a run's gradient: it draws what the run's model draws, and finds again what it drew."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.export.latent_space.project import label_sets, project
from tfgan_kit.export.latent_space.search import mse_to, psnr
from tfgan_kit.latents import z_from_seeds


@pytest.fixture(scope="module")
def run(make_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("gradient") / "0001-named"
    return make_run(path, shape=(12, 12, 3), attributes={"class": ("ant", "bee")}, g_noise=0.5, g_random_in_use=True)


@pytest.fixture(scope="module")
def generator(run):
    from tfgan_kit.export.latent_space.project_gradient import RunGenerator
    from tfgan_kit.training.run_folder import RunFolder

    return RunGenerator(RunFolder(run))


def test_it_draws_in_blocks_what_it_draws_one_by_one(generator):
    z = generator.latents(np.arange(70))
    np.testing.assert_array_equal(z, z_from_seeds(range(70), 6))
    labels = np.arange(70)[:, None] % 2
    images = generator.draw(z, labels)
    assert images.shape == (70, 12, 12, 3)
    assert images.dtype == np.uint8
    for i in (0, 1, 69):
        alone = generator.draw(z[i : i + 1], labels[i : i + 1])[0]
        assert np.abs(alone.astype(int) - images[i]).max() <= 1
    assert not np.array_equal(generator.draw(z[:1], labels[:1]), generator.draw(z[:1], labels[1:2]))


def test_a_picture_of_the_run_is_found_again_with_its_class(generator):
    z, labels = generator.latents(np.array([4242])), np.array([[1]])
    target = generator.draw(z, labels)[0]
    found = project(generator, target, labels=label_sets([2], {}), steps=20, restarts=2, descent=generator.descent())
    assert found.labels.tolist() == [1]
    assert psnr(found.mse) > 35
    random = generator.draw(generator.latents(np.arange(500)), np.ones((500, 1), np.int64))
    assert found.mse < mse_to(target, random).min() / 4
    assert found.mse == pytest.approx(mse_to(target, found.image[None])[0])


def test_the_command_takes_a_run_folder(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("L", (30, 20), 128).save("grey.png")
    args = ["project", str(run), "grey.png", "--steps", "2", "--restarts", "1", "--z", "z.npy"]
    result = CliRunner().invoke(app, args, standalone_mode=False)
    assert result.exception is None, result.output
    assert "searched z by its gradient" in result.output
    assert np.load("z.npy", allow_pickle=False).shape == (1, 6)
