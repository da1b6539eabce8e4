import numpy as np
import pytest
from PIL import Image

from tfgan_kit.data.resize import fit_picture, fit_stack, flatten, is_grey


def halves(height: int, width: int) -> Image.Image:
    """Left half red, right half blue."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 2, 0] = 255
    pixels[:, width // 2 :, 2] = 255
    return Image.fromarray(pixels)


def test_same_size_is_bit_equal() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    np.testing.assert_array_equal(fit_picture(Image.fromarray(pixels), (20, 30), 3, "crop"), pixels)


@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("resolution", [(10, 10), (7, 33), (64, 20)])
def test_any_shape_fits(fit: str, resolution: tuple[int, int]) -> None:
    assert fit_picture(halves(40, 80), resolution, 3, fit).shape == (*resolution, 3)


def test_crop_keeps_the_middle_and_the_proportions() -> None:
    pixels = np.zeros((10, 30), np.uint8)
    pixels[:, 10:20] = 200
    assert (fit_picture(Image.fromarray(pixels), (10, 10), 1, "crop")[..., 0] == 200).all()


def test_pad_shows_everything_between_white_margins() -> None:
    fitted = fit_picture(halves(10, 20), (20, 20), 3, "pad")
    assert (fitted[:5] == 255).all()
    assert (fitted[15:] == 255).all()
    np.testing.assert_array_equal(fitted[5:15], np.asarray(halves(10, 20)))


def test_stretch_keeps_both_halves() -> None:
    fitted = fit_picture(halves(10, 40), (10, 10), 3, "stretch")
    assert fitted[:, 0, 0].min() == 255
    assert fitted[:, -1, 2].min() == 255


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    fitted = fit_picture(Image.fromarray(stripes), (16, 16), 1, "crop")
    assert abs(fitted.astype(int) - 128).max() < 16


def test_transparent_parts_become_white() -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[0] = (255, 0, 0, 255)
    fitted = fit_picture(Image.fromarray(pixels), (4, 4), 3, "crop")
    assert fitted[0, 0].tolist() == [255, 0, 0]
    assert fitted[1, 0].tolist() == [255, 255, 255]
    grey_alpha = np.zeros((4, 4, 2), np.uint8)
    assert (fit_picture(Image.fromarray(grey_alpha), (4, 4), 1, "crop") == 255).all()


def test_sixteen_bits_are_scaled() -> None:
    wide = Image.fromarray(np.array([[0, 65535], [257, 128 * 257]], np.uint16))
    assert np.asarray(flatten(wide)).tolist() == [[0, 255], [1, 128]]
    assert is_grey(wide)


def test_palettes() -> None:
    assert not is_grey(halves(4, 4).convert("P", palette=Image.Palette.ADAPTIVE))
    grey = Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4))
    grey_palette = grey.convert("P")
    assert is_grey(grey_palette)
    np.testing.assert_array_equal(fit_picture(grey_palette, (4, 4), 1, "crop")[..., 0], np.asarray(grey))
    assert fit_picture(halves(4, 4).convert("P"), (4, 4), 3, "crop")[0, 0].tolist() == [255, 0, 0]


def test_other_modes() -> None:
    assert fit_picture(halves(4, 4).convert("CMYK"), (4, 4), 3, "crop").shape == (4, 4, 3)
    black_and_white = fit_picture(Image.new("1", (4, 4), 1), (4, 4), 1, "crop")
    assert (black_and_white == 255).all()


@pytest.mark.parametrize(
    ("pixels", "message"),
    [(np.ones((4, 4), np.float32), "floating-point"), (np.full((4, 4), 70_000, np.int32), "more than 16 bits")],
)
def test_unknown_ranges_are_refused(pixels: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        flatten(Image.fromarray(pixels))


def test_stack_without_change_is_the_same_array() -> None:
    images = np.zeros((3, 8, 8, 1), np.uint8)
    assert fit_stack(images, None, None, "crop") is images


def test_stack_channels_and_resolution() -> None:
    images = np.random.default_rng(0).integers(0, 256, (130, 8, 8, 3), np.uint8)
    fitted = fit_stack(images, (6, 4), 1, "stretch")
    assert fitted.shape == (130, 6, 4, 1)
    for index in (0, 77, 129):
        np.testing.assert_array_equal(fitted[index], fit_picture(Image.fromarray(images[index]), (6, 4), 1, "stretch"))
    grey = images[..., :1]
    np.testing.assert_array_equal(fit_stack(grey, None, 3, "crop"), np.concatenate([grey] * 3, axis=3))
