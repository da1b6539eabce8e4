"""What an evaluation found, named with all that it depends on; as JSON, and as the lines of a table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfgan_kit._version import __version__
from tfgan_kit.errors import DataError

FORMAT = 1

# What is said of a figure beside its number; the part behind a slash names an attribute or a level.
TITLES = {
    "frechet": "Frechet distance",
    "frechet_infinity": "Frechet distance, infinite N",
    "kernel": "kernel distance",
    "inception_score": "Inception Score",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "mmd": "MMD, squared",
    "sliced_wasserstein": "sliced Wasserstein distance",
    "patches": "sliced Wasserstein distance of patches",
    "ms_ssim": "MS-SSIM of pairs",
    "path_length_z": "perceptual path length, z",
    "path_length_w": "perceptual path length, w",
    "classifier_accuracy": "classifier accuracy score",
    "conditional_accuracy": "as asked for",
    "intra_class_frechet": "Frechet distance within classes",
    "modes_covered": "modes covered",
    "modes_kl": "KL of modes to the data's, nats",
    "memorised_share": "share near training pictures (1 % by chance)",
    "memorisation_ratio": "distance to training pictures (1: as others)",
    "memorisation_p": "p-value of being so near",
}
HIGHER_IS_BETTER = frozenset({
    "inception_score", "precision", "recall", "density", "coverage", "classifier_accuracy", "conditional_accuracy",
    "modes_covered", "memorisation_ratio", "memorisation_p",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A figure of an evaluation.

    Attributes:
        value: mean over the repetitions.
        deviation: standard deviation over the repetitions, or what the metric estimates; None: neither.
        real: the figure of held-out real pictures in place of samples; None: not measured.
        of: the most that a count can be.
    """

    value: float
    deviation: float | None = None
    real: float | None = None
    of: int | None = None


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The figures of one subject.

    Attributes:
        subject: what was evaluated, see `Subject.to_json`.
        data: spec, digest and number of the real pictures.
        held_out: the same of the held-out ones; None: none.
        extractor: name, digest, and how pictures were resized for it.
        samples: pictures a repetition.
        seeds: the first seed of each repetition.
        metrics: figures by name.
        notes: lines that the reader of the figures must know.
        pairs: the samples that are nearest to training pictures: seed, place of the picture, distance in features.
        histograms: by attribute the "names" of its values, and how many "real" pictures and samples ("fake") have each.
    """

    subject: Mapping[str, Any]
    data: Mapping[str, Any]
    held_out: Mapping[str, Any] | None
    extractor: Mapping[str, str]
    samples: int
    seeds: tuple[int, ...]
    metrics: Mapping[str, Measured]
    notes: tuple[str, ...] = ()
    pairs: tuple[tuple[int, int, float], ...] = ()
    histograms: Mapping[str, Mapping[str, list[Any]]] = field(default_factory=dict)

    def title(self, name: str) -> str:
        """A figure's name in words; "FID" is the Frechet distance in the features of the Inception network alone."""
        figure, slash, rest = name.partition("/")
        words = TITLES.get(figure, figure)
        if self.extractor["name"] == "inception":
            words = {"frechet": "FID", "kernel": "KID"}.get(figure, words)
        elif figure == "inception_score":
            words = f"{words} in {self.extractor['name']}"
        return f"{words}, {rest}" if slash else words

    def to_json(self) -> dict[str, Any]:
        """The whole, for a file."""
        return {
            "format": FORMAT,
            "tfgan_kit": __version__,
            "subject": dict(self.subject),
            "data": dict(self.data),
            "held_out": None if self.held_out is None else dict(self.held_out),
            "extractor": dict(self.extractor),
            "samples": self.samples,
            "seeds": list(self.seeds),
            "metrics": {name: {k: v for k, v in vars(m).items() if v is not None} for name, m in self.metrics.items()},
            "notes": list(self.notes),
            "pairs": [list(pair) for pair in self.pairs],
            "histograms": {name: dict(counts) for name, counts in self.histograms.items()},
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Evaluation:
        """What `to_json` wrote.

        Raises:
            DataError: something else.
        """
        try:
            if content["format"] != FORMAT:
                raise DataError(f"an evaluation has format {content['format']!r}, and this version reads {FORMAT}")
            return cls(
                subject=content["subject"],
                data=content["data"],
                held_out=content["held_out"],
                extractor=content["extractor"],
                samples=content["samples"],
                seeds=tuple(content["seeds"]),
                metrics={name: Measured(**fields) for name, fields in content["metrics"].items()},
                notes=tuple(content["notes"]),
                pairs=tuple((seed, place, distance) for seed, place, distance in content["pairs"]),
                histograms=content["histograms"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(f"this is not the JSON of an evaluation ({error!r})") from None

    @classmethod
    def read(cls, path: Path) -> Evaluation:
        """The evaluation in a file.

        Raises:
            DataError: it cannot be read, or is something else.
        """
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise DataError(f"{path} is not the JSON of an evaluation: {error}") from None

    def key(self) -> str:
        """What a short record names these figures by: extractor and number of samples, as mnist-cnn@10000."""
        return f"{self.extractor['name']}@{self.samples}"


def rounded(value: float) -> str:
    """A figure as a table shows it: four digits that count, and no exponent where that is short."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        digits = f"{value:.4g}"
        return f"{value:.0f}" if "e" in digits else digits
    return f"{value:.2e}"
