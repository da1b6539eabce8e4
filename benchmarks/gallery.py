"""The evidence of a recipe, made from a run folder: pictures, the recipe, and measured figures.

    python benchmarks/gallery.py RUN [--out artifacts/gallery/NAME] [--n 10000] [--command "tfgan train ..."]
    python benchmarks/gallery.py RUN --extractor classifier.onnx    # pictures other than MNIST's digits
    python benchmarks/gallery.py --index                            # artifacts/gallery/README.md from all figures.json

RUN is finished, or was interrupted. Exports the generator and writes into the folder `--out`:

recipe.json    as the run has it
samples.png    as `tfgan sample` draws it, from seed 0 on
figures.json   command, length, speed, sizes, what `n` samples measure, and the last line of statistics
progress.gif   with --growth: the run's previews, one after the other
progress.png   likewise: a row of them, from first to last
generator.onnx with --keep-model

Samples are measured in the features of the extractor that knows the data, such as mnist-cnn, or of one that is given,
such as a classifier of `benchmarks/attributes.py`. The Frechet distance is to all training pictures; `real_distance`
is that of other real pictures: the test images of digits, or one half of the data to the other.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

if TYPE_CHECKING:
    from tfgan_kit.export.convert import ExportResult
    from tfgan_kit.export.runtime import Sampler
    from tfgan_kit.extractors import Extractor
    from tfgan_kit.recipe import Recipe
    from tfgan_kit.training.run_folder import DataFacts, RunFolder

GALLERY = Path("artifacts/gallery")
MAX_SAMPLES_BYTES = 400_000
MAX_PROGRESS_BYTES = 1_500_000
PANELS = 6
INDEX_MARK = "<!-- index -->"
# Of stats.jsonl, whose other columns depend on the recipe.
LAST_TICK = ("step", "nimg", "d_loss", "g_loss", "d_real", "d_fake", "d_accuracy", "d_grad_norm", "g_grad_norm")


def run_figures(folder: RunFolder, export: ExportResult) -> dict[str, Any]:
    """What the run's own records say: length, speed, sizes, and the last statistics."""
    recipe, facts, _ = folder.read()
    timing, stats = folder.read_timing(), folder.read_stats()
    figures: dict[str, Any] = {"finished": folder.finished, "kimg": export.spec.nimg / 1000}
    if timing:
        seconds = sum(line["sec"] for line in timing)
        figures |= {"training_sec": round(seconds, 1), "img_per_sec": round(timing[-1]["nimg"] / seconds, 1)}
    figures["parameters"] = parameters(recipe, facts)
    figures["export"] = {
        "bytes": export.size_bytes,
        "max_abs_error": export.spec.parity.max_abs_error,
        "tolerance": export.spec.parity.tolerance,
    }
    if stats:
        figures["last_tick"] = {key: _short(stats[-1][key]) for key in LAST_TICK if key in stats[-1]}
    return figures


def parameters(recipe: Recipe, facts: DataFacts) -> dict[str, int]:
    """Trained numbers in G and D."""
    from tfgan_kit.build import build_discriminator, build_generator

    G = build_generator(recipe, shape=facts.shape, classes=facts.classes)
    D = build_discriminator(recipe, shape=facts.shape, classes=facts.classes)
    return {name: sum(int(np.prod(w.shape)) for w in net.trainable_weights) for name, net in (("G", G), ("D", D))}


def sample_figures(model: Path, extractor: Extractor, n: int) -> dict[str, Any]:
    """What n samples measure, to the training pictures, with the test images or half of them for scale."""
    from tfgan_kit.cli.subject import open_target
    from tfgan_kit.data import open_source
    from tfgan_kit.evaluation.defaults import held_out_for
    from tfgan_kit.evaluation.evaluate import measure
    from tfgan_kit.evaluation.reference import open_reference

    target = open_target(model)
    assert target.recipe is not None
    source = open_source(target.recipe.replace(batch_size=1))
    if source.digest != target.data_digest:
        raise SystemExit(f"{source.spec} has other pictures than the run was trained on: give them back to it")
    real = open_reference(source, extractor)
    test = held_out_for(source.spec)
    held_out = test and open_reference(open_source(target.recipe.replace(data=test, batch_size=1)), extractor)
    found = measure(target.subject, real, extractor, metrics=["standard"], n=n, held_out=held_out or None)
    figures: dict[str, Any] = {"extractor": extractor.name, "samples": n, "resampled": found.extractor["resize"]}
    measured = found.metrics
    figures["distance"] = round(measured["frechet"].value, 3)
    figures["real_distance"] = round(measured["frechet"].real or between_halves(real.features), 3)
    for name in ("precision", "recall", "density", "coverage", "memorised_share"):
        figures[name] = round(measured[name].value, 3)
    if "modes_covered" in measured and len(extractor.attributes) > 1:
        figures["modes"] = [int(measured["modes_covered"].value), measured["modes_covered"].of]
    asked = {name: m for name, m in measured.items() if name.startswith("conditional_accuracy")}
    if asked:
        figures["accuracy"] = {name.partition("/")[2] or "class": round(m.value, 4) for name, m in asked.items()}
    return figures


def between_halves(features: np.ndarray) -> float:
    """The Frechet distance of one half of the real pictures to the other."""
    from tfgan_kit.metrics.frechet import FeatureStatistics, frechet_distance

    order = np.random.default_rng(0).permutation(len(features))
    return frechet_distance(*(FeatureStatistics().update(features[order[i::2]]) for i in (0, 1)))


def write_samples(sampler: Sampler, path: Path) -> None:
    """The grid that `tfgan sample` draws: 8 of each class, a column each, or 8 by 8; fewer rows if it is too large."""
    from tfgan_kit.pictures import grid, to_pillow

    classes = sampler.spec.classes
    columns = classes[0] if len(classes) == 1 and 1 < classes[0] <= 32 else 8
    for rows in range(8, 0, -1):
        to_pillow(grid(sampler.sample(range(rows * columns)), columns)).save(path, optimize=True)
        if path.stat().st_size <= MAX_SAMPLES_BYTES:
            return


def write_progress(folder: RunFolder, out: Path) -> None:
    """progress.gif and progress.png: those of the run, or made from fewer of its previews where they are large."""
    from tfgan_kit.pictures import panels, save_gif, to_pillow

    frames = sorted(folder.previews.glob("step-*.png"))
    _small(folder.path / "progress.gif", out, 60, lambda path, most: save_gif(frames, path, most=most))
    _small(folder.path / "progress.png", out, PANELS, lambda path, n: to_pillow(panels(frames, n)).save(path))


def _small(made: Path, out: Path, most: int, make: Callable[[Path, int], None]) -> None:
    target = out / made.name
    if made.is_file():
        shutil.copyfile(made, target)
    else:
        make(target, most)
    while target.stat().st_size > MAX_PROGRESS_BYTES and most > 1:
        most = max(1, most * 2 // 3)
        make(target, most)


def write_recipe(folder: RunFolder, out: Path) -> None:
    """recipe.json, its data without the folders of this machine."""
    from tfgan_kit.report.command import public

    content = json.loads((folder.path / "recipe.json").read_text(encoding="utf-8"))
    content["recipe"]["data"] = public(content["recipe"]["data"])
    content["data"]["spec"] = public(content["data"]["spec"])
    _write_json(out / "recipe.json", content)


def make(
    folder: RunFolder, out: Path, *, n: int, command: str, extractor: Extractor, growth: bool, keep_model: bool
) -> None:
    """Everything that the gallery keeps of a run."""
    from tfgan_kit import Sampler
    from tfgan_kit.export.convert import export_onnx
    from tfgan_kit.report.command import command_of

    recipe, _, name = folder.read()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        export = export_onnx(folder.path, Path(scratch) / "generator.onnx")
        sampler = Sampler(export.file)
        write_recipe(folder, out)
        write_samples(sampler, out / "samples.png")
        if growth:
            write_progress(folder, out)
        figures = {
            "recipe": name,
            "command": command or command_of(recipe, name, published=True),
            **run_figures(folder, export),
        }
        figures |= sample_figures(export.file, extractor, n)
        _write_json(out / "figures.json", figures)
        if keep_model:
            shutil.copyfile(export.file, out / "generator.onnx")
    print(json.dumps(figures))


def write_index(gallery: Path) -> None:
    """README.md of the gallery: a row a recipe, with its command, picture and figures."""
    head = (gallery / "README.md").read_text(encoding="utf-8").partition(INDEX_MARK)[0]
    rows = ["| recipe | samples | command | training | measured |", "|---|---|---|---|---|"]
    for file in sorted(gallery.glob("*/figures.json")):
        figures, name = json.loads(file.read_text(encoding="utf-8")), file.parent.name
        if "command" in figures:
            length = f"{figures['kimg']:.0f} kimg, {figures['training_sec'] / 60:.1f} min"
            picture = f'<img src="{name}/samples.png" width="260" alt="Samples of {name}">'
            rows.append(f"| {name} | {picture} | `{figures['command']}` | {length} | {measured(figures)} |")
    (gallery / "README.md").write_text(f"{head}{INDEX_MARK}\n\n" + "\n".join(rows) + "\n", encoding="utf-8")


def measured(figures: Mapping[str, Any]) -> str:
    """The figures of samples in words; a dash where nothing was measured."""
    if "distance" not in figures:
        return "-"
    words = [
        f"Frechet distance {figures['distance']:.3g} in {figures['extractor']} (real {figures['real_distance']:.3g})",
        f"precision {figures['precision']:.2f}, recall {figures['recall']:.2f}",
    ]
    if "modes" in figures:
        words.append("{} of {} modes".format(*figures["modes"]))
    words += [f"{name} as asked {share:.1%}" for name, share in figures.get("accuracy", {}).items()]
    return "; ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="the run folder")
    parser.add_argument("--index", action="store_true", help="write the gallery's README.md and nothing else")
    parser.add_argument("--out", type=Path, help="(default: artifacts/gallery/ and the recipe's name)")
    parser.add_argument("--n", type=int, default=10_000, help="samples that are measured (default: %(default)s)")
    parser.add_argument("--command", default="", help="what made the run (default: from its recipe)")
    parser.add_argument("--extractor", type=Path, help="an .onnx (default: by the data)")
    parser.add_argument("--growth", action="store_true", help="keep how the pictures grew")
    parser.add_argument("--keep-model", action="store_true", help="keep generator.onnx in the gallery")
    options = parser.parse_args()
    if options.index:
        write_index(GALLERY)
        return
    if options.run is None:
        parser.error("name a run folder, or give --index")

    from tfgan_kit.evaluation.defaults import extractor_for
    from tfgan_kit.extractors import open_extractor
    from tfgan_kit.training.run_folder import RunFolder

    folder = RunFolder(options.run)
    _, facts, name = folder.read()
    extractor = open_extractor(f"onnx:{options.extractor}" if options.extractor else extractor_for(facts.spec))
    make(
        folder,
        options.out or GALLERY / name,
        n=options.n,
        command=options.command,
        extractor=extractor,
        growth=options.growth,
        keep_model=options.keep_model,
    )


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _short(value: float) -> float:
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
