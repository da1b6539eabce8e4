import numpy as np
import pytest

from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import DataFacts, RunFolder

SMALL = {"z_dim": 6, "g_width": 4, "g_max_width": 8, "g_hidden": (12, 16), "d_width": 4, "d_hidden": (4,)}
# More values than the larger batch of the parity check; and few.
SEVERAL = {
    "hair": tuple(f"h{i}" for i in range(21)),
    "glasses": ("none", "round"),
    "ear": ("none", "ring", "stud"),
    "hat": ("none",),
}


@pytest.fixture(scope="session")
def make_run():
    """A function that writes a run folder with one checkpoint of an untrained GAN, its weights far from their start."""
    from tfgan_kit.build import build_gan
    from tfgan_kit.training.state import numpy_state

    def make(path, shape=(28, 28, 1), attributes=None, **fields):
        recipe = Recipe(kimg=1, jit=False, **SMALL | fields)
        facts = DataFacts(spec="npz:x.npz", images=100, shape=shape, attributes=attributes or {}, digest="0123")
        gan = build_gan(recipe, shape, facts.classes)
        rng = np.random.default_rng(0)
        state = numpy_state(gan)
        for name, array in state.items():
            if name.startswith(("G/", "G_ema/")):
                positive = "variance" in name or "gamma" in name
                change = rng.uniform(0.5, 2.0, array.shape) if positive else array + 0.2 * rng.normal(size=array.shape)
                state[name] = np.asarray(change, np.float32)
        folder = RunFolder(path)
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.create(recipe, facts, "mnist")
        checkpoint.save(folder.checkpoints, state, step=7, nimg=448, finished=True, keep=2)
        return path

    return make


@pytest.fixture(scope="session")
def exported(make_run, tmp_path_factory):
    """Model files by kind: "plain", unconditional 28x28x1; "named", 3 named classes 20x12x3; "several", attributes and
    noise 12x12x3; "spherical".
    """
    from tfgan_kit.export.convert import export_onnx

    kinds = {
        "plain": {},
        "named": {"shape": (20, 12, 3), "attributes": {"class": ("ant", "bee", "cat")}},
        "several": {"shape": (12, 12, 3), "attributes": SEVERAL, "g_noise": 0.5, "g_random_in_use": True},
        "spherical": {"family": "mlp", "shape": (8, 8, 1), "z_prior": "spherical"},
    }
    return {
        kind: export_onnx(make_run(tmp_path_factory.mktemp(kind) / f"0001-{kind}", **fields)).file
        for kind, fields in kinds.items()
    }
