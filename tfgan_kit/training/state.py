"""A GAN's variables as arrays by name, and back."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from tfgan_kit.errors import CheckpointError
from tfgan_kit.gan import GAN
from tfgan_kit.training.checkpoint import WATCH


def numpy_state(gan: GAN) -> dict[str, np.ndarray]:
    """Every variable that a resumed run needs."""
    return {name: variable.numpy() for name, variable in gan.state().items()}


def restore(gan: GAN, state: Mapping[str, np.ndarray]) -> None:
    """Put the arrays of `numpy_state` back; what began to be recorded since they were saved begins anew.

    Raises:
        CheckpointError: a name or shape is not this GAN's.
    """
    variables = {name: v for name, v in gan.state().items() if name in state or not name.startswith("means/")}
    _assign(variables, {name: array for name, array in state.items() if not name.startswith(WATCH)})
    gan.first_nonfinite.assign([-1] * len(gan.WATCHED))


def load_network(network: keras.Model, state: Mapping[str, np.ndarray], owner: str) -> None:
    """Put the weights of one network of a GAN into `network`.

    Args:
        network: of the same architecture.
        state: of `numpy_state`.
        owner: "G" for the generator's last weights, "G_ema" for their average, "D" for the discriminator's.

    Raises:
        CheckpointError: a name or shape is not this network's.
    """
    variables = {f"{owner}/{variable.path}": variable for variable in network.variables}
    _assign(variables, {name: array for name, array in state.items() if name.startswith(f"{owner}/")})


def _assign(variables: Mapping[str, keras.Variable], state: Mapping[str, np.ndarray]) -> None:
    wrong = sorted(variables.keys() ^ state.keys()) + [
        name for name in variables.keys() & state.keys() if tuple(variables[name].shape) != state[name].shape
    ]
    if wrong:
        raise CheckpointError(
            f"the checkpoint is of another architecture ({len(wrong)} variables differ, such as {wrong[0]!r}): "
            "use the version of tfgan-kit that wrote it"
        )
    for name, variable in variables.items():
        variable.assign(state[name])
