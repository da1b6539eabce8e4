"""A process that is gone, told in one line by those that are left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from tfgan_kit.errors import RunError
from tfgan_kit.training.team import Team

# What TensorFlow says of a collective whose other end is gone, or is said to be.
_SIGNS = (
    "Collective ops is aborted", "recvmsg", "Connection reset", "coordination service", "heartbeat", "Socket closed",
)  # fmt: skip


@contextmanager
def or_lost(team: Team) -> Iterator[None]:
    """Turn what TensorFlow raises when another process of the team is gone into an error of ours.

    Raises:
        RunError: a process is gone.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if team.workers == 1 or not any(sign in error.message for sign in _SIGNS):
            raise
        raise RunError(
            f"another of the {team.workers} processes that train together is gone; checkpoints that were complete are "
            "kept: start all of them again, with the same command, to go on from the newest"
        ) from error
