import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfgan_kit.data import mnist, open_source
from tfgan_kit.data.mnist import decode, encode, load_mnist
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

# sha256 of the arrays in the original IDX files.
HASHES = {
    "train": (
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
        "ba2e26c82ab7a46fbcd5ec6de8eee4d541cf3829f5050669177da23b515defeb",
    ),
    "test": (
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
        "52aa149c856ca033d02e1d2e5cc61033b4c56ed4a56f0edc328206a178c42126",
    ),
}


@pytest.mark.parametrize(("split", "count"), [("train", 60_000), ("test", 10_000)])
def test_digits_are_the_originals(split: str, count: int) -> None:
    images, labels = load_mnist(split)
    assert images.shape == (count, 28, 28, 1)
    assert images.dtype == np.uint8
    assert labels.shape == (count,)
    assert labels.dtype == np.int32
    assert (hashlib.sha256(images).hexdigest(), hashlib.sha256(labels).hexdigest()) == HASHES[split]


def test_all_is_train_then_test() -> None:
    images, labels = load_mnist("all")
    assert len(images) == len(labels) == 70_000
    test_images, test_labels = load_mnist("test")
    np.testing.assert_array_equal(images[60_000:], test_images)
    np.testing.assert_array_equal(labels[60_000:], test_labels)


def test_files_take_at_most_9_mb_and_state_the_licence() -> None:
    assert sum(path.stat().st_size for path in mnist.FOLDER.iterdir()) <= 9_000_000
    readme = (mnist.FOLDER / "README.md").read_text()
    assert "Attribution-ShareAlike 3.0" in readme


def test_the_code_keeps_any_picture() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (1030, 28, 28), np.uint8) * rng.integers(0, 2, (1030, 28, 28), np.uint8)
    images[3], images[4] = 0, 255
    labels = rng.integers(0, 10, 1030, np.uint8)
    np.testing.assert_array_equal(decode(encode(images, labels))[..., 0], images)


def test_source_of_the_test_split() -> None:
    source = open_source(Recipe(data="mnist:test", kimg=1))
    assert (len(source), source.shape, source.spec) == (10_000, (28, 28, 1), "mnist:test")
    assert source.attributes == {"class": tuple("0123456789")}
    assert source.labels is not None
    assert source.labels.shape == (10_000, 1)
    assert source.labels[:5, 0].tolist() == [7, 2, 1, 0, 4]
    assert source.read(np.array([5, 0])).shape == (2, 28, 28, 1)
    unlabelled = open_source(Recipe(data="mnist:test", kimg=1, conditional=False))
    assert unlabelled.labels is None
    assert unlabelled.attributes == {}
    assert unlabelled.digest != source.digest


def test_unknown_split() -> None:
    with pytest.raises(DataError, match="mnist has no split 'valid'; legal: train, test, all"):
        open_source(Recipe(data="mnist:valid", kimg=1))


def test_damaged_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test.zip").write_bytes((mnist.FOLDER / "test.zip").read_bytes()[:-100])
    monkeypatch.setattr(mnist, "FOLDER", tmp_path)
    with pytest.raises(DataError, match="install tfgan-kit again"):
        load_mnist("test")


def test_sources_need_no_tensorflow() -> None:
    code = "import sys, tfgan_kit.data.registry, tfgan_kit.data.mnist; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
