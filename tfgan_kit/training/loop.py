"""The training loop: compiled steps in groups, and between them the records, previews and checkpoints of the run."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfgan_kit.build import seen_in_parts, unused_sizes
from tfgan_kit.data import Source, open_source
from tfgan_kit.errors import FailedError, RunError
from tfgan_kit.gan import GAN
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint, rollback
from tfgan_kit.training.evaluator import Evaluator
from tfgan_kit.training.interrupt import interruptible
from tfgan_kit.training.length import Length, img_per_step, steps_per_tick
from tfgan_kit.training.painter import Painter
from tfgan_kit.training.records import Records
from tfgan_kit.training.resolve import chosen_by_data, resolve
from tfgan_kit.training.run_folder import DataFacts, RunFolder
from tfgan_kit.training.state import numpy_state, restore
from tfgan_kit.training.steps import build_on, open_steps
from tfgan_kit.training.stopped import told
from tfgan_kit.training.team import Team
from tfgan_kit.training.watch import Watch

# See `train`.
Observe = Callable[[RunFolder, Painter], Callable[[bool], None]]


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run is, after a group of steps.

    Attributes:
        nimg: images seen.
        total_img: images of the whole run, or None where time decides.
        share: of the run that is done, in [0, 1].
        img_per_sec: of this group.
        sec_left: estimate, seconds.
        stats: means since the last tick.
        tick: whether this group ended a tick.
        figures: what an evaluation measured at this step; {} where there was none.
    """

    nimg: int
    total_img: int | None
    share: float
    img_per_sec: float
    sec_left: float
    stats: dict[str, float]
    tick: bool
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How `train` ended.

    Attributes:
        folder: the run.
        nimg: images seen in all.
        finished: False where it was interrupted; the same call goes on from there.
    """

    folder: RunFolder
    nimg: int
    finished: bool


def train(
    recipe: Recipe,
    out: Path,
    *,
    name: str = "recipe",
    source: Source | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    notify: Callable[[str], None] = lambda _: None,
    observe: Observe = lambda folder, painter: lambda stop: None,
    clock: Callable[[], float] = time.monotonic,
    strategy: tf.distribute.Strategy | None = None,
) -> Outcome:
    """Train a recipe in a run folder, or go on with the run that is there.

    What a run was trained on so far does not bind it: it goes on on other devices, or fewer or more of them.

    Args:
        recipe: what to train.
        out: the run folder, new or of the same recipe.
        name: of the recipe, for the records.
        source: the recipe's data, opened already; None: it is opened here.
        on_progress: called after every group of steps.
        notify: called with a line that the user should see.
        observe: called once with the run and what draws its pictures; what it gives is called after every checkpoint,
            with whether training stops there.
        clock: what a length in minutes is measured by, seconds.
        strategy: of this process, the chief of its cluster, as `make_strategy` gives it; the other processes call
            `tfgan_kit.training.follow.follow`. None: this process and one device.

    Raises:
        RecipeError, DataError: before anything is written.
        RunError: the folder is in use, of another run, or cannot be written.
        DivergedError: a loss stopped being finite; the checkpoints before that are kept.
        FailedError: training failed, and the recipe's on_failure stops there or has rolled back often enough.
    """
    team = Team(strategy or tf.distribute.get_strategy())
    folder = RunFolder(out)
    with _writable(out), told(team), team.led():
        folder.check_free()
        source = source or open_source(recipe)
        asked, (recipe, facts) = recipe, resolve(recipe, source)
        if folder.exists:
            folder.check_same(recipe, facts)
        team.say({"do": "recipe", "recipe": recipe.to_json(), "digest": facts.digest})
        with team.all_or_none():
            pass  # The others open the data.
        with team.all_or_none():
            gan = build_on(team, recipe, facts)
        with folder.lock():
            notes = (*source.notes, *unused_sizes(recipe), *chosen_by_data(asked, recipe, facts), *seen_in_parts(gan))
            for note in notes:
                notify(note)
            if not folder.exists:
                folder.create(recipe, facts, name)
                notify(f"training {name} in {folder.path}")
            elif folder.read()[0] != recipe:
                folder.create(recipe, facts, folder.read()[2])
            while True:
                try:
                    return _train_locked(team, gan, recipe, source, facts, folder, on_progress, notify, observe, clock)
                except FailedError as failure:
                    notify(rollback.roll_back(folder, recipe, failure, step=int(gan.step.numpy())))


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    """Turn what the disk raises into an error of ours.

    Raises:
        RunError: with what the system says.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        remedy = "make room or choose another disk, then give the same command" if full else "give another --out"
        raise RunError(
            f"cannot write {error.filename or out}: {reason}; checkpoints that were complete are kept: {remedy}"
        ) from error


def _go_back(
    gan: GAN, folder: RunFolder, notify: Callable[[str], None]
) -> tuple[Mapping[str, np.ndarray], checkpoint.Manifest | None]:
    """Put a run back to where its newest good checkpoint has it.

    Returns:
        That checkpoint's arrays, {} without one, and its manifest if the run is finished with it.
    """
    newest, lr_scale = rollback.load_newest(folder)
    gan.lr_scale.assign(lr_scale)
    if newest is None:
        folder.rewind(int(gan.step.numpy()))
        return {}, None
    manifest, state, refused = newest
    restore(gan, state)
    for line in refused:
        notify(line)
    if manifest.finished:
        notify(f"{folder.path} is finished already")
        return state, manifest
    notify(f"resuming {folder.path} at {manifest.nimg / 1000:.1f} kimg")
    folder.rewind(manifest.step)
    return state, None


def _train_locked(
    team: Team,
    gan: GAN,
    recipe: Recipe,
    source: Source,
    facts: DataFacts,
    folder: RunFolder,
    on_progress: Callable[[Progress], None],
    notify: Callable[[str], None],
    observe: Observe,
    clock: Callable[[], float],
) -> Outcome:
    state, ended = _go_back(gan, folder, notify)
    if ended:
        return Outcome(folder=folder, nimg=ended.nimg, finished=True)

    # Have all go on from there, with the data open at that step.
    team.say({"do": "restore", "lr_scale": float(gan.lr_scale.numpy())})
    team.send(numpy_state(gan) if team.workers > 1 else {})
    run_steps = open_steps(gan, source, recipe, team)
    step_img, tick_steps = img_per_step(recipe), steps_per_tick(recipe)
    painter = Painter(gan.G_ema, recipe, facts)
    records = Records(folder, gan, recipe, painter)
    watch = Watch(
        recipe, source, painter, lines=folder.read_stats(), remembered=state, rollbacks=len(folder.read_rollbacks()),
        notify=notify,
    )  # fmt: skip
    evaluator = Evaluator(folder, gan, recipe, facts, source, painter, records)
    observer = observe(folder, painter)
    step = int(gan.step.numpy())
    length = Length(recipe, step=step, time_progress=float(gan.time_progress.numpy()), clock=clock)
    if step == 0:
        records.preview(0)

    def save(finished: bool) -> None:
        checkpoint.save(
            folder.checkpoints,
            numpy_state(gan) | watch.state(),
            step=step,
            nimg=step * step_img,
            finished=finished,
            keep=recipe.checkpoints_kept,
            spared=rollback.spared(recipe, step),
        )

    if step == 0 and recipe.on_failure == "rollback":
        save(False)
    finished = stop = False
    with interruptible(lambda: notify("stopping after these steps, and saving")) as interrupted:
        while not stop:
            # Run a group of steps, up to the next tick or evaluation, or the end.
            started = time.perf_counter()
            n = min(
                recipe.steps_per_call,
                tick_steps - step % tick_steps,
                evaluator.steps_left(step),
                length.steps_left(step),
            )
            team.say({"do": "run", "steps": n, "time_progress": float(gan.time_progress.numpy())})
            run_steps(tf.constant(n))
            # The others say it now; the chief can be asked until it decides.
            asked_to_stop = bool(team.any(interrupted()))
            step += n
            gan.time_progress.assign(length.time_share())
            watch.check_finite(gan, step_img)
            finished, tick = length.reached(step), step % tick_steps == 0

            # Tell where the run is.
            seconds = time.perf_counter() - started
            share = float(gan.progress(tf.constant(float(step * step_img))))
            progress = Progress(
                nimg=step * step_img,
                total_img=length.total_img,
                share=share,
                img_per_sec=n * step_img / seconds,
                sec_left=length.sec_left(share),
                stats=records.means(),
                tick=tick,
            )
            on_progress(progress)

            # Keep the records of a tick, the picture and the checkpoint where they are due; the last one comes last.
            ticks, stop = step // tick_steps, finished or asked_to_stop or interrupted()
            if tick or finished:
                watch.look(records.tick(step, watch.figures()))
            if finished or (tick and ticks % recipe.preview_ticks == 0):
                records.preview(step)
            measured = evaluator.due(step, finished)
            if measured:
                on_progress(replace(progress, figures=evaluator.evaluate(step)))
            if stop:
                records.close()
            if stop or measured or (tick and ticks % recipe.checkpoint_ticks == 0):
                save(finished)
                observer(stop)

    if not finished:
        team.stopped()
    return Outcome(folder=folder, nimg=step * step_img, finished=finished)
