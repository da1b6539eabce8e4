"""The run folder: what a run is, its lock, its records. No TensorFlow here.

recipe.json    the resolved recipe and the data it was resolved against, written before the first step
stats.jsonl    a line a tick, an evaluation, a rollback and a divergence: only what a repeated run repeats to the bit
timing.jsonl   a line a tick: seconds, images a second, memory
events.*       TensorBoard
previews/      pictures of the same latents as training goes on
progress.gif   those pictures, one after the other; progress.png: six of them side by side
checkpoints/   see tfgan_kit.training.checkpoint
evaluation.json the last evaluation by `tfgan evaluate`; nearest.png: samples beside the nearest training pictures
best/          likewise: the checkpoint that an evaluation found best
generator.onnx after `tfgan export --onnx`
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfgan_kit._version import __version__
from tfgan_kit.errors import CheckpointError, RecipeError, RunError
from tfgan_kit.files import is_free, remove_temporaries, write_atomic, write_json
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
RUNS = Path("artifacts")
_LOCK = ".lock"
# Fields that a run may go on with other values of.
WATCHING = ("on_failure", "rollbacks")


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What a run knows of its data.

    Attributes:
        spec: the source, as the recipe names it.
        images: how many.
        shape: height, width and channels.
        attributes: names of the values of each label attribute, in the order of the columns of c; {}: unconditional.
        counts: for each of these the pictures with each value.
        digest: of pictures and labels.
    """

    spec: str
    images: int
    shape: tuple[int, int, int]
    attributes: dict[str, tuple[str, ...]]
    counts: tuple[tuple[int, ...], ...] = ()
    digest: str

    @property
    def classes(self) -> tuple[int, ...]:
        """Values of each attribute; () for an unconditional run."""
        return tuple(len(names) for names in self.attributes.values())


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / "checkpoints"
        self.best = path / "best"
        self.previews = path / "previews"
        self.stats = path / "stats.jsonl"
        self.timing = path / "timing.jsonl"
        self.evaluation = path / "evaluation.json"

    @property
    def exists(self) -> bool:
        """Whether this is a run at all."""
        return (self.path / "recipe.json").is_file()

    @property
    def finished(self) -> bool:
        """Whether the run reached its length."""
        manifest = checkpoint.newest_manifest(self.checkpoints)
        return manifest is not None and manifest.finished

    def read(self) -> tuple[Recipe, DataFacts, str]:
        """The recipe, the data's facts and the recipe's name.

        Raises:
            RunError: not a run, or not readable.
        """
        try:
            content = json.loads((self.path / "recipe.json").read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise RunError(
                    f"{self.path} has run format {content['format']!r}, and tfgan-kit {__version__} reads {FORMAT}: "
                    f"use tfgan-kit {content.get('tfgan_kit', 'of that format')}"
                )
            data = content["data"]
            attributes = {name: tuple(values) for name, values in dict(data["attributes"]).items()}
            counts = tuple(tuple(of) for of in data.get("counts", ()))
            facts = DataFacts(**data | {"shape": tuple(data["shape"]), "attributes": attributes, "counts": counts})
            return Recipe.from_json(content["recipe"]), facts, content["name"]
        except NotADirectoryError:
            raise RunError(f"{self.path} is not a run but a file: name the run's folder") from None
        except FileNotFoundError:
            raise RunError(f"{self.path} is not a run: it has no recipe.json") from None
        except (ValueError, KeyError, TypeError, RecipeError) as error:
            raise RunError(f"{self.path}/recipe.json is not readable ({error})") from None

    def load(self, *, best: bool = False) -> tuple[checkpoint.Manifest, dict[str, np.ndarray], list[str]]:
        """The newest intact checkpoint, or the one that evaluations found best.

        Returns:
            Manifest, arrays by name, and one line for each damaged checkpoint that was passed over.

        Raises:
            CheckpointError: there is none, or none is intact.
        """
        found = checkpoint.load_newest(self.best if best else self.checkpoints)
        if found is None and best:
            raise CheckpointError(
                f"{self.path} has no best checkpoint: it is kept where training evaluates, by evaluate_kimg"
            )
        if found is None:
            raise CheckpointError(f"{self.path} has no checkpoint yet: wait for the first one, or train it further")
        return found

    def create(self, recipe: Recipe, facts: DataFacts, name: str) -> None:
        """Write recipe.json into a new or empty folder."""
        remove_temporaries(self.path)
        content = {
            "format": FORMAT,
            "tfgan_kit": __version__,
            "name": name,
            "recipe": recipe.to_json(),
            "data": asdict(facts),
        }
        write_json(self.path / "recipe.json", content)

    def check_free(self) -> None:
        """Refuse a folder of something else.

        Raises:
            RunError: there is something in it, and it is not a run.
        """
        if not self.exists and self.path.is_dir() and not is_free(self.path, _LOCK):
            raise RunError(f"{self.path} is not a run and not empty: give another --out")

    def check_same(self, recipe: Recipe, facts: DataFacts) -> None:
        """Refuse to go on with another recipe, but for how it is watched, or other data.

        Raises:
            RunError: with every difference.
        """
        own, own_facts, _ = self.read()
        differences = [
            f"{key} is {mine!r} there, {theirs!r} here"
            for key, (mine, theirs) in own.differences(recipe).items()
            if key not in WATCHING
        ]
        if not differences and own_facts.digest != facts.digest:
            differences = [f"the data's content is {own_facts.digest} there, {facts.digest} here"]
        if differences:
            raise RunError(
                f"{self.path} holds another run ({'; '.join(differences)}): give another --out, or the same values"
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder alone; the system lets go of it when the process ends, however it ends.

        Raises:
            RunError: another process holds it.
        """
        import filelock

        self.path.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.path / _LOCK, timeout=0)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise RunError(f"{self.path} is in use by another run: wait for it, or give another --out") from None
        try:
            yield
        finally:
            lock.release()

    def append(self, file: Path, line: Mapping[str, Any]) -> None:
        """Add a line of JSON to one of the records."""
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def read_stats(self) -> list[dict[str, Any]]:
        """The ticks in stats.jsonl; a half-written last line is left out."""
        return [line for line in _lines(self.stats) if not line.keys() & {"metrics", "rollback", "diverged"}]

    def read_timing(self) -> list[dict[str, Any]]:
        """The lines of timing.jsonl; a half-written last one is left out."""
        return _lines(self.timing)

    def read_evaluations(self) -> list[dict[str, Any]]:
        """The evaluations in stats.jsonl: step, nimg, and `metrics` with figures by name, as frechet/mnist-cnn@2000."""
        return [line for line in _lines(self.stats) if "metrics" in line]

    def read_rollbacks(self) -> list[dict[str, Any]]:
        """The rollbacks in stats.jsonl: step and nimg at which the run failed, and `rollback`, see `roll_back`."""
        return [line for line in _lines(self.stats) if "rollback" in line]

    def read_divergence(self) -> dict[str, Any] | None:
        """The line of stats.jsonl on what was not finite and ended the run; None: nothing, or the run went on since."""
        return next((line for line in _lines(self.stats) if "diverged" in line), None)

    def rewind(self, step: int) -> None:
        """Forget everything after `step` but rollbacks, damaged checkpoints included, and what a killed writer left."""
        for folder in (self.path, self.checkpoints, self.best, self.previews):
            remove_temporaries(folder)
        for file in (self.stats, self.timing):
            if file.exists():
                kept = "".join(
                    json.dumps(line) + "\n" for line in _lines(file) if line["step"] <= step or "rollback" in line
                )
                write_atomic(file, partial(Path.write_text, data=kept, encoding="utf-8"))
        for preview in self.previews.glob("step-*.png"):
            if int(preview.stem.removeprefix("step-")) > step:
                preview.unlink()
        for checkpoints in (self.checkpoints, self.best):
            checkpoint.remove_after(checkpoints, step)

    def preview_path(self, step: int) -> Path:
        """Where the preview of a step lies."""
        return self.previews / f"step-{step:08d}.png"


def next_run(name: str, recipe: Recipe, runs: Path = RUNS) -> RunFolder:
    """Where a run without --out goes: the newest unfinished run of the same recipe, or the next free number."""
    numbered = _numbered(runs)
    for folder in reversed(numbered):
        if folder.exists and not folder.finished and _resumable(folder, name, recipe):
            return folder
    number = int(numbered[-1].path.name[:4]) + 1 if numbered else 1
    return RunFolder(runs / f"{number:04d}-{name}")


def latest_run(runs: Path = RUNS) -> RunFolder:
    """The newest run that has a checkpoint.

    Raises:
        RunError: there is none.
    """
    candidates = [run for run in _numbered(runs) if run.exists and checkpoint.newest_manifest(run.checkpoints)]
    if not candidates:
        raise RunError(f"no run with a checkpoint in {runs}/: run `tfgan train` first, or name a run folder")
    return max(candidates, key=lambda run: run.checkpoints.stat().st_mtime)


def _numbered(runs: Path) -> list[RunFolder]:
    return [RunFolder(path) for path in sorted(runs.glob("[0-9][0-9][0-9][0-9]-*")) if path.is_dir()]


def _resumable(folder: RunFolder, name: str, recipe: Recipe) -> bool:
    """Whether the run in `folder` is what `recipe` resolves to: equal but for what the data decides."""
    from tfgan_kit.data.few import with_augment

    try:
        own, facts, own_name = folder.read()
        with folder.lock():
            pass
    except RunError:
        return False
    open_fields = {key for key in ("resolution", "channels", "conditional") if getattr(recipe, key) is None}
    asked = with_augment(recipe, facts.images)
    return own_name == name and set(own.differences(asked)) <= open_fields | set(WATCHING)


def _lines(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    lines: list[dict[str, Any]] = []
    for text in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):
            break
        if not isinstance(line, dict) or "step" not in line:
            break
        lines.append(line)
    return lines
