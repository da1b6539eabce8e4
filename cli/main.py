"""`tfgan`: the app, its commands, and the edge where errors become one line and exit code 1."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from tfgan_kit._version import __version__
from tfgan_kit.cli.ablate import ablate
from tfgan_kit.cli.arithmetic import arithmetic
from tfgan_kit.cli.bench import bench
from tfgan_kit.cli.compare import compare
from tfgan_kit.cli.data import app as data
from tfgan_kit.cli.demo import demo
from tfgan_kit.cli.doctor import doctor
from tfgan_kit.cli.evaluate import evaluate
from tfgan_kit.cli.export import ExportCommand, export
from tfgan_kit.cli.inspect_model import inspect
from tfgan_kit.cli.interpolate import interpolate
from tfgan_kit.cli.launch import launch
from tfgan_kit.cli.probe import probe
from tfgan_kit.cli.project import project
from tfgan_kit.cli.recipes import recipes
from tfgan_kit.cli.report import report
from tfgan_kit.cli.sample import sample
from tfgan_kit.cli.serve import serve
from tfgan_kit.cli.toy import toy
from tfgan_kit.cli.train import train
from tfgan_kit.errors import TfganKitError

app = typer.Typer(
    name="tfgan",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog="Start here: tfgan train, tfgan export --onnx, tfgan sample.",
)
app.command(
    short_help="Train a GAN; by default on MNIST, for five minutes.",
    epilog="Example: tfgan train --data folder:my-pictures --resolution 64x64 --minutes 60",
)(train)
app.command(
    short_help="Train in several processes of this machine.",
    epilog="Example: tfgan launch --workers 2 -- train mnist --minutes 10",
    options_metavar="--workers N -- train [OPTIONS OF TRAIN]",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(launch)
app.command(short_help="List the recipes, or show one with every field.", epilog="Example: tfgan recipes mnist")(
    recipes
)
app.add_typer(
    data,
    name="data",
    short_help="Check data sets, and prepare those larger than memory.",
    epilog="Start here: tfgan data prepare folder:my-pictures --out prepared",
)
app.command(
    cls=ExportCommand,
    short_help="Export a run's generator, checked against TensorFlow.",
    epilog="Example: tfgan export artifacts/0001-mnist --onnx digits.onnx",
)(export)
app.command(epilog="Example: tfgan sample digits.onnx --seeds 0-99 --out digits.png")(sample)
app.command(
    short_help="Say what an .onnx is, how it is called, and what it lacks.", epilog="Example: tfgan inspect digits.onnx"
)(inspect)
app.command(
    short_help="Walk from one picture to others, and write the walk as a film.",
    epilog="Example: tfgan interpolate digits.onnx --from 3 --to 8 --via 5 --loop --out walk.gif",
)(interpolate)
app.command(
    short_help="Add and take away what pictures have in common.",
    epilog="Example: tfgan arithmetic digits.onnx --plus 3,5,9 --minus 1,2,4 --plus 7,8,11 --out sum.png",
)(arithmetic)
app.command(epilog="Example: tfgan project digits.onnx my-digit.png --out found.png")(project)
app.command(short_help="Serve pictures of a model over HTTP.", epilog="Example: tfgan serve digits.onnx --port 8000")(
    serve
)
app.command(
    short_help="Show a model in the browser: samples, sliders and walks.",
    epilog="Example: tfgan demo digits.onnx --out page",
)(demo)
app.command(
    short_help="Measure how fast a model makes pictures here.",
    epilog="Example: tfgan bench digits.onnx --plot bench.png",
)(bench)
app.command(epilog="Example: tfgan evaluate digits.onnx --n 5000 --seeds 3 --json figures.json")(evaluate)
app.command(
    short_help="Put the figures of several runs, models or folders in a table.",
    epilog="Example: tfgan compare artifacts/0001-mnist artifacts/0002-mnist --seeds 3",
)(compare)
app.command(
    short_help="Measure what a run's discriminator has learned of the labels.",
    epilog="Example: tfgan probe artifacts/0001-mnist",
)(probe)
app.command(
    short_help="Train a recipe with each of some switches toggled alone.",
    epilog="Example: tfgan ablate dcgan-mnist --switch label_flips --kimg 40",
)(ablate)
app.command(
    short_help="Train a GAN of points in the plane: seconds on a CPU.", epilog="Example: tfgan toy grid25 --loss hinge"
)(toy)
app.command(
    short_help="Write a run's report.html and MODEL_CARD.md.", epilog="Example: tfgan report artifacts/0001-mnist"
)(report)
app.command(
    short_help="Say whether a run is working, and if not, what to try.",
    epilog="Example: tfgan doctor artifacts/0001-mnist --plot doctor.png",
)(doctor)


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Train GANs with TensorFlow, and give their generators away as ONNX."""
    if version:
        print(f"tfgan-kit {__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


def run() -> None:
    """The console script: run the app; any error that a user can act on is one line on stderr and exit code 1."""
    # TensorFlow's start-up remarks would bury ours; whoever wants them sets the level.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # typer brings pydantic, which would look through every installed package for plugins of its own.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        code = app(standalone_mode=False)
    except (TfganKitError, typer.TyperException) as error:
        message = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        sys.exit(_fail(message))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(_fail("interrupted"))
    sys.exit(code or 0)


def _fail(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 1
