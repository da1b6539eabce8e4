"""The figures of each metric, from what there is to look at."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from tfgan_kit.evaluation.case import MOST_ROWS, Case, Figure, Figures
from tfgan_kit.extractors import Extractor
from tfgan_kit.metrics.classifier_score import classifier_accuracy_score
from tfgan_kit.metrics.conditional import IntraClassStatistics, conditional_accuracy, intra_class_frechet
from tfgan_kit.metrics.frechet import frechet_distance
from tfgan_kit.metrics.frechet_infinity import frechet_infinity
from tfgan_kit.metrics.inception_score import inception_score
from tfgan_kit.metrics.kernel import kernel_distance
from tfgan_kit.metrics.mmd import mmd
from tfgan_kit.metrics.modes import combinations_covered, kl_to_data, modes_covered
from tfgan_kit.metrics.ms_ssim import ms_ssim_diversity
from tfgan_kit.metrics.path_length import perceptual_path_length
from tfgan_kit.metrics.prdc import prdc
from tfgan_kit.metrics.sliced_wasserstein import patch_sliced_wasserstein, sliced_wasserstein

# Pictures of each side in a subset of the kernel distance.
SUBSET = 1000
# Patches of each side that are compared at each level.
MOST_PATCHES = 16_384
# Real pictures and samples of a class, fewer of which give no distance within it.
FEWEST_IN_CLASS = 100
# Walks whose length is measured.
MOST_WALKS = 1000


def frechet_figures(case: Case) -> Figures:
    """To the statistics of all real pictures."""
    return {"frechet": Figure(frechet_distance(case.reference.statistics, case.samples.statistics))}


def frechet_infinity_figures(case: Case) -> Figures:
    """Likewise, extrapolated; none of so few samples that a part of them has no regular covariance."""
    n, size = case.fake.shape
    if n < 4 * size:
        case.notes.append(f"frechet_infinity left out: {size} features take at least {4 * size} samples; got {n}")
        return {}
    return {"frechet_infinity": Figure(frechet_infinity(case.reference.statistics, case.fake, seed=case.seed))}


def kernel_figures(case: Case) -> Figures:
    """Over subsets of SUBSET, or of as many as there are, which is said."""
    size = min(SUBSET, len(case.fake), len(case.reference.features))
    if size < SUBSET:
        case.notes.append(f"the kernel distance is over subsets of {size}, all that there is, in place of {SUBSET:,}")
    found = kernel_distance(case.reference.features, case.fake, subset_size=size, seed=case.seed)
    return {"kernel": Figure(found.value, found.deviation)}


def inception_score_figures(case: Case) -> Figures:
    """Over ten splits."""
    found = inception_score(case.logits, seed=case.seed)
    return {"inception_score": Figure(found.value, found.deviation)}


def prdc_figures(case: Case) -> Figures:
    """Of as many real pictures as samples, at most MOST_ROWS of each."""
    fake = case.fake[:MOST_ROWS]
    found = prdc(case.reference.features[case.real_rows(len(fake))], fake)
    return {name: Figure(getattr(found, name)) for name in ("precision", "recall", "density", "coverage")}


def mmd_figures(case: Case) -> Figures:
    """Of as many real pictures as samples, at most MOST_ROWS of each."""
    fake = case.fake[:MOST_ROWS]
    return {"mmd": Figure(mmd(case.reference.features[case.real_rows(len(fake))], fake))}


def sliced_wasserstein_figures(case: Case) -> Figures:
    """Of as many real pictures as samples, at most MOST_ROWS of each."""
    fake = case.fake[:MOST_ROWS]
    real = case.reference.features[case.real_rows(len(fake))]
    return {"sliced_wasserstein": Figure(sliced_wasserstein(real, fake[: len(real)], seed=case.seed))}


def patches_figures(case: Case) -> Figures:
    """By the side in px of each level."""
    assert case.samples.images is not None
    rows = case.reference.places[case.real_rows(len(case.samples.images))]
    real = case.reference.source.read(rows)
    levels = patch_sliced_wasserstein(real, case.samples.images[: len(real)], patches=MOST_PATCHES, seed=case.seed)
    return {f"patches/{side}px": Figure(value) for side, value in levels.items()}


def ms_ssim_figures(case: Case) -> Figures:
    """Over random pairs of the samples that are kept."""
    assert case.samples.images is not None
    return {"ms_ssim": Figure(ms_ssim_diversity(case.samples.images, seed=case.seed))}


def path_length_figures(case: Case) -> Figures:
    """In every latent space; the walks lead from a seed to the next one."""
    assert case.subject is not None
    figures: Figures = {}
    for name, space in case.subject.spaces.items():
        seeds = case.samples.seeds[: min(2 * MOST_WALKS, len(case.samples.seeds) // 2 * 2)]
        found = perceptual_path_length(
            space.synthesize,
            case.extractor.features_of_floats,
            space.draw(seeds[::2]),
            space.draw(seeds[1::2]),
            space="w" if name == "w" else "z",
            seed=case.seed,
        )
        figures[f"path_length_{name}"] = Figure(found.value, found.deviation)
    return figures


def classifier_accuracy_figures(case: Case) -> Figures:
    """Tested on held-out pictures where there are some."""
    real = case.held_out or case.reference
    assert case.samples.labels is not None
    assert real.labels is not None
    rows = np.random.default_rng(case.seed).permutation(len(real.features))[:MOST_ROWS]
    found = classifier_accuracy_score(
        case.fake[:MOST_ROWS],
        case.samples.labels[:MOST_ROWS, 0],
        real.features[rows],
        real.labels[rows, 0],
        seed=case.seed,
    )
    return {"classifier_accuracy": Figure(found)}


def conditional_figures(case: Case) -> Figures:
    """By attribute; distances within its values where the real pictures have the same labels."""
    assert case.subject is not None
    assert case.samples.labels is not None
    known = known_attributes(case.subject.attributes, case.extractor)
    columns = [list(case.subject.attributes).index(name) for name in known]
    parts = slices(case.extractor.attributes)
    logits = np.concatenate([case.logits[:, parts[name]] for name in known], axis=1)
    found = conditional_accuracy(logits, case.samples.labels[:, columns], known)
    figures = {_of("conditional_accuracy", name, known): Figure(share) for name, share in found.items()}
    if case.reference.labels is not None and case.subject.attributes == case.reference.source.attributes:
        for name, column in zip(known, columns, strict=True):
            real = IntraClassStatistics().update(case.reference.features, case.reference.labels[:, column])
            fake = IntraClassStatistics().update(case.fake, case.samples.labels[:, column])
            if not any(_is_enough(real, value) and _is_enough(fake, value) for value in fake.per_class):
                case.notes.append(
                    f"no value of {name} has {FEWEST_IN_CLASS} real pictures and samples, which a distance within "
                    "classes takes: take more samples"
                )
                continue
            apart = intra_class_frechet(real.per_class, fake.per_class, minimum=FEWEST_IN_CLASS)
            if apart.left_out:
                left_out = ", ".join(known[name][value] for value in apart.left_out)
                case.notes.append(f"too rare for a distance within classes: {name} {left_out}")
            figures[_of("intra_class_frechet", name, known)] = Figure(apart.mean)
    return figures


def modes_figures(case: Case) -> Figures:
    """Classes of a single label; combinations of several that the data has."""
    real, fake = case.classes
    if len(case.extractor.attributes) == 1:
        (histogram,) = case.histograms.values()
        return {
            "modes_covered": Figure(modes_covered(fake[:, 0], len(histogram["names"])), of=len(histogram["names"])),
            "modes_kl": Figure(kl_to_data(np.array(histogram["fake"]), np.array(histogram["real"]))),
        }
    found = combinations_covered(fake, real)
    return {"modes_covered": Figure(found.covered, of=found.of), "modes_kl": Figure(found.kl)}


def memorisation_figures(case: Case) -> Figures:
    """In features and, where they fit into memory, in pixels."""
    figures: Figures = {}
    for space, found in case.copies.items():
        rest = "" if space == "features" else f"/{space}"
        figures |= {
            f"memorised_share{rest}": Figure(found.share),
            f"memorisation_ratio{rest}": Figure(found.ratio),
            f"memorisation_p{rest}": Figure(found.p),
        }
    return figures


def slices(attributes: Mapping[str, tuple[str, ...]]) -> dict[str, slice]:
    """Where the logits of each attribute lie."""
    ends = np.cumsum([len(names) for names in attributes.values()])
    return {
        name: slice(int(end) - len(names), int(end))
        for (name, names), end in zip(attributes.items(), ends, strict=True)
    }


def known_attributes(attributes: Mapping[str, tuple[str, ...]], extractor: Extractor) -> dict[str, tuple[str, ...]]:
    """Of a generator's attributes those whose values the extractor tells apart; numbers stand for what is in order."""

    def same(own: tuple[str, ...], known: tuple[str, ...] | None) -> bool:
        return own == known or (known is not None and own == tuple(map(str, range(len(known)))))

    return {name: values for name, values in attributes.items() if same(values, extractor.attributes.get(name))}


def _is_enough(statistics: IntraClassStatistics, value: int) -> bool:
    return value in statistics.per_class and statistics.per_class[value].count >= FEWEST_IN_CLASS


def _of(figure: str, attribute: str, attributes: Collection[str]) -> str:
    return figure if len(attributes) == 1 else f"{figure}/{attribute}"
