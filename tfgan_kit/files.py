"""Files that are whole or not there, whatever kill or full disk comes between; and the user's cache folder."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

TEMPORARY = ".tmp-"


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Make `path` by `write(temporary)`, then put it in place of what is there."""
    temporary = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}-{path.name}")
    try:
        write(temporary)
        fsync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync(path.parent)


def write_json(path: Path, content: Any) -> None:
    """Write `content` as indented JSON, atomically."""
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    write_atomic(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def cache_folder() -> Path:
    """Where what can be made again is kept: $TFGAN_CACHE, or tfgan-kit in the user's cache folder."""
    own = os.environ.get("TFGAN_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfgan-kit"


def fsync(path: Path) -> None:
    """Have the system write a file or folder to the disk."""
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders; its renames are journalled.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_free(folder: Path, lock: str) -> bool:
    """Whether nothing is in `folder` but its lock and what a killed writer left."""
    return all(path.name == lock or path.name.startswith(TEMPORARY) for path in folder.iterdir())


def remove_temporaries(folder: Path) -> None:
    """Delete what a killed writer left in `folder`."""
    for leftover in folder.glob(f"{TEMPORARY}*"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
