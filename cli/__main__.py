"""`python -m tfgan_kit.cli` is `tfgan`."""

from tfgan_kit.cli.main import run

run()
