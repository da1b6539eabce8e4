"""A whole evaluation: right figures for a good generator, a collapsed one found out, every request checked first."""

import numpy as np
import pytest
from toy_pictures import images_of

from tfgan_kit.data.source import ArraySource
from tfgan_kit.errors import DataError
from tfgan_kit.evaluation.case import Request
from tfgan_kit.evaluation.evaluate import evaluate
from tfgan_kit.evaluation.figures import known_attributes
from tfgan_kit.evaluation.registry import STANDARD, metrics_named
from tfgan_kit.evaluation.result import TITLES
from tfgan_kit.evaluation.subject import Latents, pictures
from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance


@pytest.fixture
def run(extractor, real, tmp_path):
    def run(subject, **options):
        data = options.pop("data", real)
        return evaluate(subject, data, extractor, cache=tmp_path, **{"n": 500} | options)

    return run


def test_good_generator_is_like_held_out_pictures(run, good, held_out):
    found = run(good, held_out=held_out)
    figures = found.metrics
    # Of features whose variance is about 75 squared.
    assert 0 < figures["frechet"].value < 300
    assert 0 < figures["frechet"].real < 300
    assert abs(figures["kernel"].value) < 4 * figures["kernel"].deviation + 1e-3
    for name in ("precision", "recall", "coverage"):
        assert figures[name].value > 0.8
    assert figures["modes_covered"].value == figures["modes_covered"].of == 2
    assert figures["modes_kl"].value < 0.01
    assert found.histograms == {"class": {"names": ["dark", "light"], "real": [300, 300], "fake": [250, 250]}}
    assert figures["conditional_accuracy"].value > 0.99
    assert figures["memorised_share"].value < 0.05
    assert any("no sign of copying" in note for note in found.notes)


def test_collapsed_generator_is_found_out(run, collapsed, held_out):
    figures = run(collapsed, held_out=held_out).metrics
    assert figures["frechet"].value > 50 * figures["frechet"].real
    assert figures["recall"].value < 0.7
    assert figures["modes_covered"].value == 1
    assert figures["modes_kl"].value == pytest.approx(np.log(2), rel=0.1)


def test_copies_are_found_out_and_shown(run, good, real, held_out):
    # Training pictures in another order, each many times.
    thief = good.__class__(**{**vars(good), "draw": lambda seeds: real.images[seeds * 7 % len(real)]})
    found = run(thief, held_out=held_out, metrics=["memorisation"])
    assert found.metrics["memorised_share"].value > 0.9
    assert found.metrics["memorisation_p"].value < 1e-6
    assert found.metrics["memorised_share/pixels"].value > 0.9
    assert all(": it copies" in note for note in found.notes)
    for seed, place, distance in found.pairs:
        assert distance == 0
        np.testing.assert_array_equal(thief.draw(np.array([seed])), real.read(np.array([place])))


def test_copies_are_found_without_held_out_pictures(run, good, real):
    thief = good.__class__(**{**vars(good), "draw": lambda seeds: real.images[seeds * 7 % len(real)]})
    assert run(thief, metrics=["memorisation"]).metrics["memorised_share"].value > 0.8
    assert run(good, metrics=["memorisation"]).metrics["memorised_share"].value < 0.05


def test_distance_is_that_of_the_features(run, good, real, extractor):
    found = run(good, metrics=["frechet"])
    a, b = (FeatureStatistics().update(extractor.features(x)) for x in (real.images, images_of(np.arange(500))))
    assert found.metrics["frechet"].value == pytest.approx(frechet_distance(a, b), rel=1e-9)
    assert list(found.metrics) == ["frechet"]


def test_repetitions_take_other_samples_and_give_a_deviation(run, good):
    once = [run(good, metrics=["frechet"], n=250).metrics["frechet"]]
    thrice = run(good, metrics=["frechet"], n=250, repetitions=3)
    assert thrice.seeds == (0, 250, 500)
    assert once[0].deviation is None
    assert thrice.metrics["frechet"].deviation > 0
    assert abs(thrice.metrics["frechet"].value - once[0].value) < 5 * thrice.metrics["frechet"].deviation


def test_names_all_that_the_figures_depend_on(run, good, real, held_out):
    found = run(good, held_out=held_out)
    assert found.data == {"spec": "toy", "digest": real.digest, "images": 600}
    assert found.held_out["digest"] == held_out.digest
    assert found.extractor == {
        "name": "means",
        "digest": run.__closure__ and found.extractor["digest"],
        "resize": "none",
    }
    assert found.samples == 500
    assert found.subject == {"kind": "model", "name": "good.onnx", "digest": "0" * 16, "nimg": 1000}
    assert found.key() == "means@500"


def test_set_of_pictures_is_taken_whole_or_by_a_seeded_draw(run, held_out):
    subject = pictures(held_out, "folder")
    assert run(subject, n=5000).samples == 300
    few = run(subject, n=100)
    assert few.samples == 100
    assert few.metrics["frechet"] == run(subject, n=100).metrics["frechet"]


def test_warns_of_fewer_samples_than_features(run, good):
    found = run(good, n=4, metrics=["frechet"])
    assert any("4 samples are no more than the 4 features" in note for note in found.notes)
    assert not run(good, n=5, metrics=["frechet"]).notes


def test_says_when_sizes_differ(run, good, extractor):
    seeds = np.arange(10_000, 10_300)
    larger = ArraySource("large", images_of(seeds).repeat(2, axis=1).repeat(2, axis=2), None, {})
    found = run(good, data=larger, metrics=["frechet"])
    assert any("8x8x1 and the data 16x16x1" in note for note in found.notes)


@pytest.fixture
def walker(good):
    """A generator whose brightness goes with the first coordinate of z."""

    def draw(seeds):
        return np.random.default_rng(int(seeds[0])).standard_normal((len(seeds), 3)).astype(np.float32)

    def synthesize(z):
        return np.tile(128 + 40 * z[:, 0, None, None, None], (1, 8, 8, 1)).astype(np.float32)

    return good.__class__(**{**vars(good), "spaces": {"z": Latents(draw=draw, synthesize=synthesize)}})


def test_path_length_where_pictures_are_not_rounded(run, walker):
    # Along a quarter turn brightness changes by some 60 grey levels, and so does each of the 4 features.
    figures = run(walker, metrics=["path_length"], n=100).metrics
    assert 100 < figures["path_length_z"].value < 100_000


def test_every_metric_has_its_figures(run, walker, held_out):
    found = run(walker, held_out=held_out, metrics=["all"], n=300)
    names = {name.partition("/")[0] for name in found.metrics}
    assert names == set(TITLES) - {"path_length_w"}
    for name, measured in found.metrics.items():
        assert np.isfinite(measured.value), name
    assert {name for name, measured in found.metrics.items() if measured.real is not None} == {
        "frechet", "kernel", "precision", "recall", "density", "coverage", "inception_score", "modes_covered",
        "modes_kl", "ms_ssim", "mmd", "sliced_wasserstein", "patches/8px",
    }  # fmt: skip


def test_classes_known_by_number(extractor):
    numbered = {"class": ("0", "1")}
    assert known_attributes(numbered, extractor) == numbered
    for other in ({"class": ("1", "0")}, {"class": ("0", "1", "2")}, {"shade": ("dark", "light")}):
        assert known_attributes(other, extractor) == {}


def test_too_few_to_extrapolate_from_is_said(run, good):
    found = run(good, n=15, metrics=["frechet", "frechet_infinity"])
    assert list(found.metrics) == ["frechet"]
    assert any("4 features take at least 16 samples; got 15" in note for note in found.notes)


def test_smaller_subsets_of_the_kernel_distance_are_said(run, good):
    assert any("over subsets of 500" in note for note in run(good, n=500, metrics=["kernel"]).notes)


def test_groups_leave_out_what_does_not_apply_and_say_so(collapsed, real, extractor):
    request = Request(subject=collapsed, data=real, held_out=None, extractor=extractor)
    chosen, left_out = metrics_named(["standard"], request)
    assert list(chosen) == [name for name in STANDARD if name != "conditional"]
    assert left_out == ["conditional left out: collapsed.onnx is not conditional"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metrics": ["frechett"]}, "unknown metric 'frechett': did you mean 'frechet'"),
        ({"metrics": ["conditional"]}, "conditional does not apply: refusing.onnx is not conditional"),
        ({"metrics": ["path_length"]}, "pictures that are not rounded: evaluate the run"),
        ({"metrics": ["classifier_accuracy"]}, "not conditional on one label"),
        ({"n": 5, "metrics": ["prdc"]}, "prdc takes at least 6 samples; got 5"),
        ({"n": 9, "metrics": ["inception_score"]}, "inception_score takes at least 10 samples; got 9"),
        ({"n": 1}, "at least 2 samples and 1 repetition; got 1 and 1"),
        ({"repetitions": 0}, "at least 2 samples and 1 repetition"),
    ],
)
def test_refuses_before_anything_is_drawn(run, refusing, options, message):
    with pytest.raises(DataError, match=message):
        run(refusing, **options)


def test_refuses_repetitions_of_pictures_and_one_picture(run, held_out):
    with pytest.raises(DataError, match="a set of pictures, which has no seeds"):
        run(pictures(held_out, "folder"), repetitions=2)
    one = ArraySource("one", held_out.images[:1], None, {})
    with pytest.raises(DataError, match="has 1 picture; an evaluation takes at least 2"):
        run(pictures(one, "folder"))


def test_refuses_features_that_are_not_finite_with_their_number(run, good, extractor):
    good_features = extractor.features

    def broken(images):
        rows = good_features(images)
        rows[:3] = np.nan
        return rows

    extractor.features = broken
    with pytest.raises(DataError, match="3 of 500 rows of features are not finite"):
        run(good)
