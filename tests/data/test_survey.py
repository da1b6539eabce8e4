import io
import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.data.prepare import prepare
from tfgan_kit.data.records import shard_file
from tfgan_kit.data.suggest import suggest
from tfgan_kit.data.survey import Survey, survey
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 30, 3), np.uint8)


def looked_at(data: str, **fields: object) -> Survey:
    return survey(Recipe(data=data, kimg=1, batch_size=1).replace(**fields))


@pytest.fixture
def folder(tmp_path):
    """Two classes of 8 and 9 pictures: two sizes, grey and see-through ones, a broken, a flat and two equal ones."""
    root = tmp_path / "set"
    for i, pixels in enumerate(PIXELS):
        path = root / "ab"[i % 2] / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    Image.fromarray(PIXELS[0]).save(root / "b" / "copy.bmp")
    Image.fromarray(PIXELS[1, :10, :10, 0]).save(root / "a" / "grey.png")
    Image.fromarray(np.full((20, 30, 3), 77, np.uint8)).save(root / "b" / "flat.png")
    Image.fromarray(PIXELS[2]).convert("RGBA").save(root / "b" / "rgba.png")
    (root / "a" / "broken.png").write_bytes(b"no")
    return root


def test_a_folder(folder):
    found = looked_at(f"folder:{folder}")
    assert found.images == 16
    assert found.sizes == {(20, 30): 15, (10, 10): 1}
    assert found.kinds == {"colour": 14, "grey": 1, "transparent": 1}
    assert found.broken == ("a/broken.png",)
    assert found.flat == ("b/flat.png",)
    assert found.duplicates == {"b/copy.bmp": "a/00.png", "b/rgba.png": "a/02.png"}
    assert found.classes == {"class": {"a": 7, "b": 9}}
    assert json.loads(json.dumps(found.to_json()))["sizes"] == {"20x30": 15, "10x10": 1}


def test_arrays(tmp_path):
    np.savez(tmp_path / "set.npz", images=PIXELS, labels=np.arange(12) % 3)
    found = looked_at(f"npz:{tmp_path / 'set.npz'}")
    assert (found.images, found.sizes, found.duplicates) == (12, {(20, 30): 12}, {})
    assert found.classes == {"class": {"0": 4, "1": 4, "2": 4}}
    assert looked_at(f"npz:{tmp_path / 'set.npz'}", conditional=False).classes == {}


def test_a_prepared_set_is_checked_to_the_last_byte(tmp_path):
    np.savez(tmp_path / "set.npz", images=PIXELS)
    prepare(Recipe(data=f"npz:{tmp_path / 'set.npz'}", kimg=1, batch_size=1), tmp_path / "set")
    assert looked_at(f"records:{tmp_path / 'set'}").images == 12
    file = shard_file(tmp_path / "set", 0)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged|cannot be read"):
        looked_at(f"records:{tmp_path / 'set'}")


def test_every_picture_is_counted_on_the_way(folder):
    seen = []
    survey(Recipe(data=f"folder:{folder}", kimg=1, batch_size=1), lambda *of: seen.append(of))
    assert seen[-1] == (17, 17)


@pytest.mark.parametrize(
    ("sizes", "resolution", "batch"),
    [
        ({(28, 28): 5000}, None, 64),
        ({(64, 64): 5000}, None, 32),
        ({(128, 96): 5000}, None, 32),
        ({(480, 640): 5000}, (256, 256), 8),
        ({(480, 640): 10, (100, 100): 4990}, (64, 64), 32),
        ({(20, 25): 3000, (20, 20): 2}, (32, 32), 64),
        ({(64, 64): 40}, None, 10),
    ],
)
def test_the_suggested_resolution_is_that_of_most_pictures(sizes, resolution, batch):
    made = suggest(Survey(spec="here", images=sum(sizes.values()), sizes=Counter(sizes)))
    assert made.fields.get("resolution") == resolution
    assert made.fields["batch_size"] == batch
    # It is a legal recipe.
    Recipe(**made.fields)


@pytest.mark.parametrize(("images", "augment"), [(100, "diffaugment"), (10_000, "ada"), (60_000, "none")])
def test_the_suggested_augmentation_is_that_of_the_number_of_pictures(images, augment):
    made = suggest(Survey(spec="here", images=images, sizes=Counter({(32, 32): images})))
    assert made.fields["augment"] == augment
    assert any(f"{images:,} pictures" in reason for reason in made.reasons)


def test_no_picture(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    found = looked_at(f"folder:{tmp_path}")
    assert (found.images, found.broken) == (0, ("a.png",))
    with pytest.raises(DataError, match="none of its 1 pictures can be read"):
        suggest(found)


def test_a_floating_point_picture_is_broken(tmp_path):
    file = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.float32)).save(file, "TIFF")
    (tmp_path / "a.tiff").write_bytes(file.getvalue())
    assert looked_at(f"folder:{tmp_path}").broken == ("a.tiff",)
