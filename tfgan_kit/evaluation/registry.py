"""The metrics by name: what each reads, and when it applies."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from tfgan_kit.errors import DataError, nearest
from tfgan_kit.evaluation import figures
from tfgan_kit.evaluation.case import FEWEST_APART, Case, Figures, Request


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One or several figures that are computed together.

    Attributes:
        about: one line.
        compute: the figures of a case.
        keep: what of the samples it reads beside their statistics.
        lacking: what is missing for it to apply, in words, or "".
        scale: whether real pictures in place of the samples give a figure to compare with.
    """

    about: str
    compute: Callable[[Case], Figures]
    keep: frozenset[str] = frozenset()
    lacking: Callable[[Request], str] = field(default=lambda request: "")
    scale: bool = False


def _no_classes(request: Request) -> str:
    return "" if request.extractor.attributes else f"the extractor {request.extractor.name} tells no classes apart"


def _not_asked(request: Request) -> str:
    name = request.subject.name
    if not request.subject.attributes:
        return f"{name} is not conditional"
    if not figures.known_attributes(request.subject.attributes, request.extractor):
        return f"the extractor {request.extractor.name} does not know the classes that {name} is asked for"
    return ""


def _no_labels_to_test_on(request: Request) -> str:
    if len(request.subject.attributes) != 1:
        return f"{request.subject.name} is not conditional on one label"
    real = request.held_out or request.data
    if dict(request.subject.attributes) != real.attributes:
        return f"{real.spec} does not have the labels of {request.subject.name}"
    return ""


def _no_spaces(request: Request) -> str:
    return "" if request.subject.spaces else "it needs pictures that are not rounded: evaluate the run, not its export"


def _too_few_apart(request: Request) -> str:
    apart = len(request.held_out) if request.held_out is not None else len(request.data) // 2
    if apart < FEWEST_APART:
        return f"it needs {FEWEST_APART} real pictures that were not trained on, or {2 * FEWEST_APART} to split"
    return ""


FEATURES, LOGITS, IMAGES = (frozenset({name}) for name in ("features", "logits", "images"))

METRICS: dict[str, Metric] = {
    "frechet": Metric(
        about="Frechet distance of the features as Gaussians; lower is better",
        compute=figures.frechet_figures, scale=True,
    ),
    "kernel": Metric(
        about="kernel distance, unbiased, over 100 subsets; lower is better",
        compute=figures.kernel_figures, keep=FEATURES, scale=True,
    ),
    "prdc": Metric(
        about="precision and density (quality), recall and coverage (variety); higher is better",
        compute=figures.prdc_figures, keep=FEATURES, scale=True,
    ),
    "inception_score": Metric(
        about="Inception Score, in the extractor's classes; higher is better, and easily fooled",
        compute=figures.inception_score_figures, keep=LOGITS, lacking=_no_classes, scale=True,
    ),
    "modes": Metric(
        about="classes or combinations of attributes that occur, and KL of their shares to the data's",
        compute=figures.modes_figures, keep=LOGITS, lacking=_no_classes, scale=True,
    ),
    "conditional": Metric(
        about="how often a sample is of the class that was asked for, and the Frechet distance within classes",
        compute=figures.conditional_figures, keep=FEATURES | LOGITS, lacking=_not_asked,
    ),
    "memorisation": Metric(
        about="whether samples are nearer to training pictures than other real pictures are",
        compute=figures.memorisation_figures, keep=FEATURES | IMAGES, lacking=_too_few_apart,
    ),
    "ms_ssim": Metric(
        about="mean similarity of pairs of samples; higher than that of real pictures is lack of variety",
        compute=figures.ms_ssim_figures, keep=IMAGES, scale=True,
    ),
    "frechet_infinity": Metric(
        about="Frechet distance extrapolated to infinitely many samples; lower is better",
        compute=figures.frechet_infinity_figures, keep=FEATURES,
    ),
    "mmd": Metric(
        about="squared MMD with Gaussian kernels; lower is better",
        compute=figures.mmd_figures, keep=FEATURES, scale=True,
    ),
    "sliced_wasserstein": Metric(
        about="sliced Wasserstein distance of the features; lower is better",
        compute=figures.sliced_wasserstein_figures, keep=FEATURES, scale=True,
    ),
    "patches": Metric(
        about="sliced Wasserstein distance of patches, by level of a Laplacian pyramid; lower is better",
        compute=figures.patches_figures, keep=IMAGES, scale=True,
    ),
    "path_length": Metric(
        about="perceptual path length in z, and in w where there is one; lower is smoother",
        compute=figures.path_length_figures, lacking=_no_spaces,
    ),
    "classifier_accuracy": Metric(
        about="accuracy on real pictures of a linear classifier of the features, trained on samples",
        compute=figures.classifier_accuracy_figures, keep=FEATURES, lacking=_no_labels_to_test_on,
    ),
}  # fmt: skip

# What stands for several.
STANDARD = ("frechet", "kernel", "prdc", "inception_score", "modes", "conditional", "memorisation")

GROUPS = {"standard": STANDARD, "all": tuple(METRICS)}


def metrics_named(names: Collection[str], request: Request) -> tuple[dict[str, Metric], list[str]]:
    """The metrics that a user means.

    Args:
        names: of METRICS; "standard" and "all" stand for those of them that apply.
        request: what they are to be measured on.

    Returns:
        The metrics, and a line for each that "standard" or "all" leaves out.

    Raises:
        DataError: an unknown name, or one that was named and does not apply.
    """
    chosen: dict[str, Metric] = {}
    left_out: list[str] = []
    for name in names:
        if name not in METRICS and name not in GROUPS:
            raise DataError(f"unknown metric {name!r}: {nearest(name, [*METRICS, *GROUPS])}")
        for each in GROUPS.get(name, (name,)):
            lacking = METRICS[each].lacking(request)
            if lacking and name not in GROUPS:
                raise DataError(f"{each} does not apply: {lacking}; leave it out of --metrics")
            if lacking:
                left_out.append(f"{each} left out: {lacking}")
            else:
                chosen[each] = METRICS[each]
    return chosen, left_out
