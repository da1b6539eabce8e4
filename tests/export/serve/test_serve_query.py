"""Query strings, read: what is asked for, and one sentence where it cannot be had."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tfgan_kit.errors import SampleError
from tfgan_kit.export import Sampler
from tfgan_kit.export.serve.query import RANDOM_SEEDS, read_query
from tfgan_kit.latents import classes_from_seeds


@pytest.fixture(scope="module")
def samplers(models):
    return {kind: Sampler(path, threads=1) for kind, path in models.items()}


def read(sampler, query):
    return read_query(query.encode(), sampler, max_n=20, digest="abc")


def test_what_is_left_out(samplers):
    wanted = read(samplers["plain"], "")
    assert (len(wanted.seeds), wanted.labels, wanted.truncation, wanted.format) == (1, None, 1.0, "png")
    assert not wanted.repeatable
    assert not wanted.pinned
    seeds = {int(read(samplers["plain"], "").seeds[0]) for _ in range(8)}
    assert len(seeds) == 8
    assert max(seeds) < RANDOM_SEEDS


def test_what_is_asked_for(samplers):
    wanted = read(samplers["named"], "seed=5&n=4&class=ant&truncation=.5&format=npy&model=abc")
    np.testing.assert_array_equal(wanted.seeds, [5, 6, 7, 8])
    np.testing.assert_array_equal(wanted.labels, np.zeros((4, 1)))
    assert (wanted.truncation, wanted.format, wanted.repeatable, wanted.pinned) == (0.5, "npy", True, True)


def test_the_largest_seed_has_room_for_n(samplers):
    largest = 2**63 - 20
    np.testing.assert_array_equal(read(samplers["plain"], f"seed={largest}&n=20").seeds[-1], 2**63 - 1)
    with pytest.raises(SampleError, match=f"from 0 to {largest}"):
        read(samplers["plain"], f"seed={largest + 1}")


@pytest.mark.parametrize(("text", "index"), [("bee+%26+wasp", 1), ("2", 2), ("1", 1), ("ant", 0)])
def test_a_class_by_name_or_index(samplers, text, index):
    np.testing.assert_array_equal(read(samplers["named"], f"seed=0&n=2&class={text}").labels, [[index], [index]])


def test_open_classes_go_by_the_seed(samplers):
    np.testing.assert_array_equal(read(samplers["named"], "seed=4&n=3").labels[:, 0], [1, 2, 0])


def test_attributes_by_name(samplers):
    sampler = samplers["several"]
    expected = classes_from_seeds(range(3, 6), sampler.spec.classes)
    np.testing.assert_array_equal(read(sampler, "seed=3&n=3").labels, expected)
    expected[:, 0], expected[:, 1] = 1, 1
    query = "seed=3&n=3&class=hair=red=ish&class=hair%3Ddyed=1"
    np.testing.assert_array_equal(read(sampler, query).labels, expected)


@pytest.mark.parametrize(
    ("kind", "query", "message"),
    [
        ("plain", "sed=1", "unknown parameter 'sed': did you mean 'seed'"),
        ("plain", "seed=1&seed=1", "seed is given 2 times"),
        ("plain", "seed=", "seed must be a whole number from 0 to .*; got ''"),
        ("plain", "seed=-1", "got '-1'"),
        ("plain", "seed=1.0", "got '1.0'"),
        ("plain", "seed=1_0", "got '1_0'"),
        ("plain", "seed=%D9%A3", "seed must be"),
        ("plain", "seed=" + "9" * 9999, "seed must be"),
        ("plain", "n=0", "n must be a whole number from 1 to 20; got '0'"),
        ("plain", "n=21", "from 1 to 20"),
        ("plain", "format=jpg", "unknown format 'jpg': .*legal: npy, png, webp"),
        ("plain", "truncation=1.5", r"in \[0, 1\]; got '1.5'"),
        ("plain", "truncation=nan", r"in \[0, 1\]"),
        ("plain", "truncation=inf", r"in \[0, 1\]"),
        ("plain", "truncation=", r"in \[0, 1\]"),
        ("plain", "truncation=1_0e-2", r"in \[0, 1\]"),
        ("plain", "class=1", "unconditional and has no classes"),
        ("plain", "model=abd", "model 'abd' is not served here: this one is abc"),
        ("plain", "&".join(["class=1"] * 65), "at most 64 parameters"),
        ("named", "class=an", "did you mean 'ant'"),
        ("named", "class=3", "legal: 0 to 2"),
        ("named", "class=ant&class=ant", "sets class twice"),
        ("named", "class=" + "%C3%28" * 2000, "unknown class"),
        ("several", "class=none", "class takes NAME=VALUE, once for each .* hair, hair=dyed, ear; got 'none'"),
        ("several", "class=ear=none&class=ear=1", "sets ear twice, to 'none' and '1'"),
        ("several", "class=ear=nose", "unknown ear 'nose': did you mean 'none'"),
        ("spherical", "truncation=0.5", "spherical z takes only truncation 1"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(samplers, kind, query, message):
    with pytest.raises(SampleError, match=message) as caught:
        read(samplers[kind], query)
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)


def test_a_grid_that_webp_cannot_hold_is_refused(samplers):
    # 64 columns of 254 px and the gaps between are 16,382 px.
    for side, fits in ((254, True), (255, False)):
        sampler = SimpleNamespace(spec=replace(samplers["plain"].spec, width=side))
        query = b"seed=0&n=4096&format="
        assert len(read_query(query + b"png", sampler, max_n=4096, digest="").seeds) == 4096
        if fits:
            read_query(query + b"webp", sampler, max_n=4096, digest="")
        else:
            with pytest.raises(SampleError, match="16446 px wide, of which webp has at most 16383: take png"):
                read_query(query + b"webp", sampler, max_n=4096, digest="")


def test_the_only_truncation_of_a_spherical_z_is_taken(samplers):
    assert read(samplers["spherical"], "truncation=1").truncation == 1
