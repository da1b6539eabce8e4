"""Open and sample thousands of damaged and lying models; list those that are not answered by pictures or one line.

    python benchmarks/fuzz_models.py [MODEL.onnx ...] [--count 10000] [--first 0] [--keep FOLDER]

Each mutant is one of the models (all of artifacts/gallery by default) changed in up to three places, by its number
alone: bits, cuts, splices, lengths, and, in ONNX's own terms, dims, types, attributes, constants, operators, edges,
metadata and names of outside files. It is opened and sampled in a worker process whose memory and time are limited.
Garbage in the pictures is fine, for weights may be anything. A crash, a hang, another exception, an allocation without
bound, or a file that is read from outside the model is not: its number, kind and file are kept. Exits with 1 then.
Needs the `onnx` package.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import random
import resource
import sys
import tempfile
import time
import warnings
from multiprocessing.connection import Connection
from pathlib import Path

import onnx
from model_changes import BYTE_CHANGES, ONNX_CHANGES

from tfgan_kit.export.spec import mapping_file

# A model and, for one of inputs w, its mapping.
Base = tuple[bytes, bytes | None]

# What a worker may take beside what it has with whole models, and for one mutant.
MEMORY_BYTES, RSS_KB = 2 * 2**30, 2**20
HANG_SEC = 20.0


def mutant(models: list[Base], number: int) -> tuple[Base, tuple[str, ...]]:
    """The mutant of a number, and the changes that made it."""
    draw = random.Random(number)
    model, mapping = draw.choice(models)
    if mapping is not None and draw.random() < 0.3:
        mapping, changes = changed(mapping, draw)
    else:
        model, changes = changed(model, draw)
    return (model, mapping), changes


def changed(data: bytes, draw: random.Random) -> tuple[bytes, tuple[str, ...]]:
    """The content of a file with one to three changes, and their names."""
    changes = []
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        if draw.random() < 0.35:
            change = draw.choice(BYTE_CHANGES)
            data = bytes(change(bytearray(data), draw)) or b"\x00"
        else:
            try:
                model = onnx.load_from_string(data)
            except Exception:  # A change before it broke the file.
                continue
            if not model.graph.node:
                continue
            change = draw.choice(ONNX_CHANGES)
            try:
                change(model, draw)
                data = model.SerializeToString()
            except (ValueError, TypeError, UnicodeEncodeError):
                continue  # A value that the onnx package itself refuses to write.
        changes.append(change.__name__)
    return data, tuple(changes)


def write(files: Base, path: Path) -> None:
    """A model, and the mapping beside it, where it has one."""
    model, mapping = files
    path.write_bytes(model)
    beside = mapping_file(path)
    beside.unlink(missing_ok=True)
    if mapping is not None:
        beside.write_bytes(mapping)


# Opening and sampling, in a process that may die of it.


def answer(path: Path) -> tuple[str, str]:
    """What becomes of a mutant: "pictures", "refused", or what is wrong, and in words."""
    import numpy as np

    from tfgan_kit.errors import ModelFileError, SampleError
    from tfgan_kit.export import Sampler

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        images = Sampler(path, threads=1).sample([0, 1, 2**40])
        outcome = ("pictures", "") if images.dtype == np.uint8 and len(images) == 3 else ("wrong pictures", "")
    except (ModelFileError, SampleError) as error:
        text = " ".join(str(error).split())
        outcome = ("refused", text)
        if any(word in text.lower() for word in ("bad_alloc", "allocate", "bad allocation")):
            outcome = ("memory", text)
        try:
            text.encode()
        except UnicodeEncodeError:
            outcome = ("a line that cannot be printed", ascii(text))
    except MemoryError as error:
        outcome = ("memory", repr(error))
    except BaseException as error:  # Whatever else comes is what is looked for.
        outcome = ("escaped", f"{type(error).__name__}: {error}")
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before > RSS_KB:
        outcome = ("memory", f"more than {RSS_KB // 2**20} GB; {outcome}")
    return outcome


def work(models: list[Base], folder: Path, to_parent: Connection) -> None:
    """Answer each mutant whose number comes, in a limited process."""
    path = folder / "mutant.onnx"
    # Nor is a warning pictures or one line.
    warnings.simplefilter("error")
    for files in models:
        write(files, path)
        if answer(path)[0] != "pictures":
            sys.exit(f"a whole model is not sampled from: {answer(path)}")
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY_BYTES, in_use + MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    to_parent.send("ready")
    while (number := to_parent.recv()) is not None:
        files, changes = mutant(models, number)
        write(files, path)
        started = time.process_time()
        to_parent.send((*answer(path), changes, time.process_time() - started))


class Worker:
    """A process that answers mutants one at a time, and is replaced when it dies or hangs."""

    def __init__(self, models: list[Base], folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(models, folder, theirs), daemon=True)
        self.process.start()
        theirs.close()
        assert self.pipe.poll(300)
        assert self.pipe.recv() == "ready"

    def ask(self, number: int) -> tuple[str, str, tuple[str, ...], float]:
        self.pipe.send(number)
        if not self.pipe.poll(HANG_SEC):
            self.process.kill()
            self.process.join()
            return "hung", f"more than {HANG_SEC:g} s", (), HANG_SEC
        try:
            return self.pipe.recv()  # type: ignore[no-any-return]
        except EOFError:
            self.process.join()
            return "crashed", f"exit code {self.process.exitcode}", (), 0.0

    def stop(self) -> None:
        if self.process.is_alive():
            self.pipe.send(None)
        self.process.join(10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--keep", type=Path, default=Path("fuzzed"), help="where the files of failures go")
    options = parser.parse_args()
    paths = options.models or sorted(Path("artifacts/gallery").glob("*/generator.onnx"))
    models: list[Base] = [
        (path.read_bytes(), mapping_file(path).read_bytes() if mapping_file(path).is_file() else None) for path in paths
    ]

    outcomes: collections.Counter[str] = collections.Counter()
    by_change: collections.Counter[str] = collections.Counter()
    failures, slowest, started = [], (0.0, 0), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        # What a model could be made to read, were its paths followed.
        (Path(folder) / "canary.bin").write_bytes(bytes(2**20))
        worker = Worker(models, Path(folder))
        for number in range(options.first, options.first + options.count):
            outcome, text, changes, seconds = worker.ask(number)
            changes = changes or mutant(models, number)[1]
            if outcome == "pictures" and changes[-1:] == ("outside",):
                outcome, text = "read from outside", ""
            outcomes[outcome] += 1
            by_change.update(f"{change}: {outcome}" for change in changes)
            slowest = max(slowest, (seconds, number))
            if outcome not in ("pictures", "refused"):
                options.keep.mkdir(parents=True, exist_ok=True)
                write(mutant(models, number)[0], options.keep / f"{number}.onnx")
                failures.append(f"{number}: {outcome} after {', '.join(changes)}: {text[:300]}")
                print(failures[-1], file=sys.stderr, flush=True)
            if not worker.process.is_alive():
                worker = Worker(models, Path(folder))
        worker.stop()

    for change, count in sorted(by_change.items()):
        print(f"{change:40} {count:6}")
    print(
        f"{sum(outcomes.values())} mutants of {len(models)} models in {time.perf_counter() - started:.0f} s:",
        *(f"{count} {outcome}" for outcome, count in outcomes.items()),
    )
    print(f"slowest: {slowest[0]:.2f} s of processor time, number {slowest[1]}")
    print(f"{len(failures)} failures" + (f", files in {options.keep}" if failures else ""))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
