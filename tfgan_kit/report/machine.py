"""What a report is made with: packages, system and processor."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

from tfgan_kit._version import __version__

_PACKAGES = ("tensorflow", "keras", "numpy", "onnxruntime", "onnxruntime-gpu")
_CPUINFO = Path("/proc/cpuinfo")


def versions() -> dict[str, str]:
    """Versions of tfgan-kit, Python, and of the packages that are installed, without importing one."""
    found = {"tfgan-kit": __version__, "Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """System and processor in words."""
    return {
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "processor": f"{_processor()}, {os.cpu_count()} logical cores",
    }


def _processor() -> str:
    lines = _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines() if _CPUINFO.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(iter(named), "") or platform.processor() or platform.machine()
