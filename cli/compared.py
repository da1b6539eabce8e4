"""What `tfgan compare` compares: figures that are there, and those of runs, models and folders that are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tfgan_kit.errors import DataError

if TYPE_CHECKING:
    from tfgan_kit.cli.subject import Target
    from tfgan_kit.data import Source
    from tfgan_kit.evaluation.compare import Terms
    from tfgan_kit.evaluation.result import Evaluation
    from tfgan_kit.extractors import Extractor

SAMPLES, REPETITIONS = 10_000, 3


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked of every evaluation; None: not asked."""

    data: str | None
    metrics: tuple[str, ...]
    samples: int | None
    repetitions: int | None
    extractor: str | None


@dataclass(frozen=True, kw_only=True)
class Case:
    """A subject on its way to its figures.

    Attributes:
        path, name: of what was named.
        found: figures that are there and are wanted.
        target: what was opened to be evaluated; None where there are figures.
        source: the real pictures; likewise.
        held_out: those that it was not trained on; None also where there are none.
    """

    path: Path
    name: str
    found: Evaluation | None
    target: Target | None = None
    source: Source | None = None
    held_out: Source | None = None

    def terms(self, network: Extractor | None, samples: int) -> Terms:
        """What its figures depend on, or will."""
        from tfgan_kit.evaluation.compare import Terms
        from tfgan_kit.evaluation.evaluate import resizing

        if self.found is not None:
            return Terms.of(self.found, self.name)
        assert network is not None
        assert self.target is not None
        assert self.source is not None
        subject = self.target.subject
        return Terms(
            name=self.name,
            data=(self.source.spec, self.source.digest),
            extractor=(network.name, network.digest),
            resize=resizing(subject, self.source, network),
            samples=samples if subject.count is None else min(samples, subject.count),
        )


def evaluate_all(
    paths: Sequence[Path], names: Sequence[str], wanted: Wanted
) -> tuple[list[Evaluation], list[Target | None]]:
    """The figures of each subject: those that are there and are what is wanted; the others are measured.

    Nothing is measured before it is known that all are comparable.

    Returns:
        Evaluations, and what was opened for them; None for what did not need to be.

    Raises:
        DataError: not comparable, or what `tfgan evaluate` refuses.
    """
    from tfgan_kit.evaluation.compare import check_comparable
    from tfgan_kit.evaluation.defaults import extractor_for
    from tfgan_kit.extractors import open_extractor

    known = [_known(path, wanted) for path in paths]
    settled = _settle(known, wanted)
    samples = settled.samples or SAMPLES
    network = None if settled.extractor is None else open_extractor(settled.extractor)
    cases = [
        Case(path=path, name=name, found=found if _fits(path, found, settled, network) else None)
        for path, name, found in zip(paths, names, known, strict=True)
    ]
    cases = [_opened(case, settled.data) for case in cases]
    specs = [case.source.spec for case in cases if case.source is not None]
    if network is None and specs:
        network = open_extractor(extractor_for(specs[0]))
    terms = [case.terms(network, samples) for case in cases]

    # The same pictures are other data with labels than without: take all with them, whatever each was trained with.
    if settled.data is None and network is not None and len({each.data[1] for each in terms}) > 1:
        cases = [
            case if case.path.suffix == ".json" else _opened(replace(case, found=None), None, labelled=True)
            for case in cases
        ]
        terms = [case.terms(network, samples) for case in cases]
    check_comparable(terms)
    return [case.found or _evaluated(case, network, settled) for case in cases], [case.target for case in cases]


def _known(path: Path, wanted: Wanted) -> Evaluation | None:
    """The figures that are there: a file's, or a run's last ones, if these are of its newest checkpoint."""
    from tfgan_kit.evaluation.result import Evaluation
    from tfgan_kit.training import checkpoint
    from tfgan_kit.training.run_folder import RunFolder

    if path.suffix == ".json":
        found = Evaluation.read(path)
        _check_file(path, found, wanted)
        return found
    run = RunFolder(path)
    if not run.exists or not run.evaluation.is_file():
        return None
    try:
        found = Evaluation.read(run.evaluation)
    except DataError:
        return None
    newest = checkpoint.newest_manifest(run.checkpoints)
    return found if newest is not None and found.subject["digest"] == newest.sha256[:16] else None


def _check_file(path: Path, found: Evaluation, wanted: Wanted) -> None:
    """Refuse a file of figures that are not those that are asked for.

    Raises:
        DataError: with the first option that it does not fit.
    """
    for option, asked, has in (
        ("--n", wanted.samples, found.samples),
        ("--seeds", wanted.repetitions, len(found.seeds)),
        ("--data", wanted.data, found.data["spec"]),
        ("--extractor", wanted.extractor and wanted.extractor.partition(":")[0], found.extractor["name"]),
    ):
        if asked is not None and asked not in (has, "onnx"):
            raise DataError(
                f"{path} has {option} {has}, and {option} asks for {asked}: leave it out, or name the run, model or "
                "folder that the file is of in its place"
            )


def _settle(known: Sequence[Evaluation | None], wanted: Wanted) -> Wanted:
    """What is asked for, and where nothing is what the first figures have that are there."""
    from tfgan_kit.extractors import NAMED

    first = next((each for each in known if each is not None), None)
    if first is None:
        return replace(wanted, samples=wanted.samples or SAMPLES, repetitions=wanted.repetitions or REPETITIONS)
    name = first.extractor["name"]
    return replace(
        wanted,
        samples=wanted.samples or first.samples,
        repetitions=wanted.repetitions or len(first.seeds),
        extractor=wanted.extractor or (name if name in (*NAMED, "inception") else None),
    )


def _fits(path: Path, found: Evaluation | None, wanted: Wanted, network: Extractor | None) -> bool:
    """Whether figures that are there are what is wanted; those of a file are, or it would have been refused."""
    from tfgan_kit.evaluation.compare import figures_of
    from tfgan_kit.evaluation.registry import GROUPS
    from tfgan_kit.training.run_folder import RunFolder

    if found is None or path.suffix == ".json":
        return True
    if (found.samples, len(found.seeds)) != (wanted.samples, wanted.repetitions):
        return False
    if network is None or found.extractor["digest"] != network.digest:
        return False
    _, facts, _ = RunFolder(path).read()
    if found.data["digest"] != facts.digest or wanted.data not in (None, facts.spec):
        return False
    measured = {name.partition("/")[0] for name in found.metrics}
    return all(
        not measured.isdisjoint(figures_of(metric))
        or any(note.startswith(f"{metric} left out") for note in found.notes)
        for name in wanted.metrics
        for metric in GROUPS.get(name, (name,))
    )


def _opened(case: Case, data: str | None, *, labelled: bool = False) -> Case:
    """The case with what its evaluation takes; as it is where there are figures."""
    from tfgan_kit.cli.evaluate import data_recipe
    from tfgan_kit.cli.subject import open_target
    from tfgan_kit.data import open_source
    from tfgan_kit.evaluation.defaults import held_out_for

    if case.found is not None:
        return case
    target = case.target or open_target(case.path)
    recipe = data_recipe(target, data)
    if labelled:
        recipe = recipe.replace(conditional=None)
    aside = held_out_for(recipe.data) if data is None or target.recipe is None else None
    try:
        source = open_source(recipe)
        held_out = None if aside is None else open_source(recipe.replace(data=aside))
    except DataError as error:
        if data is not None:
            raise
        raise DataError(f"{error}; {case.name} was trained on it: name it where it is now with --data") from None
    return replace(case, target=target, source=source, held_out=held_out)


def _evaluated(case: Case, network: Extractor | None, wanted: Wanted) -> Evaluation:
    from tfgan_kit.cli.progress import progress_bar
    from tfgan_kit.evaluation.evaluate import evaluate

    assert case.target is not None
    assert case.source is not None
    assert network is not None
    subject = case.target.subject
    with progress_bar() as on_progress:
        return evaluate(
            subject,
            case.source,
            network,
            metrics=wanted.metrics or ("standard",),
            n=wanted.samples or SAMPLES,
            repetitions=1 if subject.count is not None else wanted.repetitions or REPETITIONS,
            held_out=case.held_out,
            on_progress=lambda what, share: on_progress(f"{case.name}: {what}", share),
        )
