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
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
import warnings
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto

from tfgan_kit.export.spec import mapping_file

# A model and, for one of inputs w, its mapping.
Base = tuple[bytes, bytes | None]

# What a worker may take beside what it has with whole models, and for one mutant.
MEMORY_BYTES, RSS_KB = 2 * 2**30, 2**20
HANG_SEC = 20.0
HUGE = (
    0,
    1,
    -1,
    2,
    3,
    7,
    127,
    128,
    255,
    2**15,
    2**16,
    2**20,
    2**31 - 1,
    2**31,
    2**32,
    2**40,
    2**62,
    2**63 - 1,
    -(2**63),
)
PATHS = (
    "../../etc/passwd",
    "/etc/passwd",
    "canary.bin",
    "./canary.bin",
    "/dev/zero",
    "",
    "\x00",
    "../" * 400,
    "a" * 9999,
)
TEXTS = ("", "\x1b[31m", "../../etc/passwd", "nhwc", "float32", "w", "seed", "\ud800", "x" * 100_000, "1e999", "\n\n")


# Changes to the bytes.


def flip_bits(data: bytearray, draw: random.Random) -> bytearray:
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        data[position(data, draw)] ^= 1 << draw.randrange(8)
    return data


def set_bytes(data: bytearray, draw: random.Random) -> bytearray:
    for _ in range(draw.choice((1, 2, 4))):
        data[position(data, draw)] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
    return data


def truncate(data: bytearray, draw: random.Random) -> bytearray:
    return data[: position(data, draw)]


def cut(data: bytearray, draw: random.Random) -> bytearray:
    start = position(data, draw)
    del data[start : start + draw.choice((1, 2, 8, 100, 10_000))]
    return data


def splice(data: bytearray, draw: random.Random) -> bytearray:
    start, size = position(data, draw), draw.choice((1, 2, 8, 100, 5000))
    at = position(data, draw)
    return data[:at] + data[start : start + size] + data[at:]


def length_bomb(data: bytearray, draw: random.Random) -> bytearray:
    at = position(data, draw)
    bomb = draw.choice((b"\xff\xff\xff\xff\x07", b"\xff" * 9 + b"\x01", b"\xff" * 11, b"\x80\x80\x80\x80\x10", b"\x7f"))
    return data[:at] + bomb + data[at + draw.randrange(3) :]


def position(data: bytearray, draw: random.Random) -> int:
    """Mostly where the structure is: near the ends of the file, where names, nodes and metadata stand."""
    size = max(len(data), 1)
    place = draw.randrange(4)
    if place == 0:
        return draw.randrange(size)
    return draw.randrange(min(size, 4000)) if place == 1 else size - 1 - draw.randrange(min(size, 6000))


BYTE_CHANGES = (flip_bits, set_bytes, truncate, cut, splice, length_bomb)


# Changes in ONNX's terms.


def wild(draw: random.Random) -> int:
    return draw.choice(HUGE)


def dims(model: onnx.ModelProto, draw: random.Random) -> None:
    tensor = draw.choice(tensors(model))
    if tensor.dims and draw.random() < 0.3:
        tensor.dims[:] = draw.sample(list(tensor.dims), len(tensor.dims))
    elif tensor.dims and draw.random() < 0.7:
        tensor.dims[draw.randrange(len(tensor.dims))] = wild(draw)
    else:
        tensor.dims.append(wild(draw))


def reshaped_weights(model: onnx.ModelProto, draw: random.Random) -> None:
    """Another shape, with the bytes that it needs."""
    tensor = draw.choice(tensors(model))
    tensor.dims[:] = [draw.choice((0, 1, 2, 3, 5, 8)) for _ in range(draw.randrange(5))]
    count = 1
    for dim in tensor.dims:
        count *= dim
    size = {TensorProto.FLOAT: 4, TensorProto.INT64: 8}.get(tensor.data_type, 1)
    tensor.raw_data = draw.randbytes(count * size)


def dtype(model: onnx.ModelProto, draw: random.Random) -> None:
    draw.choice(tensors(model)).data_type = draw.choice((*range(27), 99, -1, 2**31 - 1))


def constant(model: onnx.ModelProto, draw: random.Random) -> None:
    small = [t for t in tensors(model) if t.data_type == TensorProto.INT64 and 0 < len(t.raw_data) <= 128]
    if small:
        tensor = draw.choice(small)
        raw = bytearray(tensor.raw_data)
        at = 8 * draw.randrange(len(raw) // 8)
        raw[at : at + 8] = wild(draw).to_bytes(8, "little", signed=True)
        tensor.raw_data = bytes(raw)


def attribute(model: onnx.ModelProto, draw: random.Random) -> None:
    nodes = [node for node in model.graph.node if node.attribute]
    if not nodes:
        return
    chosen = draw.choice(draw.choice(nodes).attribute)
    if chosen.ints:
        chosen.ints[draw.randrange(len(chosen.ints))] = wild(draw)
        if draw.random() < 0.2:
            chosen.ints.append(wild(draw))
    elif chosen.type == onnx.AttributeProto.INT:
        chosen.i = wild(draw)
    elif chosen.type == onnx.AttributeProto.FLOAT:
        chosen.f = draw.choice((0.0, -1.0, 1e38, float("inf"), float("nan")))
    elif chosen.type == onnx.AttributeProto.STRING:
        chosen.s = draw.choice((b"", b"\xff\xfe", b"SAME_UPPER", b"cubic", b"x" * 10_000))
    if draw.random() < 0.1:
        chosen.type = draw.randrange(16)  # type: ignore[assignment]


def operator(model: onnx.ModelProto, draw: random.Random) -> None:
    node = draw.choice(model.graph.node)
    if draw.random() < 0.7:
        node.op_type = draw.choice(OPERATORS)
    else:
        node.domain = draw.choice(("com.microsoft", "ai.onnx.ml", "evil", "\x1b"))


def edge(model: onnx.ModelProto, draw: random.Random) -> None:
    """An input or output of a node becomes another name; perhaps a circle, perhaps nothing."""
    names = [name for node in model.graph.node for name in (*node.input, *node.output)] + ["", "nothing", "z", "images"]
    node = draw.choice(model.graph.node)
    ends = node.input if node.input and draw.random() < 0.7 else node.output
    if ends and draw.random() < 0.8:
        ends[draw.randrange(len(ends))] = draw.choice(names)
    elif ends:
        ends.append(draw.choice(names))


def order(model: onnx.ModelProto, draw: random.Random) -> None:
    nodes = list(model.graph.node)
    if draw.random() < 0.5:
        draw.shuffle(nodes)
    else:
        at = draw.randrange(len(nodes))
        nodes = nodes[:at] + nodes[at + 1 :] + ([nodes[at], nodes[at]] if draw.random() < 0.5 else [])
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def signature(model: onnx.ModelProto, draw: random.Random) -> None:
    value = draw.choice([*model.graph.input, *model.graph.output])
    kind = value.type.tensor_type
    what = draw.randrange(5)
    if what == 0:
        kind.elem_type = draw.randrange(25)
    elif what == 1 and kind.shape.dim:
        draw.choice(kind.shape.dim).dim_value = wild(draw)
    elif what == 2 and kind.shape.dim:
        del kind.shape.dim[draw.randrange(len(kind.shape.dim)) :]
    elif what == 3:
        value.name = draw.choice(("", "z", "images", "labels", "x" * 1000))
    else:
        model.graph.output.append(value)


def metadata(model: onnx.ModelProto, draw: random.Random) -> None:
    entry = next((entry for entry in model.metadata_props if entry.key == "tfgan"), None)
    if entry is None:
        return
    what = draw.randrange(10)
    if what == 0:
        deep = draw.choice((100, 5000, 300_000))
        entry.value = draw.choice(('{"a":', "[")) * deep + draw.choice(("", "]" * deep))
    elif what == 1:
        entry.value = draw.choice(("", "null", "[]", "{}", "1" * 10_000, '{"format": 1}', '{"format": NaN}', "\x00"))
    elif what == 2:
        model.metadata_props.add(key="tfgan", value=entry.value)
    else:
        try:
            content = json.loads(entry.value)
        except (ValueError, RecursionError):
            return
        for _ in range(draw.choice((1, 1, 2, 3))):
            replace_one(content, draw)
        entry.value = json.dumps(content)


def consistent_lie(model: onnx.ModelProto, draw: random.Random) -> None:
    """Metadata and graph agree on a size, and the computation does not."""
    entry = next((entry for entry in model.metadata_props if entry.key == "tfgan"), None)
    try:
        content = json.loads(entry.value) if entry is not None else {}
        which, size = draw.choice(("height", "width", "channels", "dim")), abs(wild(draw)) or 1
        place = content["z"] if which == "dim" else content["images"]
        before, place[which] = place[which], size
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    entry.value = json.dumps(content)
    value = next(
        (v for v in (*model.graph.input, *model.graph.output) if v.name == ("z" if which == "dim" else "images")), None
    )
    for dim in value.type.tensor_type.shape.dim if value is not None else ():
        if dim.dim_value == before:
            dim.dim_value = min(size, 2**63 - 1)
            break


def replace_one(content: Any, draw: random.Random) -> None:
    """One value somewhere in nested JSON becomes another one, or is gone."""
    while isinstance(content, dict | list) and content:
        key = draw.choice(list(content)) if isinstance(content, dict) else draw.randrange(len(content))
        if not isinstance(content[key], dict | list) or not content[key] or draw.random() < 0.3:
            if draw.random() < 0.15:
                del content[key]
            else:
                junk = (None, True, [], {}, -1.5, float("nan"), float("inf"), [[]], {"a": 1}, 10**5000 // 10**4990)
                content[key] = draw.choice((*junk, wild(draw), wild(draw), draw.choice(TEXTS), [draw.choice(TEXTS)]))
            return
        content = content[key]


def outside(model: onnx.ModelProto, draw: random.Random) -> None:
    tensor = draw.choice(tensors(model))
    size = len(tensor.raw_data)
    if draw.random() < 0.8:
        tensor.ClearField("raw_data")
    tensor.data_location = draw.choice((TensorProto.EXTERNAL, TensorProto.EXTERNAL, TensorProto.DEFAULT))
    tensor.external_data.add(key="location", value=draw.choice(PATHS))
    if draw.random() < 0.5:
        tensor.external_data.add(key="offset", value=str(draw.choice((0, 1, -1, 2**62))))
        tensor.external_data.add(key="length", value=str(draw.choice((size, 0, -1, 2**62))))


def versions(model: onnx.ModelProto, draw: random.Random) -> None:
    if draw.random() < 0.5:
        model.ir_version = draw.choice((0, 1, 3, 4, 99, -1, 2**62))
    elif model.opset_import:
        model.opset_import[0].version = draw.choice((0, 1, 6, 7, 9, 10, 11, 12, 13, 14, 99, -1, 2**62))


def tensors(model: onnx.ModelProto) -> list[TensorProto]:
    within = [a.t for node in model.graph.node for a in node.attribute if a.type == onnx.AttributeProto.TENSOR]
    return [*model.graph.initializer, *within] or [model.graph.initializer.add()]


ONNX_CHANGES = (
    dims, reshaped_weights, dtype, constant, attribute, operator, edge, order, signature, metadata, metadata,
    consistent_lie, outside, versions,
)  # fmt: skip
OPERATORS = sorted({schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""})


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
