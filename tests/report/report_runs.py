"""Run folders to report on, written by hand: no training, no TensorFlow."""

import json

import numpy as np

from tfgan_kit.evaluation.result import Evaluation, Measured
from tfgan_kit.evaluation.subject import Latents
from tfgan_kit.files import write_json
from tfgan_kit.pictures import grid, save_gif, to_pillow
from tfgan_kit.recipes import RECIPES
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import DataFacts, RunFolder

# What a class may be called, and must do no harm.
HOSTILE = '<script>alert("1")</script>'
LINK = "![x](http://elsewhere.example/x.png)"
CLASSES = (HOSTILE, "dog & cat", LINK, "`|`")


def begin(path, *, classes=(), name="mnist", size_px=8, channels=1, **changes) -> RunFolder:
    """A run of which nothing is there but its recipe."""
    changes = {"resolution": (size_px, size_px), "channels": channels, "conditional": bool(classes), **changes}
    recipe = RECIPES["mnist"].recipe.replace(**{"preview_grid": (2, 4), "z_dim": 6, "kimg": 8.0, **changes})
    facts = DataFacts(
        spec=recipe.data, images=60, shape=(size_px, size_px, channels), digest="0123456789abcdef",
        attributes={"animal": tuple(classes)} if classes else {}, counts=((15,) * len(classes),) if classes else (),
    )  # fmt: skip
    path.mkdir(parents=True)
    folder = RunFolder(path)
    folder.create(recipe, facts, name)
    return folder


def add_ticks(folder: RunFolder, ticks: int, **columns) -> None:
    """Ticks of a kimg each; a column is a function of the tick."""
    rng = np.random.default_rng(0)
    for i in range(1, ticks + 1):
        place = {"step": 16 * i, "nimg": 1000 * i}
        usual = {name: float(rng.uniform()) for name in ("d_loss", "g_loss", "d_accuracy", "r1")}
        line = place | usual | {"lr_factor": 1.0} | {name: of(i) for name, of in columns.items()}
        _append(folder.stats, line)
        _append(folder.timing, place | {"img_per_sec": 400.0 + i, "sec": 2.5, "peak_memory_mb": 900.0 + i})


def add_previews(folder: RunFolder, count: int) -> None:
    _, facts, _ = folder.read()
    folder.previews.mkdir(exist_ok=True)
    for i in range(count):
        images = np.random.default_rng(i).integers(0, 256, (8, *facts.shape)).astype(np.uint8)
        to_pillow(grid(images, 4)).save(folder.preview_path(16 * i))
    if count:
        save_gif(sorted(folder.previews.iterdir()), folder.path / "progress.gif")


def add_checkpoint(folder: RunFolder, nimg: int, *, finished: bool = True) -> None:
    state = {"x": np.zeros(1)}
    checkpoint.save(folder.checkpoints, state, step=nimg // 62, nimg=nimg, finished=finished, keep=2)


def add_evaluations(folder: RunFolder, values, name="frechet/mnist-cnn@2000") -> None:
    for i, value in enumerate(values, 1):
        metrics = {name: value, name.replace("frechet", "recall"): 1 / (1 + value)}
        _append(folder.stats, {"step": 16 * i, "nimg": 1000 * i, "metrics": metrics})


def evaluation(nimg=8000, **fields) -> Evaluation:
    return Evaluation(**{
        "subject": {"kind": "run", "name": "/home/somebody/runs/0001", "digest": "0" * 16, "nimg": nimg},
        "data": {"spec": "folder:/home/somebody/pets", "digest": "0123456789abcdef", "images": 60},
        "held_out": None,
        "extractor": {"name": "pixels", "digest": "f" * 16, "resize": "none"},
        "samples": 500,
        "seeds": (0, 500),
        "metrics": {
            "frechet": Measured(value=12.345678, deviation=0.25, real=0.5),
            "modes_covered": Measured(value=3.0, of=4),
            "memorised_share": Measured(value=0.01),
        },
        "notes": (
            "features: 1.0% of the samples lie as near: no sign of copying",
            f"inception_score left out: {HOSTILE}",
        ),
        "pairs": ((3, 7, 0.5),),
        "histograms": {"animal": {"names": list(CLASSES), "real": [15, 15, 15, 15], "fake": [300, 200, 0, 0]}},
        **fields,
    })  # fmt: skip


def add_evaluation(folder: RunFolder, found: Evaluation | None = None) -> None:
    write_json(folder.evaluation, (found or evaluation()).to_json())
    pairs = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1)).astype(np.uint8)
    to_pillow(grid(pairs, 4)).save(folder.path / "nearest.png")


def whole(path, *, finished=True, **changes) -> RunFolder:
    """A conditional run with all that a run can have."""
    folder = begin(path, classes=CLASSES, **changes)
    add_ticks(folder, 8)
    add_previews(folder, 3)
    add_checkpoint(folder, 8000, finished=finished)
    add_evaluations(folder, [30.0, 9.0, 12.0])
    add_evaluation(folder)
    return folder


class Grey:
    """A generator whose picture is one shade: the mean of z, from -1 to 1."""

    def __init__(self, shape=(8, 8, 1), spaces=("z",)):
        self.shape, self._spaces = shape, spaces

    def draw(self, seeds):
        return self._shades(np.asarray(seeds) % 256).astype(np.uint8)

    def spaces(self):
        return {name: Latents(draw=self.latents, synthesize=self.synthesize) for name in self._spaces}

    def latents(self, seeds):
        return np.stack([np.random.default_rng(seed).normal(size=6) for seed in seeds]).astype(np.float32)

    def synthesize(self, z):
        assert z.dtype == np.float32
        return self._shades(127.5 + 127.5 * z.mean(axis=1))

    def _shades(self, values):
        return np.broadcast_to(values[:, None, None, None], (len(values), *self.shape)).astype(np.float32)


def _append(file, line) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
