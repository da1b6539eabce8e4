"""Training in a process that is not the chief: it has the networks and the data, and does what the chief says."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from tfgan_kit.data import Source, open_source
from tfgan_kit.errors import DataError, RunError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.interrupt import interruptible
from tfgan_kit.training.resolve import resolve
from tfgan_kit.training.run_folder import DataFacts
from tfgan_kit.training.state import numpy_state, restore
from tfgan_kit.training.steps import build_on, open_steps
from tfgan_kit.training.stopped import told
from tfgan_kit.training.team import Team


def follow(strategy: tf.distribute.Strategy) -> bool:
    """Train with the chief, until it ends.

    Args:
        strategy: that `make_strategy` made in this process; the chief calls `train` with its own.

    Returns:
        Whether the run is finished; False where it was interrupted, and goes on when all are started again.

    Raises:
        DataError: the chief's data is not here, or is other data here.
        RunError: the chief, or another worker, ended; or the data cannot be read any more.
    """
    team = Team(strategy)
    with told(team):
        return _follow(team)


def _follow(team: Team) -> bool:
    order = team.hear()
    if order["do"] == "end":
        return _finished(order)
    with team.all_or_none():
        source, recipe, facts = _open(order, team.worker)
    # Variables are made by all together, so none begins before all have the data.
    with team.all_or_none():
        gan = build_on(team, recipe, facts)
    with interruptible(lambda: None) as interrupted:
        while True:
            order = team.hear()
            if order["do"] == "end":
                return _finished(order)
            if order["do"] == "restore":
                restore(gan, team.receive(numpy_state(gan)))
                gan.lr_scale.assign(order["lr_scale"])
                run_steps = open_steps(gan, source, recipe, team)
            else:
                gan.time_progress.assign(order["time_progress"])
                run_steps(tf.constant(order["steps"]))
                team.any(interrupted())


def _finished(order: dict[str, Any]) -> bool:
    """Whether the run that the chief has ended is finished; raises RunError where it ended with an error."""
    if order["error"]:
        raise RunError(f"the chief ended ({order['error']})")
    return bool(order["finished"])


def _open(order: dict[str, Any], worker: int) -> tuple[Source, Recipe, DataFacts]:
    """The chief's data as it is here."""
    asked = Recipe.from_json(order["recipe"])
    source = open_source(asked)
    recipe, facts = resolve(asked, source)
    if facts.digest != order["digest"]:
        raise DataError(
            f"{asked.data} has other content on worker {worker} ({facts.digest}) than on the chief "
            f"({order['digest']}): give all of them the same"
        )
    return source, recipe, facts
