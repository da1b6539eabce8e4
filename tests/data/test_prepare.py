import hashlib
import json
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.data import open_source
from tfgan_kit.data import prepare as module
from tfgan_kit.data.prepare import prepare, verify
from tfgan_kit.data.records import shard_file
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

PIXELS = np.random.default_rng(0).integers(0, 256, (60, 8, 10, 3), np.uint8)


def recipe(data: str, **fields: object) -> Recipe:
    return Recipe(data=data, kimg=1, batch_size=1).replace(**fields)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """60 pictures in two class folders, in the order of PIXELS."""
    for i, pixels in enumerate(PIXELS):
        path = tmp_path / "pictures" / ("cat" if i < 40 else "dog") / f"{i:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "pictures"


def content(folder: Path) -> dict[str, str]:
    """What the files of a set hold, but the lock."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.name != ".lock"
    }


def test_a_prepared_folder_has_its_pictures_and_labels(pictures, tmp_path):
    seen = []
    made = prepare(
        recipe(f"folder:{pictures}"), tmp_path / "set", per_shard=16, on_progress=lambda *of: seen.append(of)
    )
    assert (made.images, made.index.records, made.notes) == (60, (16, 16, 16, 12), ())
    assert max(seen) == (60, 60)
    source = open_source(recipe(f"records:{tmp_path / 'set'}"))
    direct = open_source(recipe(f"folder:{pictures}"))
    assert (len(source), source.shape, source.attributes) == (60, (8, 10, 3), {"class": ("cat", "dog")})
    assert source.shards == (16, 16, 16, 12)
    np.testing.assert_array_equal(source.labels, direct.labels)
    order = np.random.default_rng(1).permutation(60)
    np.testing.assert_array_equal(source.read(order), PIXELS[order])
    np.testing.assert_allclose(made.index.mean, PIXELS.mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(made.index.deviation, PIXELS.std(axis=(0, 1, 2)))
    verify(tmp_path / "set")


def test_the_digest_does_not_depend_on_shards_or_files(pictures, tmp_path):
    np.savez(tmp_path / "set.npz", images=PIXELS, labels=np.repeat(["cat", "dog"], [40, 20]))
    digests = {
        prepare(recipe(data), tmp_path / f"{i}", per_shard=size).index.digest
        for i, (data, size) in enumerate(
            [(f"folder:{pictures}", 16), (f"folder:{pictures}", 60), (f"npz:{tmp_path / 'set.npz'}", 7)]
        )
    }
    assert len(digests) == 1
    other = prepare(recipe(f"folder:{pictures}", conditional=False), tmp_path / "unlabelled")
    assert other.index.digest not in digests


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_read_what_threads_wrote(tmp_path, workers):
    np.savez(tmp_path / "set.npz", images=PIXELS)
    prepare(recipe(f"npz:{tmp_path / 'set.npz'}"), tmp_path / "set", per_shard=7, workers=workers)
    source = open_source(recipe(f"records:{tmp_path / 'set'}"))
    orders = [np.random.default_rng(seed).integers(0, 60, 30) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for order, images in zip(orders, pool.map(source.read, orders), strict=True):
            np.testing.assert_array_equal(images, PIXELS[order])


def test_broken_pictures_are_left_out_with_their_labels(pictures, tmp_path):
    for i in range(60, 300):
        Image.fromarray(PIXELS[i % 60]).save(pictures / "dog" / f"{i:03}.png")
    (pictures / "cat" / "010.png").write_bytes(b"no picture")
    made = prepare(recipe(f"folder:{pictures}", resolution=(8, 10)), tmp_path / "set", per_shard=64)
    assert (made.images, made.index.broken, made.notes) == (299, 1, ("left out 1 broken pictures",))
    source = open_source(recipe(f"records:{tmp_path / 'set'}"))
    assert np.bincount(source.labels[:, 0]).tolist() == [39, 260]
    np.testing.assert_array_equal(source.read(np.arange(9, 11)), PIXELS[[9, 11]])
    for i in range(11, 14):
        (pictures / "cat" / f"{i:03}.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"4 of 300 pictures are broken, more than 1 %"):
        prepare(recipe(f"folder:{pictures}", resolution=(8, 10)), tmp_path / "other", per_shard=64)
    assert not (tmp_path / "other" / "index.json").exists()


def test_equal_pictures_are_left_out_if_asked(tmp_path):
    images, labels = np.concatenate([PIXELS[:20], PIXELS[5:15], PIXELS[20:]]), np.arange(70)
    np.savez(tmp_path / "set.npz", images=images, labels=labels)
    data = f"npz:{tmp_path / 'set.npz'}"
    made = prepare(recipe(data), tmp_path / "set", per_shard=16, deduplicate=True)
    assert (made.images, made.index.duplicates) == (60, 10)
    source = open_source(recipe(f"records:{tmp_path / 'set'}"))
    np.testing.assert_array_equal(source.read(np.arange(60)), PIXELS)
    np.testing.assert_array_equal(source.labels[:, 0], [*range(20), *range(30, 70)])
    # Of 16 records each, those that are left: 20 to 29 are gone.
    assert source.shards == (16, 4 + 2, 16, 16, 6)
    assert prepare(recipe(data), tmp_path / "all", per_shard=16).images == 70


def test_a_failed_preparation_goes_on_and_ends_alike(pictures, tmp_path, monkeypatch):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    prepare(recipe(f"folder:{pictures}"), whole, per_shard=8, workers=2)
    written = []

    def failing(material, numbers, file, finished, stopped):
        if len(written) == 4:
            raise OSError(28, "No space left on device", str(file))
        written.append(file)
        return write_shard(material, numbers, file, finished, stopped)

    write_shard = module.write_shard
    with monkeypatch.context() as patch:
        patch.setattr(module, "write_shard", failing)
        with pytest.raises(DataError, match="No space left on device"):
            prepare(recipe(f"folder:{pictures}"), broken, per_shard=8, workers=1)
    with pytest.raises(DataError, match="not prepared to its end"):
        open_source(recipe(f"records:{broken}"))
    # A shard that a crash of the machine cut is written again.
    shard_file(broken, 1).write_bytes(shard_file(broken, 1).read_bytes()[:-1])
    again = []
    monkeypatch.setattr(module, "write_shard", lambda *of: again.append(of[2].name) or write_shard(*of))
    prepare(recipe(f"folder:{pictures}"), broken, per_shard=8, workers=2)
    assert sorted(again) == [f"shard-{number:05}.arrayrecord" for number in (1, 4, 5, 6, 7)]
    assert content(broken) == content(whole)


def test_a_killed_preparation_goes_on_and_ends_alike(pictures, tmp_path):
    code = f"""
from pathlib import Path
import time
from tfgan_kit.data import shards, prepare as module
from tfgan_kit.recipe import Recipe
write = shards.write_shard
def slow(*of):
    time.sleep(0.05)
    return write(*of)
module.write_shard = slow
module.prepare(Recipe(data="folder:{pictures}", kimg=1, batch_size=1), Path(r"{tmp_path / "set"}"), per_shard=4)
"""
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", code])
        shards = len(list((tmp_path / "set").glob("shard-*.json")))
        while len(list((tmp_path / "set").glob("shard-*.json"))) < shards + 2 and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        process.wait()
    assert not (tmp_path / "set" / "index.json").exists()
    prepare(recipe(f"folder:{pictures}"), tmp_path / "set", per_shard=4)
    prepare(recipe(f"folder:{pictures}"), tmp_path / "whole", per_shard=4)
    assert content(tmp_path / "set") == content(tmp_path / "whole")


def test_what_was_broken_and_is_repaired_is_taken(pictures, tmp_path):
    for i in range(60, 300):
        Image.fromarray(PIXELS[i % 60]).save(pictures / "dog" / f"{i:03}.png")
    broken = [pictures / f"{'cat' if i < 40 else 'dog'}/{i:03}.png" for i in (1, 80, 160, 299)]
    whole = [path.read_bytes() for path in broken]
    for path in broken:
        path.write_bytes(b"")
    data = recipe(f"folder:{pictures}", resolution=(8, 10))
    # The shards that are whole when the fourth is met lack a picture each, and are kept.
    with pytest.raises(DataError, match="4 of 300 pictures are broken"):
        prepare(data, tmp_path / "set", per_shard=75, workers=1)
    assert [shard_file(tmp_path / "set", number).is_file() for number in range(4)] == [True, True, True, False]
    for path, content_ in zip(broken, whole, strict=True):
        path.write_bytes(content_)
    assert prepare(data, tmp_path / "set", per_shard=75).images == 300
    prepare(data, tmp_path / "other", per_shard=75)
    assert content(tmp_path / "set") == content(tmp_path / "other")


@pytest.mark.parametrize("damage", ["shard-00001.arrayrecord", "index.json", "labels.npy"])
def test_a_finished_set_that_is_damaged_is_made_whole(pictures, tmp_path, damage):
    data = recipe(f"folder:{pictures}")
    prepare(data, tmp_path / "set", per_shard=16)
    before = content(tmp_path / "set")
    (tmp_path / "set" / damage).write_bytes(b"{")
    prepare(data, tmp_path / "set", per_shard=16)
    assert content(tmp_path / "set") == before


def test_a_shard_may_have_no_picture(pictures, tmp_path):
    for i in range(60, 201):
        Image.fromarray(PIXELS[i % 60]).save(pictures / "dog" / f"{i:03}.png")
    (pictures / "dog" / "200.png").write_bytes(b"")
    data = recipe(f"folder:{pictures}", resolution=(8, 10))
    assert prepare(data, tmp_path / "set", per_shard=50).index.records == (50, 50, 50, 50, 0)
    source = open_source(recipe(f"records:{tmp_path / 'set'}"))
    assert source.shards == (50, 50, 50, 50)
    np.testing.assert_array_equal(source.read(np.array([0, 199])), PIXELS[[0, 199 % 60]])


def test_once_finished_nothing_is_written_again(pictures, tmp_path):
    prepare(recipe(f"folder:{pictures}"), tmp_path / "set", per_shard=16)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "set").glob("*.*")}
    assert prepare(recipe(f"folder:{pictures}"), tmp_path / "set", per_shard=16).images == 60
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "set").glob("*.*")} == before


def test_a_folder_of_something_else_is_refused(pictures, tmp_path):
    data = recipe(f"folder:{pictures}")
    prepare(data, tmp_path / "set", per_shard=16)
    with pytest.raises(DataError, match=r"another preparation \(per_shard 16, not 32\)"):
        prepare(data, tmp_path / "set", per_shard=32)
    with pytest.raises(DataError, match=r"shape \[8, 10, 3\], not \[4, 4, 3\]"):
        prepare(data.replace(resolution=(4, 4)), tmp_path / "set", per_shard=16)
    with pytest.raises(DataError, match="holds other files"):
        prepare(data, pictures)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="is a file"):
        prepare(data, tmp_path / "file")
    with pytest.raises(DataError, match="prepared already"):
        prepare(recipe(f"records:{tmp_path / 'set'}"), tmp_path / "again")
    for wrong in ({"workers": 0}, {"per_shard": 0}):
        with pytest.raises(DataError, match="at least 1"):
            prepare(data, tmp_path / "other", **wrong)
    assert not (tmp_path / "other").exists()


def test_two_at_once_are_refused(pictures, tmp_path):
    def second(done: int, total: int) -> None:
        with pytest.raises(DataError, match="by another process"):
            prepare(recipe(f"folder:{pictures}"), tmp_path / "set")

    prepare(recipe(f"folder:{pictures}"), tmp_path / "set", on_progress=second)


def test_a_zip_is_prepared(tmp_path, pictures):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted(pictures.rglob("*.png")):
            archive.write(path, path.relative_to(pictures).as_posix())
    one = prepare(recipe(f"folder:{tmp_path / 'set.zip'}"), tmp_path / "one")
    assert one.index.digest == prepare(recipe(f"folder:{pictures}"), tmp_path / "two").index.digest


def test_a_flipped_byte_is_found(pictures, tmp_path):
    prepare(recipe(f"folder:{pictures}"), tmp_path / "set", per_shard=16)
    file = shard_file(tmp_path / "set", 2)
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 4
    file.write_bytes(damaged)
    with pytest.raises(DataError, match=r"cannot be read|damaged"):
        verify(tmp_path / "set")


def test_the_plan_is_readable(pictures, tmp_path):
    prepare(recipe(f"folder:{pictures}"), tmp_path / "set")
    assert json.loads((tmp_path / "set" / "plan.json").read_text())["images"] == 60


def test_a_folder_whose_first_file_was_half_written_is_free(pictures, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / ".tmp-0123-plan.json").write_text("{")
    prepare(recipe(f"folder:{pictures}"), tmp_path / "set")
    assert not list((tmp_path / "set").glob(".tmp-*"))
