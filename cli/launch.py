"""`tfgan launch`."""

from __future__ import annotations

from typing import Annotated

import typer

from tfgan_kit.errors import StrategyError


def launch(
    context: typer.Context,
    workers: Annotated[int, typer.Option(help="Processes on this machine: as many as GPUs, or as parts of its cores.")],
) -> None:
    """Train in several processes of this machine: tfgan launch --workers N -- train, with the options of train."""
    from tfgan_kit.launch import launch as launch_processes

    code = launch_processes(_checked(context.args), workers)
    if code:
        raise typer.Exit(code)


def _checked(arguments: list[str]) -> list[str]:
    """The arguments without --strategy multiworker, which all processes get."""
    if not arguments or arguments[0] != "train":
        given = f"not {arguments[0]}" if arguments else "and nothing was given"
        raise StrategyError(f"tfgan launch starts train, {given}: tfgan launch --workers 2 -- train --minutes 5")
    kept, strategies = [], []
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        if option == "--strategy":
            strategies.append(value if equals else next(words, ""))
        elif option == "--cluster":
            raise StrategyError("tfgan launch makes the cluster itself: leave --cluster out")
        else:
            kept.append(word)
    if strategies not in ([], ["multiworker"]):
        raise StrategyError(
            f"--strategy {' and '.join(strategies)}: what tfgan launch starts has the strategy multiworker: leave "
            "--strategy out"
        )
    return kept
