import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tfgan_kit.data import Feed, open_feed, open_source, rows_of_worker
from tfgan_kit.data.crop import Cropped, check_window, whole_of
from tfgan_kit.data.material import material_of
from tfgan_kit.data.pipeline import cropped, mirrored
from tfgan_kit.data.source import ArraySource
from tfgan_kit.data.survey import survey
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe
from tfgan_kit.training.resolve import resolve

# Every pixel says which picture it is of, and where it lies in it.
COUNT, HEIGHT, WIDTH = 50, 6, 9
GRID = np.meshgrid(np.arange(COUNT), np.arange(HEIGHT), np.arange(WIDTH), indexing="ij")
PIXELS = np.stack(GRID, axis=-1).astype(np.uint8)
WHOLE = ArraySource("test", PIXELS, np.arange(COUNT, dtype=np.int32)[:, None], {"n": tuple(map(str, range(COUNT)))})
WINDOW = (4, 5)
WINDOWS = Cropped(WHOLE, WINDOW)
PLACES = (HEIGHT - WINDOW[0] + 1, WIDTH - WINDOW[1] + 1)


def cut(step: int, *, batch: int = COUNT, seed: int = 3, rows: np.ndarray | None = None) -> np.ndarray:
    rows = np.arange(batch) if rows is None else rows
    images = tf.constant(PIXELS[rows % COUNT])
    return cropped(images, WINDOW, tf.constant(step, tf.int64), seed=seed, batch=batch, rows=rows).numpy()


def feed(memory_mb: int, *, mirror: bool = False, start: int = 0, rows: np.ndarray | None = None) -> Feed:
    return open_feed(WINDOWS, batch=8, seed=3, mirror=mirror, memory_mb=memory_mb, start_step=start, rows=rows)


def steps_of(data: Feed, first: int, steps: int) -> np.ndarray:
    graph = tf.function(lambda step: data(step)[0])
    return np.stack([graph(tf.constant(first + k, tf.int64)).numpy() for k in range(steps)])


def test_a_window_is_a_part_of_its_picture_pixel_for_pixel():
    windows = cut(0)
    assert windows.shape == (COUNT, *WINDOW, 3)
    tops, lefts = windows[:, 0, 0, 1], windows[:, 0, 0, 2]
    for window, whole, top, left in zip(windows, PIXELS, tops, lefts, strict=True):
        np.testing.assert_array_equal(window, whole[top : top + WINDOW[0], left : left + WINDOW[1]])


def test_every_place_is_drawn_equally_often_in_every_row_and_step():
    corners = np.stack([cut(step)[:, 0, 0, 1:] for step in range(60)]).reshape(-1, 2)
    found = np.histogram2d(*corners.T, bins=PLACES, range=[(0, PLACES[0]), (0, PLACES[1])])[0]
    assert found.sum() == 60 * COUNT
    assert scipy.stats.chisquare(found.ravel()).pvalue > 1e-3


def test_places_depend_on_the_seed_the_step_and_the_row_alone():
    np.testing.assert_array_equal(cut(7), cut(7))
    for other in (cut(8), cut(7, seed=4)):
        assert (other != cut(7)).any()
    corners = cut(7)[:, 0, 0, 1:]
    assert len(np.unique(corners, axis=0)) > 5
    rows = np.array([1, 4, 30])
    np.testing.assert_array_equal(cut(7, rows=rows), cut(7)[rows])


@pytest.mark.parametrize("mirror", [False, True])
def test_memory_and_stream_show_the_same_windows_and_go_on_where_they_stopped(mirror):
    memory, stream = feed(1, mirror=mirror), feed(0, mirror=mirror, start=5)
    assert (memory.in_memory, stream.in_memory) == (True, False)
    images = steps_of(memory, 0, 9)
    assert images.shape == (9, 8, *WINDOW, 3)
    np.testing.assert_array_equal(steps_of(stream, 5, 4), images[5:])


def test_a_feed_cuts_the_pictures_of_its_step_and_mirrors_the_windows():
    whole = open_feed(WHOLE, batch=8, seed=3, mirror=False, memory_mb=1, start_step=0)
    step, rows = tf.constant(2, tf.int64), np.arange(8)
    expected = cropped(whole(step)[0], WINDOW, step, seed=3, batch=8, rows=rows)
    plain, labels = feed(1)(step)
    np.testing.assert_array_equal(plain, expected)
    np.testing.assert_array_equal(plain[:, 0, 0, 0], labels[:, 0])
    flipped = mirrored(expected, step, seed=3, batch=8, rows=rows)
    np.testing.assert_array_equal(feed(1, mirror=True)(step)[0], flipped)


@pytest.mark.parametrize("memory_mb", [0, 1])
def test_two_workers_share_the_windows_of_one(memory_mb):
    alone = steps_of(feed(memory_mb, mirror=True), 0, 3)
    rows = [rows_of_worker(worker, workers=2, batch=8, d_steps=2) for worker in range(2)]
    parts = [steps_of(feed(memory_mb, mirror=True, rows=own), 0, 3) for own in rows]
    together = np.concatenate(parts, axis=1)
    np.testing.assert_array_equal(together, alone[:, np.concatenate(rows)])


def test_what_is_held_in_memory_is_the_whole_pictures():
    one_mb = ArraySource("large", np.zeros((4, 512, 513, 1), np.uint8), None, {})
    options = {"batch": 2, "seed": 0, "mirror": False, "memory_mb": 1, "start_step": 0}
    assert not open_feed(Cropped(one_mb, (8, 8)), **options).in_memory


def test_a_window_as_large_as_the_picture_is_the_picture():
    data = open_feed(Cropped(WHOLE, (HEIGHT, WIDTH)), batch=8, seed=3, mirror=False, memory_mb=1, start_step=0)
    images, labels = data(tf.constant(0, tf.int64))
    np.testing.assert_array_equal(images, PIXELS[labels.numpy()[:, 0]])


def test_read_at_random_each_picture_has_a_window_of_its_own_at_any_place():
    windows = WINDOWS.read(np.arange(COUNT))
    for window, whole in zip(windows, PIXELS, strict=True):
        top, left = window[0, 0, 1:]
        np.testing.assert_array_equal(window, whole[top : top + WINDOW[0], left : left + WINDOW[1]])
    np.testing.assert_array_equal(WINDOWS.read(np.array([7, 2])), windows[[7, 2]])
    np.testing.assert_array_equal(Cropped(WHOLE, WINDOW).read(np.array([9])), windows[[9]])
    many = Cropped(ArraySource("many", np.tile(PIXELS, (60, 1, 1, 1)), None, {}), WINDOW)
    corners = many.read(np.arange(len(many)))[:, 0, 0, 1:]
    found = np.histogram2d(*corners.T, bins=PLACES, range=[(0, PLACES[0]), (0, PLACES[1])])[0]
    assert scipy.stats.chisquare(found.ravel()).pvalue > 1e-3


def test_it_is_as_long_and_as_labelled_as_the_whole():
    assert WINDOWS.shape == (*WINDOW, 3)
    assert (len(WINDOWS), WINDOWS.spec, WINDOWS.shards) == (COUNT, "test", (COUNT,))
    assert WINDOWS.labels is WHOLE.labels
    assert whole_of(WINDOWS) is whole_of(WHOLE) is WHOLE


def test_the_digest_is_of_the_whole_pictures_and_the_window():
    again = Cropped(ArraySource("elsewhere", PIXELS.copy(), WHOLE.labels, WHOLE.attributes), WINDOW)
    assert again.digest == WINDOWS.digest
    assert len({source.digest for source in (WINDOWS, WHOLE, Cropped(WHOLE, (5, 4)))}) == 3
    assert len(WINDOWS.digest) == 16


@pytest.mark.parametrize("window", [(7, 5), (4, 10), (0, 5)])
def test_a_window_that_the_pictures_do_not_hold_is_refused(window):
    with pytest.raises(DataError, match=rf"^test has pictures of 6x9, .* crop={window[0]}x{window[1]}: .* at most 6x9"):
        Cropped(WHOLE, window)


@pytest.fixture
def recipe(tmp_path) -> Recipe:
    np.savez(tmp_path / "tiny.npz", images=PIXELS)
    return Recipe(data=f"npz:{tmp_path}/tiny.npz", batch_size=8, kimg=1, crop=(4, 5))


def test_a_recipe_opens_windows_and_keeps_the_resolution_that_they_are_cut_of(recipe):
    source = open_source(recipe)
    resolved, facts = resolve(recipe, source)
    assert facts.shape == source.shape == (4, 5, 3)
    assert (resolved.resolution, resolved.crop) == ((6, 9), (4, 5))
    assert facts.digest == source.digest
    again = open_source(resolved)
    np.testing.assert_array_equal(again.read(np.arange(3)), source.read(np.arange(3)))
    assert resolve(resolved, again) == (resolved, facts)


def test_windows_are_cut_after_a_picture_is_brought_to_the_resolution(recipe):
    larger = open_source(recipe.replace(resolution=(12, 18)))
    whole = open_source(recipe.replace(resolution=(12, 18), crop=None))
    assert isinstance(larger, Cropped)
    np.testing.assert_array_equal(larger.whole.read(np.arange(2)), whole.read(np.arange(2)))
    assert larger.shape == (4, 5, 3)


def test_a_set_is_checked_and_prepared_whole(recipe):
    assert set(survey(recipe).sizes) == {(6, 9)}
    assert material_of(recipe).shape == (6, 9, 3)


@pytest.mark.parametrize(("source", "window"), [(WHOLE, (4, 5)), (WINDOWS, None), (WINDOWS, (5, 4))])
def test_a_source_of_other_windows_than_the_recipes_is_refused(source, window):
    with pytest.raises(DataError, match=r"^test was opened with crop=.* open it with that recipe"):
        check_window(source, window)
