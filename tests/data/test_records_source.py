import json
from pathlib import Path

import numpy as np
import pytest

from tfgan_kit.data import open_feed, open_source
from tfgan_kit.data.prepare import prepare
from tfgan_kit.data.records import shard_file
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savez(tmp_path / "set.npz", images=PIXELS, labels=np.arange(40) % 4)
    prepare(Recipe(data=f"npz:{tmp_path / 'set.npz'}", kimg=1, batch_size=1), tmp_path / "set", per_shard=16)
    return tmp_path / "set"


def opened(folder: Path, **fields: object):
    return open_source(Recipe(data=f"records:{folder}", kimg=1, batch_size=8).replace(**fields))


def test_labels_are_left_out_if_asked(folder):
    source = opened(folder, conditional=False)
    assert (source.labels, source.attributes) == (None, {})
    assert opened(folder, conditional=True).attributes == {"class": ("0", "1", "2", "3")}


def test_a_stream_has_the_bits_of_memory(folder):
    import tensorflow as tf

    feeds = [
        open_feed(opened(folder), batch=8, seed=1, mirror=True, memory_mb=memory, start_step=0) for memory in (0, 1)
    ]
    assert [feed.in_memory for feed in feeds] == [False, True]
    for step in range(12):
        (streamed, c), (held, c_held) = (feed(tf.constant(step, tf.int64)) for feed in feeds)
        np.testing.assert_array_equal(streamed, held)
        np.testing.assert_array_equal(c, c_held)


def test_more_shards_than_are_kept_open(folder, monkeypatch):
    monkeypatch.setattr("tfgan_kit.data.records._OPEN", 1)
    np.testing.assert_array_equal(opened(folder).read(np.arange(40)[::-1]), PIXELS[::-1])


@pytest.mark.parametrize("fields", [{"resolution": (8, 8)}, {"channels": 3}])
def test_another_resolution_is_refused(folder, fields):
    with pytest.raises(DataError, match="prepared as 4x4x1"):
        opened(folder, **fields)
    assert opened(folder, resolution=(4, 4), channels=1).shape == (4, 4, 1)


def test_a_folder_that_is_none(tmp_path):
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(DataError, match="no prepared set"):
            opened(folder)


def test_a_shard_that_is_missing_or_cut(folder):
    content = shard_file(folder, 1).read_bytes()
    shard_file(folder, 1).write_bytes(content[:-5])
    with pytest.raises(DataError, match=r"shard-00001.*missing or not whole"):
        opened(folder)
    shard_file(folder, 1).unlink()
    with pytest.raises(DataError, match=r"shard-00001.*missing or not whole"):
        opened(folder)


def test_a_shard_that_goes_away_later(folder):
    source = opened(folder)
    shard_file(folder, 2).unlink()
    np.testing.assert_array_equal(source.read(np.arange(3)), PIXELS[:3])
    with pytest.raises(DataError, match=r"shard-00002.*cannot be read"):
        source.read(np.array([39]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 2"),
        ({"records": [16, 16]}, "damaged"),
        ({"records": [16, -1, 8]}, "damaged"),
        ({"records": "many"}, "damaged"),
        ({"shape": [4, 4]}, "damaged"),
        ({"shape": [4, 4, 0]}, "damaged"),
        ({"shape": [8, 8, 1]}, "damaged"),
        ({"attributes": 3}, "damaged"),
        ({"attributes": {"class": ["0"]}}, "damaged"),
        ({"extra": 1}, "damaged"),
        ({"digest": None}, "damaged"),
    ],
)
def test_a_wild_index(folder, change, message):
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | change))
    with pytest.raises(DataError, match=message):
        opened(folder).read(np.arange(40))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff"])
def test_an_index_that_is_no_json(folder, content):
    (folder / "index.json").write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        opened(folder)


@pytest.mark.parametrize(
    "labels", [b"nothing", np.zeros((39, 1), np.int32), np.zeros((40, 1)), np.full((40, 1), 4, np.int32)]
)
def test_wrong_labels(folder, labels):
    if isinstance(labels, bytes):
        (folder / "labels.npy").write_bytes(labels)
    else:
        np.save(folder / "labels.npy", labels)
    with pytest.raises(DataError, match=r"labels\.npy.*damaged"):
        opened(folder)


@pytest.mark.parametrize("rows", [[], [0, 0], [5, 3], [-1, 2], [0, 40]])
def test_wrong_rows(folder, rows):
    np.save(folder / "rows.npy", np.array(rows, np.int64))
    np.save(folder / "labels.npy", np.zeros((len(rows), 1), np.int32))
    with pytest.raises(DataError, match=r"rows\.npy is damaged"):
        opened(folder)
