import gzip
from pathlib import Path

import numpy as np
import pytest

from tfgan_kit.data import open_source
from tfgan_kit.data.source import Source
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 6, 8), np.uint8)


def opened(spec: str, **fields: object) -> Source:
    return open_source(Recipe(data=spec, kimg=1, batch_size=4).replace(**fields))


def saved(tmp_path: Path, **arrays: np.ndarray) -> str:
    np.savez(tmp_path / "set.npz", **arrays)  # type: ignore[arg-type]
    return f"npz:{tmp_path / 'set.npz'}"


def write_idx(path: Path, values: np.ndarray) -> None:
    content = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.mark.parametrize("key", ["images", "x", "x_train", "arr_0"])
def test_npz_names_and_shapes(tmp_path: Path, key: str) -> None:
    source = opened(saved(tmp_path, **{key: IMAGES}))
    assert (len(source), source.shape, source.labels, source.attributes) == (20, (6, 8, 1), None, {})
    np.testing.assert_array_equal(source.read(np.array([3, 1]))[..., 0], IMAGES[[3, 1]])


def test_npz_resizes_and_sets_channels(tmp_path: Path) -> None:
    spec = saved(tmp_path, images=np.stack([IMAGES] * 4, axis=3))
    assert opened(spec).shape == (6, 8, 3)
    assert opened(spec, resolution=(12, 5), channels=1, fit="pad").shape == (12, 5, 1)


@pytest.mark.parametrize(
    ("values", "names", "labels"),
    [
        (np.arange(20) % 3, ("0", "1", "2"), [0, 1, 2, 0]),
        ((np.arange(20) % 3 * 5)[:, None].astype(np.uint8), ("0", "5", "10"), [0, 1, 2, 0]),
        (np.array(["dog", "cat"] * 10), ("cat", "dog"), [1, 0, 1, 0]),
        (np.array([b"dog", b"cat"] * 10), ("cat", "dog"), [1, 0, 1, 0]),
    ],
)
def test_npz_labels(tmp_path: Path, values: np.ndarray, names: tuple[str, ...], labels: list[int]) -> None:
    source = opened(saved(tmp_path, x=IMAGES, y=values), conditional=True)
    assert source.attributes == {"class": names}
    assert source.labels is not None
    assert (source.labels.shape, source.labels.dtype) == ((20, 1), np.int32)
    assert source.labels[:4, 0].tolist() == labels


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pictures": IMAGES}, "has no images: arrays found: pictures; legal: images, x, x_train, arr_0"),
        ({"images": IMAGES / 255}, "is float64; images must be uint8 with values 0 to 255"),
        ({"images": IMAGES[0]}, r"has shape \(6, 8\)"),
        ({"images": np.zeros((9, 3, 32, 32), np.uint8)}, r"has shape \(9, 3, 32, 32\)"),
        ({"images": IMAGES, "labels": np.zeros(19, int)}, "20 pictures and 19 labels"),
        ({"images": IMAGES, "labels": np.zeros((20, 10), int)}, r"int64 of shape \(20, 10\)"),
        ({"images": IMAGES, "labels": np.zeros(20)}, "are float64"),
        ({"images": np.array([None] * 20)}, "is no whole .npz of plain arrays"),
    ],
)
def test_npz_refused(tmp_path: Path, arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(saved(tmp_path, **arrays))


def test_npz_files_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no file"):
        opened(f"npz:{tmp_path / 'absent.npz'}")
    with pytest.raises(DataError, match=r"there is no file"):
        opened("npz:")
    path = tmp_path / "single.npz"
    with path.open("wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(DataError, match=r"holds a single array"):
        opened(f"npz:{path}")
    path.write_bytes(b"PK\3\4 and then nothing")
    with pytest.raises(DataError, match=r"is no whole .npz"):
        opened(f"npz:{path}")


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_folder_file_and_labels(tmp_path: Path, suffix: str) -> None:
    write_idx(tmp_path / f"train-images-idx3-ubyte{suffix}", IMAGES)
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.arange(20, dtype=np.uint8) % 5)
    write_idx(tmp_path / f"t10k-images-idx3-ubyte{suffix}", IMAGES[:8])
    source = opened(f"idx:{tmp_path}")
    assert (len(source), source.shape, source.attributes) == (20, (6, 8, 1), {"class": tuple("01234")})
    np.testing.assert_array_equal(source.read(np.arange(20))[..., 0], IMAGES)
    held_out = opened(f"idx:{tmp_path / f't10k-images-idx3-ubyte{suffix}'}")
    assert (len(held_out), held_out.labels) == (8, None)
    with pytest.raises(DataError, match=r"has no labels and conditional is true"):
        opened(held_out.spec, conditional=True)


def test_idx_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no train-images-idx3-ubyte"):
        opened(f"idx:{tmp_path}")
    path = tmp_path / "images"
    with pytest.raises(DataError, match=r"there is no file"):
        opened(f"idx:{path}")
    path.write_bytes(b"GIF89a....")
    with pytest.raises(DataError, match=r"is not an IDX file of unsigned bytes"):
        opened(f"idx:{path}")
    write_idx(path, IMAGES)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"is damaged: its header says \(20, 6, 8\) bytes and 959 follow"):
        opened(f"idx:{path}")
    path.write_bytes(gzip.compress(path.read_bytes())[:-20])
    with pytest.raises(DataError, match=r"cannot be read"):
        opened(f"idx:{path}")


def test_unknown_scheme_and_small_sets(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"did you mean 'folder'. legal: folder, idx, mnist, npz, records, "):
        opened("foldr:here")
    with pytest.raises(DataError, match=rf"does not say of what kind it is: give folder:{tmp_path}"):
        opened(str(tmp_path))
    path = saved(tmp_path, images=IMAGES).removeprefix("npz:")
    with pytest.raises(DataError, match=f"give npz:{path}"):
        opened(path)
    with pytest.raises(DataError, match=r"has 20 images, fewer than a batch of 21"):
        opened(saved(tmp_path, images=IMAGES), batch_size=21)


def test_digest_is_of_the_content(tmp_path: Path) -> None:
    labels = np.arange(20) % 2
    first = opened(saved(tmp_path, images=IMAGES, labels=labels)).digest
    assert len(bytes.fromhex(first)) == 8
    assert opened(saved(tmp_path, x=IMAGES, y=labels)).digest == first
    assert opened(saved(tmp_path, images=IMAGES, labels=1 - labels)).digest != first
    changed = IMAGES.copy()
    changed[-1, -1, -1] ^= 1
    assert opened(saved(tmp_path, images=changed, labels=labels)).digest != first
    assert opened(saved(tmp_path, images=IMAGES.reshape(20, 8, 6), labels=labels)).digest != first
