"""Going back to before a run failed, with halved learning rates. No TensorFlow here.

The line of stats.jsonl that says so is what makes a rollback: it is written first, and whoever opens the run from then
on leaves the checkpoints of the abandoned branch aside. So a kill at any moment changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tfgan_kit.errors import DivergedError, FailedError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training import checkpoint
from tfgan_kit.training.length import img_per_step, steps_per_checkpoint
from tfgan_kit.training.run_folder import RunFolder

# What a checkpoint has the number of rollbacks under that came before it.
COUNT = f"{checkpoint.WATCH}rollbacks"
LR_FACTOR = 0.5


def roll_back(folder: RunFolder, recipe: Recipe, failure: FailedError, *, step: int) -> str:
    """Note that a run is to go on from its last regular checkpoint before a failure, or that it ends with one.

    Args:
        folder: the run, held by its lock.
        recipe: that it trains.
        failure: why.
        step: train steps done.

    Returns:
        What was decided, in a line.

    Raises:
        FailedError: the failure itself, where the recipe does not roll back, has done so as often as it may, or no
            checkpoint is left from before it.
    """
    done, now = len(folder.read_rollbacks()), {"step": step, "nimg": step * img_per_step(recipe)}
    try:
        target = _target(folder, recipe, failure, done)
    except DivergedError:
        # No tick shows it, so that nobody could tell afterwards why the run ended.
        diverged = {"why": failure.why, "since_nimg": failure.since_nimg}
        folder.append(folder.stats, now | {"diverged": diverged})
        raise
    scale = LR_FACTOR ** (done + 1)
    rollback = {"to_step": target.step, "to_nimg": target.nimg, "lr_scale": scale, "why": failure.why}
    folder.append(folder.stats, now | {"rollback": rollback})
    return (
        f"doctor: back to {target.nimg / 1000:.3g} kimg, rollback {done + 1} of at most {recipe.rollbacks}: learning "
        f"rates are {scale:g} of the recipe's"
    )


def _target(folder: RunFolder, recipe: Recipe, failure: FailedError, done: int) -> checkpoint.Manifest:
    """The checkpoint to go back to, after `done` rollbacks; raises the failure where there is none to be."""
    if recipe.on_failure != "rollback":
        raise failure
    every = steps_per_checkpoint(recipe)
    regular = [m for m in checkpoint.manifests(folder.checkpoints) if m.step % every == 0]
    target = next((m for m in regular if m.nimg <= failure.since_nimg), None)
    if done < recipe.rollbacks and target is not None:
        return target
    reason = f"after {done} rollbacks" if done >= recipe.rollbacks else "no checkpoint is left from before it"
    raise type(failure)(f"{failure} ({reason})", why=failure.why, since_nimg=failure.since_nimg) from failure


def load_newest(
    folder: RunFolder,
) -> tuple[tuple[checkpoint.Manifest, dict[str, np.ndarray], list[str]] | None, float]:
    """The checkpoint that a run goes on from, abandoned ones removed, and the factor of its learning rates.

    Raises:
        CheckpointError: there are checkpoints, and none is intact.
    """
    rollbacks = folder.read_rollbacks()
    newest = checkpoint.load_newest(folder.checkpoints)
    if newest and rollbacks and _count(newest[1]) < len(rollbacks):
        checkpoint.remove_after(folder.checkpoints, int(rollbacks[-1]["rollback"]["to_step"]))
        newest = checkpoint.load_newest(folder.checkpoints)
    return newest, LR_FACTOR ** len(rollbacks)


def spared(recipe: Recipe, step: int) -> set[int]:
    """Steps whose checkpoints a rollback may need: those that a failure that is not sure yet may have begun after."""
    if recipe.on_failure != "rollback":
        return set()
    every = steps_per_checkpoint(recipe)
    spans = -(-recipe.watch_ticks // recipe.checkpoint_ticks) + 1
    return {(step // every - back) * every for back in range(spans + 1)}


def _count(state: Mapping[str, np.ndarray]) -> int:
    """Rollbacks before a checkpoint was written."""
    return int(state.get(COUNT, 0))
