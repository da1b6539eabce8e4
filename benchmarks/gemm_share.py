"""How near a model's convolutions come to the machine's own matrix product, and what is spent around them.

    python benchmarks/gemm_share.py MODEL.onnx... [--batch 64] [--rounds 9]

Every model runs as the Sampler runs it, in parts of 16 pictures, on one thread, and onnxruntime's profiler says what
each operator took. Useful operations are those that reach the output: for a transposed convolution, what falls outside
of the picture does not count. The machine's rate is that of numpy's float32 matrix product, and of onnxruntime's, of
the size of the model's largest convolution and of 512 x 512 x 512; the better of the two is what a share is of. Rounds
of both take turns; of products the fastest round counts and of operators the fastest tenth, which other programs
disturb least.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before numpy: the rate of one thread is compared with the rate of one thread.
os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

PART = 16
SHARE, OVERHEAD = 0.85, 0.10
CONVOLUTIONS = ("Conv", "FusedConv", "ConvTranspose")
GEMMS = ("Gemm", "FusedGemm", "MatMul", "FusedMatMul")
# Share of the time from which an operator is shown.
LEAST_SHOWN = 0.03


@dataclass(frozen=True)
class Product:
    """Useful operations, and rows, inner size and columns as a matrix product of one picture."""

    operations: float
    sizes: tuple[int, int, int]


@dataclass(frozen=True)
class Row:
    """An operator of the graph as it runs."""

    name: str
    kind: str
    product: Product | None
    sec: float


@dataclass(frozen=True)
class Measured:
    """Operators, and operations a second of matrix products by their name."""

    rows: list[Row]
    rates: dict[str, float]


def product_of(kind: str, shapes: list[list[int]], y: list[int], weights: list[int] | None) -> Product | None:
    """The useful operations of an operator, from the shapes that it ran with; None where it is no product.

    Args:
        kind: the operator.
        shapes: of its inputs, weights among them unless they are packed.
        y: of its output.
        weights: of the node of that name in the file, where there is one.
    """
    x = shapes[0]
    if kind in GEMMS:
        return Product(2.0 * float(np.prod(y)) * x[-1], (int(np.prod(y[:-1])), x[-1], y[-1]))
    if kind not in CONVOLUTIONS:
        return None
    w = next((shape for shape in shapes[1:] if len(shape) == 4), weights)
    assert w is not None
    transposed = kind == "ConvTranspose"
    inner, outer = (x, y) if transposed else (y, x)
    pairs = 1
    for axis in (2, 3):
        # Pairs of a place in the smaller map and a tap of the kernel that meet a place in the larger one.
        stride = max(1, round(outer[axis] / inner[axis]))
        pad = max(0, (inner[axis] - 1) * stride + w[axis] - outer[axis]) // 2
        at = np.arange(inner[axis])[:, None] * stride + np.arange(w[axis]) - pad
        pairs *= int(((at >= 0) & (at < outer[axis])).sum())
    taps = w[2] * w[3]
    sizes = (w[1] * taps, w[0], x[2] * x[3]) if transposed else (w[0], w[1] * taps, y[2] * y[3])
    return Product(2.0 * x[0] * pairs * w[0] * w[1], sizes)


def profiled(content: bytes, folder: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_profiling = True
    options.profile_file_prefix = str(folder / "profile")
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def product_rates(sizes: tuple[int, int, int]) -> dict[str, Callable[[], float]]:
    """Operations a second of one matrix product of those sizes, by numpy and by onnxruntime, each time it is called."""
    rows, inner, columns = sizes
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=shape).astype(np.float32) for shape in ((rows, inner), (inner, columns)))
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["a", "b"], ["c"])],
        "product",
        [helper.make_tensor_value_info("b", kind, b.shape)],
        [helper.make_tensor_value_info("c", kind, [rows, columns])],
        [onnx.numpy_helper.from_array(a, "a")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    out = np.empty((rows, columns), np.float32)

    def rate(call: Callable[[], Any]) -> float:
        call()
        calls = max(1, int(4e8 / (2.0 * rows * inner * columns)))
        started = time.perf_counter()
        for _ in range(calls):
            call()
        return 2.0 * rows * inner * columns * calls / (time.perf_counter() - started)

    return {
        "numpy": lambda: rate(lambda: np.matmul(a, b, out=out)),
        "onnxruntime": lambda: rate(lambda: session.run(None, {"b": b})),
    }


def measure(path: Path, batch: int, rounds: int) -> Measured:
    from tfgan_kit.export.runtime import Sampler

    model = onnx.load(path)
    dims = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    weights = {node.name: dims.get(node.input[1]) for node in model.graph.node if len(node.input) > 1}
    inputs = Sampler(path).inputs_of(range(PART))
    rates: dict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder:
        # Once to see what the largest product is, and again beside it.
        session = profiled(path.read_bytes(), Path(folder))
        session.run(None, inputs)
        products = [row.product for row in rows_of(session, weights) if row.kind in CONVOLUTIONS and row.product]
        machines = {
            "like the largest": product_rates(max(products, key=lambda product: product.operations).sizes),
            "512 x 512 x 512": product_rates((512, 512, 512)),
        }
        session = profiled(path.read_bytes(), Path(folder))
        for _ in range(rounds):
            for size, calls in machines.items():
                for name, call in calls.items():
                    rates[f"{name} {size}"] = max(rates[f"{name} {size}"], call())
            for _ in range(batch // PART):
                session.run(None, inputs)
        return Measured(rows=rows_of(session, weights), rates=dict(rates))


def rows_of(session: onnxruntime.InferenceSession, weights: dict[str, list[int] | None]) -> list[Row]:
    """What the profiler tells of each operator; the first run, which sets up, is left out."""
    events = json.loads(Path(session.end_profiling()).read_text())
    seconds: dict[str, list[float]] = defaultdict(list)
    facts: dict[str, tuple[str, Product | None]] = {}
    for event in events:
        if event["name"].endswith("_kernel_time"):
            name, about = event["name"].removesuffix("_kernel_time"), event["args"]
            seconds[name].append(event["dur"] / 1e6)
            shapes = [next(iter(each.values())) for each in about["input_type_shape"]]
            y = next(iter(about["output_type_shape"][0].values()))
            kind = about["op_name"]
            facts[name] = kind, product_of(kind, shapes, y, weights.get(name)) if shapes else None
    # The profiler's own cost a node would count as time of the run: the sum of the nodes does not have it.
    return [Row(name, *facts[name], fast(times)) for name, times in seconds.items()]


def fast(seconds: list[float]) -> float:
    """The tenth of the values that other programs disturbed least: their largest."""
    return float(np.quantile(seconds[1:] or seconds, 0.1))


def show(path: Path, found: Measured, every: bool) -> None:
    rates = ", ".join(f"{name} {rate / 1e9:.0f}" for name, rate in found.rates.items())
    print(f"{path}\n  matrix product on one thread, GFLOP/s: {rates}")
    total = sum(row.sec for row in found.rows)
    for row in sorted(found.rows, key=lambda row: -row.sec):
        if every or row.sec > LEAST_SHOWN * total:
            product = row.product
            rate = f"{product.operations / row.sec / 1e9:6.1f} GFLOP/s  {product.sizes}" if product else ""
            print(f"  {row.kind:14} {row.name[-44:]:44} {1e3 * row.sec:8.3f} ms {row.sec / total:6.1%}  {rate}")
    by_kind: dict[str, float] = defaultdict(float)
    for row in found.rows:
        by_kind[row.kind if row.product is None else "products"] += row.sec / total
    most = sorted(by_kind.items(), key=lambda item: -item[1])[:6]
    print("  " + ", ".join(f"{kind} {share:.1%}" for kind, share in most))
    convolutions = [row for row in found.rows if row.kind in CONVOLUTIONS and row.product]
    done = sum(row.product.operations for row in convolutions if row.product)
    rate = done / sum(row.sec for row in convolutions)
    overhead = 1 - by_kind["products"]
    for size in ("like the largest", "512 x 512 x 512"):
        machine = max(value for name, value in found.rates.items() if name.endswith(size))
        met = "yes" if rate >= SHARE * machine else "NO"
        share = f"{rate / machine:.0%} of the product {size} (>= {SHARE:.0%}: {met})"
        print(f"  convolutions {rate / 1e9:.1f} GFLOP/s: {share}")
    met = "yes" if overhead < OVERHEAD else "NO"
    print(f"  {1e3 * total:.2f} ms a part of {PART}; around the products {overhead:.1%} (< {OVERHEAD:.0%}: {met})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--all", action="store_true", help="show every operator, not only those that take 3 %% or more")
    options = parser.parse_args()
    for path in options.models:
        show(path, measure(path, options.batch, options.rounds), options.all)
    print(f"python {' '.join(sys.argv)}")


if __name__ == "__main__":
    main()
