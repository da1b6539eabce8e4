"""What TensorFlow raises while a run trains, told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from tfgan_kit.errors import RunError
from tfgan_kit.training.team import Team

# What TensorFlow says of a sum whose other end is gone, or is said to be.
_GONE = (
    "Collective ops is aborted", "recvmsg", "Connection reset", "coordination service", "heartbeat", "Socket closed",
)  # fmt: skip


@contextmanager
def told(team: Team) -> Iterator[None]:
    """Turn TensorFlow's errors into one of ours.

    Raises:
        RunError: another process of the team is gone, or TensorFlow cannot go on for another reason.
    """
    try:
        yield
    except tf.errors.OpError as error:
        if team.workers > 1 and any(sign in error.message for sign in _GONE):
            raise RunError(
                f"another of the {team.workers} processes that train together is gone; checkpoints that were complete "
                "are kept: start all of them again, with the same command, to go on from the newest"
            ) from error
        # Such as a picture that can no longer be read, or memory that is not there; ours is the line that names us.
        lines = error.message.strip().splitlines() or [type(error).__name__]
        reason = next((line for line in lines if line.startswith("DataError: ")), lines[0])
        raise RunError(f"the run stopped ({reason}); checkpoints that were complete are kept") from error
