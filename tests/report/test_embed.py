import base64
import io

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.errors import DataError
from tfgan_kit.pictures import save_gif
from tfgan_kit.report.embed import embed, embed_animation, embed_file


def noise(width, height, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8))


def decoded(embedded):
    head, _, content = embedded.uri.partition(",")
    content = base64.b64decode(content, validate=True)
    with Image.open(io.BytesIO(content)) as picture:
        picture.load()
        return head, content, picture


@pytest.fixture
def previews(tmp_path):
    files = [tmp_path / f"step-{i}.png" for i in range(5)]
    for i, file in enumerate(files):
        noise(100, 82, i).save(file)
    return files


def test_a_small_picture_is_kept_to_the_pixel_and_shown_larger():
    picture = noise(60, 40)
    found = embed(picture, 100_000)
    head, _, read = decoded(found)
    assert head == "data:image/png;base64"
    assert np.array_equal(np.asarray(read), np.asarray(picture))
    assert (found.width, found.height, found.enlarged, found.note) == (240, 160, True, "")


def test_a_larger_one_is_shown_as_it_is():
    found = embed(noise(600, 20), 100_000)
    assert (found.width, found.height, found.enlarged) == (600, 20, False)


def test_what_is_too_large_becomes_a_jpeg():
    found = embed(noise(100, 100), 28_000)
    head, content, read = decoded(found)
    assert head == "data:image/jpeg;base64"
    assert len(content) <= 28_000
    assert read.size == (100, 100)
    assert found.note == "Compressed as JPEG."


def test_what_is_still_too_large_is_made_smaller_and_it_is_said():
    found = embed(noise(200, 100), 6_000)
    _, content, read = decoded(found)
    assert len(content) <= 6_000
    assert read.width < 200
    assert read.width / read.height == pytest.approx(2, rel=0.05)
    assert found.note == f"Compressed as JPEG, at {read.width}x{read.height} px of 200x100."


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_any_file_of_pictures_is_embedded(tmp_path, mode):
    noise(20, 10).convert(mode).save(tmp_path / "x.png")
    assert decoded(embed_file(tmp_path / "x.png", 10_000))[2].size == (20, 10)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n half", b"<svg/>"])
def test_a_file_of_something_else_is_said(tmp_path, content):
    (tmp_path / "x.png").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.png cannot be read"):
        embed_file(tmp_path / "x.png", 1000)


def test_an_animation_that_is_small_enough_is_taken_as_it_is(tmp_path, previews):
    save_gif(previews, tmp_path / "progress.gif")
    found = embed_animation(tmp_path / "progress.gif", previews, 42, 10**6)
    assert decoded(found)[:2] == ("data:image/gif;base64", (tmp_path / "progress.gif").read_bytes())
    assert found.note == ""


@pytest.mark.parametrize("there", [True, False])
def test_a_large_one_is_made_of_fewer_rows(tmp_path, previews, there):
    made = tmp_path / "progress.gif"
    if there:
        save_gif(previews, made)
    found = embed_animation(made, previews, 42, 45_000)
    _, content, read = decoded(found)
    assert len(content) <= 45_000
    assert (read.size, read.n_frames) == ((100, 42), 5)
    assert found.note == "Shown: the first 1 row."


def test_a_run_that_trains_has_an_animation_of_all_previews(tmp_path, previews):
    found = embed_animation(tmp_path / "progress.gif", previews, 42, 10**6)
    assert decoded(found)[2].n_frames == 5
    assert found.note == ""


def test_wide_previews_are_shrunk_and_it_is_said(tmp_path):
    files = [tmp_path / f"{i}.png" for i in range(2)]
    for i, file in enumerate(files):
        noise(1600, 20, i).save(file)
    found = embed_animation(tmp_path / "progress.gif", files, 20, 10**6)
    assert decoded(found)[2].size == (800, 10)
    assert found.note == "Shown: at a smaller size."


def test_where_none_is_small_enough_there_is_none(tmp_path, previews):
    assert embed_animation(tmp_path / "progress.gif", previews, 42, 5_000) is None
    assert embed_animation(tmp_path / "progress.gif", previews[:1], 42, 10**6) is None


def test_a_preview_that_cannot_be_read_is_said(tmp_path, previews):
    previews[2].write_bytes(b"x")
    with pytest.raises(DataError, match=r"step-2\.png cannot be read"):
        embed_animation(tmp_path / "progress.gif", previews, 42, 10**6)
