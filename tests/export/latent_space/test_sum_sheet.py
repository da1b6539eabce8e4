import numpy as np
import pytest

from tfgan_kit.export.latent_space.sum_sheet import sum_sheet


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("zoom", [1, 3])
def test_every_picture_is_on_the_sheet_once(channels, zoom):
    levels = iter(range(10, 250, 5))

    def tiles(count):
        return np.stack([np.full((14, 12, channels), next(levels), np.uint8) for _ in range(count)])

    terms = [("+", tiles(3), tiles(1)[0]), ("-", tiles(1), tiles(1)[0]), ("+", tiles(2), tiles(1)[0])]
    results = tiles(9)
    sheet = sum_sheet(terms, results, zoom=zoom)
    assert sheet.dtype == np.uint8
    values, counts = np.unique(sheet[..., 0], return_counts=True)
    shown = dict(zip(values.tolist(), counts.tolist(), strict=True))
    for picture in np.concatenate([*(np.concatenate([images, mean[None]]) for _, images, mean in terms), results]):
        assert shown[int(picture[0, 0, 0])] == 14 * 12 * zoom**2
    # The signs are black: none before the first term, then a minus, a plus and an equality.
    rows = np.flatnonzero((sheet[..., 0] == 0).any(axis=1))
    assert rows.min() > 14 * zoom
    assert 0 < shown[0] < 500 * zoom**2
