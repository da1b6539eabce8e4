"""Makes the bundled MNIST from the IDX files as distributed: `python -m tfgan_kit.data.bundle_mnist IDX_FOLDER`.

What it wrote it reads back and compares with the originals, byte by byte, before it says so.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np

from tfgan_kit.data.arrays import find_idx, read_idx
from tfgan_kit.data.mnist import FOLDER, encode, load_mnist

_IDX_NAMES = {"train": "train", "test": "t10k"}
_EPOCH = (1998, 11, 1, 0, 0, 0)  # a fixed time stamp: the same input gives the same bytes


def bundle(idx_folder: Path) -> None:
    """Write `train.zip` and `test.zip` beside the package's code.

    Args:
        idx_folder: holds train- and t10k-, images-idx3-ubyte and labels-idx1-ubyte, gzipped or not.

    Raises:
        DataError: a file is missing or is not IDX.
        ValueError: what was written does not decode to what was read.
    """
    for split, prefix in _IDX_NAMES.items():
        images = read_idx(find_idx(idx_folder, f"{prefix}-images-idx3-ubyte"))
        labels = read_idx(find_idx(idx_folder, f"{prefix}-labels-idx1-ubyte"))
        path = FOLDER / f"{split}.zip"
        members = encode(images, labels)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
            for name in sorted(members, key=lambda name: -members[name].size):
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.compress_type = zipfile.ZIP_LZMA
                archive.writestr(entry, members[name].tobytes())
        decoded, decoded_labels = load_mnist(split)
        if not (np.array_equal(decoded[..., 0], images) and np.array_equal(decoded_labels, labels)):
            raise ValueError(f"{path.name} does not decode to the original {split} images and labels")
        print(f"{path.name}: {len(images):,} images, {path.stat().st_size:,} bytes, equal to the originals")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m tfgan_kit.data.bundle_mnist IDX_FOLDER")
    bundle(Path(sys.argv[1]))
