"""A page that runs a generator in the visitor's browser: its files, its numbers, and a server for this machine."""

from tfgan_kit.export.web.directions import Directions, leading_directions
from tfgan_kit.export.web.folder import Demo, write_demo
from tfgan_kit.export.web.server import serving

__all__ = ["Demo", "Directions", "leading_directions", "serving", "write_demo"]
