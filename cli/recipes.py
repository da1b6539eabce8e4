"""`tfgan recipes`."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from tfgan_kit.fields import type_name
from tfgan_kit.recipe import Recipe
from tfgan_kit.recipes import DEFAULT, RECIPES, RecipeRow, recipe_row

_WIDE = 120  # columns that the whole list needs


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(help="Show every field of this recipe.", show_default=False,
                       autocompletion=lambda: sorted(RECIPES)),
    ] = None,
) -> None:  # fmt: skip
    """List the recipes, or show one with every field, its meaning, and what the recipe changes."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    if name is None:
        # A narrow terminal would break every cell into many lines.
        wide = console.width >= _WIDE
        table = Table("recipe", "what it is", *(("reproduces",) if wide else ()), "minutes",
                      *(("measured",) if wide else ()), box=None, pad_edge=False)  # fmt: skip
        for key, row in RECIPES.items():
            shown = f"[bold]{key}[/bold]{' (default)' if key == DEFAULT else ''}"
            of_paper, measured = ((escape(row.source),), (escape(row.result),)) if wide else ((), ())
            table.add_row(shown, escape(row.about), *of_paper, _minutes(row), *measured)
        console.print(table)
        console.print(
            "\nMinutes are of two x86-64 cores, for what was measured."
            f"{'' if wide else ' Sources and figures need a wider terminal, or:'}"
            " Command and every field: tfgan recipes NAME."
        )
        return

    row = recipe_row(name)
    table = Table("field", "value", "default", "meaning", "legal", box=None, pad_edge=False)
    for field in dataclasses.fields(Recipe):
        value = getattr(row.recipe, field.name)
        changed = value != field.default
        shown = f"[bold]{_show(value)}[/bold]" if changed else _show(value)
        meaning = escape(field.metadata["doc"])
        table.add_row(field.name, shown, _show(field.default) if changed else "", meaning, _legal(field))
    console.print(f"[bold]{name}[/bold]: {escape(row.about)}")
    console.print(f"reproduces  {escape(row.source)}")
    console.print(f"measured    {escape(row.result)}")
    console.print(f"            {escape(row.command)}   # {_minutes(row)} minutes on two x86-64 cores\n")
    console.print(table)
    console.print(f"\nTrain it with changes: tfgan train {name} --set FIELD=VALUE")


def _minutes(row: RecipeRow) -> str:
    return "-" if row.minutes is None else f"{row.minutes:g}"


def _show(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _legal(field: dataclasses.Field[object]) -> str:
    bounds = field.metadata
    if bounds["choices"]:
        return " | ".join(map(str, bounds["choices"]))
    limits = [
        f"{sign} {_show(bounds[key])}"
        for key, sign in (("low", ">="), ("above", ">"), ("high", "<="))
        if bounds[key] is not None
    ]
    return ", ".join([type_name(field), *limits])
