import numpy as np
import pytest
from PIL import Image

from tfgan_kit import pictures


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_lays_images_out_row_by_row_on_white(channels):
    images = np.arange(5, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 2, channels), np.uint8)
    sheet = pictures.grid(images, columns=3, gap_px=1)
    assert sheet.shape == (2 * 4 - 1, 3 * 3 - 1, channels)
    assert sheet.dtype == np.uint8
    expected = np.full((7, 8), 255)
    for i, (top, left) in enumerate([(0, 0), (0, 3), (0, 6), (4, 0), (4, 3)]):
        expected[top : top + 3, left : left + 2] = i
    np.testing.assert_array_equal(sheet, np.repeat(expected[..., None], channels, axis=-1))


def test_grid_without_a_gap_is_a_plain_tiling():
    images = np.random.default_rng(0).integers(0, 256, (4, 2, 3, 1), np.uint8)
    sheet = pictures.grid(images, columns=2, gap_px=0)
    np.testing.assert_array_equal(
        sheet, np.block([[images[0, ..., 0], images[1, ..., 0]], [images[2, ..., 0], images[3, ..., 0]]])[..., None]
    )


def test_one_image_is_its_own_grid():
    image = np.random.default_rng(0).integers(0, 256, (1, 4, 5, 3), np.uint8)
    np.testing.assert_array_equal(pictures.grid(image, columns=1), image[0])


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_to_pillow_keeps_every_pixel(channels, mode):
    image = np.random.default_rng(0).integers(0, 256, (4, 5, channels), np.uint8)
    picture = pictures.to_pillow(image)
    assert picture.mode == mode
    np.testing.assert_array_equal(np.asarray(picture).reshape(image.shape), image)


def frames(folder, count):
    paths = []
    for i in range(count):
        paths.append(folder / f"{i:03}.png")
        pictures.to_pillow(np.full((4, 6, 1), i, np.uint8)).save(paths[-1])
    return paths


def shown(path):
    greys, durations = [], []
    with Image.open(path) as gif:
        loop = gif.info["loop"]
        for i in range(gif.n_frames):
            gif.seek(i)
            durations.append(gif.info["duration"])
            greys.append(gif.convert("L").getpixel((0, 0)))
    return greys, durations, loop


def test_an_animation_shows_every_frame_in_order_and_holds_the_last(tmp_path):
    pictures.save_gif(frames(tmp_path, 4), tmp_path / "a.gif", seconds=0.4, hold_sec=1.0)
    assert shown(tmp_path / "a.gif") == ([0, 1, 2, 3], [100, 100, 100, 1000], 0)


def test_a_long_animation_is_thinned_evenly_with_its_first_and_last_frame(tmp_path):
    pictures.save_gif(frames(tmp_path, 11), tmp_path / "a.gif", most=3)
    greys, _, _ = shown(tmp_path / "a.gif")
    assert greys == [0, 5, 10]


def test_one_frame_is_an_animation(tmp_path):
    pictures.save_gif(frames(tmp_path, 1), tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.n_frames == 1


def test_panels_are_a_row_of_evenly_chosen_frames_with_the_first_and_the_last(tmp_path):
    row = pictures.panels(frames(tmp_path, 11), 3, gap_px=1)
    expected = np.full((4, 3 * 7 - 1, 1), 255)
    for i, grey in enumerate([0, 5, 10]):
        expected[:, i * 7 : i * 7 + 6] = grey
    assert row.dtype == np.uint8
    np.testing.assert_array_equal(row, expected)


def test_panels_keep_colour(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 5, 3), np.uint8)
    paths = [tmp_path / "0.png", tmp_path / "1.png"]
    for image, path in zip(images, paths, strict=True):
        pictures.to_pillow(image).save(path)
    np.testing.assert_array_equal(pictures.panels(paths, 2, gap_px=0), np.concatenate(images, axis=1))


@pytest.mark.parametrize(("files", "count", "greys"), [(2, 5, [0, 1]), (1, 5, [0]), (4, 1, [3])])
def test_panels_show_no_frame_twice_and_a_single_one_is_the_last(tmp_path, files, count, greys):
    row = pictures.panels(frames(tmp_path, files), count, gap_px=0)
    np.testing.assert_array_equal(row[0, ::6, 0], greys)


def test_an_animation_of_one_frame_shows_the_last(tmp_path):
    pictures.save_gif(frames(tmp_path, 4), tmp_path / "a.gif", most=1)
    assert shown(tmp_path / "a.gif")[0] == [3]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 100])
def test_evenly_chosen_frames_are_in_order_and_end_with_the_last(count):
    chosen = pictures.evenly(range(8), count)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, 8)
    assert chosen[-1] == 7
    assert count == 1 or chosen[0] == 0
