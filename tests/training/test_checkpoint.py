import errno
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from tfgan_kit.errors import CheckpointError
from tfgan_kit.training import checkpoint


def state(value: float) -> dict[str, np.ndarray]:
    return {"G/start/kernel": np.full((3, 2), value, np.float32), "step": np.array(int(value), np.int64)}


def save(folder: Path, step: int, *, keep: int = 2, finished: bool = False) -> Path:
    return checkpoint.save(folder, state(step), step=step, nimg=step * 8, finished=finished, keep=keep)


def test_what_is_saved_is_loaded(tmp_path):
    save(tmp_path, 5, finished=True)
    manifest, arrays, refused = checkpoint.load_newest(tmp_path)
    assert (manifest.step, manifest.nimg, manifest.finished, refused) == (5, 40, True, [])
    assert arrays.keys() == state(5).keys()
    for name, array in state(5).items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_the_newest_are_kept(tmp_path):
    for step in (1, 2, 3, 10):
        save(tmp_path, step, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000003", "step-00000010"]


def test_no_checkpoint_is_none(tmp_path):
    assert checkpoint.load_newest(tmp_path / "nothing") is None
    assert checkpoint.newest_manifest(tmp_path) is None


@pytest.mark.parametrize("damage", ["flip", "truncate", "manifest", "missing", "format"])
def test_a_damaged_newest_is_refused_and_the_one_before_used(tmp_path, damage):
    save(tmp_path, 1)
    newest = save(tmp_path, 2)
    archive, manifest = newest / "state.npz", newest / "manifest.json"
    if damage == "flip":
        content = bytearray(archive.read_bytes())
        content[len(content) // 2] ^= 1
        archive.write_bytes(bytes(content))
    elif damage == "truncate":
        archive.write_bytes(archive.read_bytes()[:-10])
    elif damage == "manifest":
        manifest.write_text("{")
    elif damage == "missing":
        archive.unlink()
    else:
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    used, arrays, refused = checkpoint.load_newest(tmp_path)
    assert used.step == 1
    assert arrays["step"] == 1
    assert len(refused) == 1
    assert "step-00000002" in refused[0]


def test_only_damaged_checkpoints_are_an_error(tmp_path):
    (save(tmp_path, 1) / "state.npz").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"step-00000001.*start again"):
        checkpoint.load_newest(tmp_path)


def test_a_full_disk_leaves_the_older_checkpoints_and_no_half(tmp_path, monkeypatch):
    save(tmp_path, 1)

    def full_disk(file, **arrays):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint.np, "savez", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]
    assert checkpoint.load_newest(tmp_path)[0].step == 1


def test_later_checkpoints_can_be_removed(tmp_path):
    for step in (1, 2, 3):
        save(tmp_path, step, keep=3)
    checkpoint.remove_after(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["step-00000001"]


def test_pickled_arrays_are_not_loaded(tmp_path):
    place = save(tmp_path, 1)
    with (place / "state.npz").open("wb") as file:
        np.savez(file, step=np.array([{"a": 1}], dtype=object))
    content = (place / "state.npz").read_bytes()
    fields = json.loads((place / "manifest.json").read_text())
    fields |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (place / "manifest.json").write_text(json.dumps(fields))
    with pytest.raises(CheckpointError, match="allow_pickle"):
        checkpoint.load_newest(tmp_path)
