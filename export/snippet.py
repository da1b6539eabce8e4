"""How a model is called with numpy and onnxruntime alone: lines of Python for just that model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tfgan_kit.export.reading.model_proto import Value
from tfgan_kit.export.spec import ModelSpec, mapping_file

_Z = {
    "normal": "rng.standard_normal((n, {dim}), dtype=np.float32)",
    "uniform": "rng.uniform(-1, 1, (n, {dim})).astype(np.float32)",
    "spherical": "rng.standard_normal((n, {dim}), dtype=np.float32)",
}


def snippet_of(spec: ModelSpec, file: str) -> str:
    """A program that makes pictures with a model of tfgan-kit.

    Args:
        spec: of the model.
        file: its path, as the program is to open it.

    Returns:
        Lines of Python that end with `images`, an array (n, H, W, C) or (n, C, H, W).
    """
    n = spec.max_batch or 4
    lines = _opening(file)
    feed = {}
    if spec.inputs == "seed":
        lines.append(f"n, rng = {n}, np.random.default_rng(0)" if len(spec.classes) > 1 else f"n = {n}")
        lines.append("seed = np.arange(n, dtype=np.int64)  # a picture each")
        feed["seed"] = "seed"
    else:
        lines.append(f"n, rng = {n}, np.random.default_rng(0)")
        lines.append(f"z = {_Z[spec.z_prior].format(dim=spec.z_dim)}")
        if spec.z_prior == "spherical":
            lines.append(f"z *= np.float32({spec.z_dim}**0.5) / np.linalg.norm(z, axis=1, keepdims=True)")
        feed["z"] = "z"
    if len(spec.classes) == 1:
        lines.append(f"labels = np.arange(n) % {spec.classes[0]}  # of {_few(next(iter(spec.attributes.values())))}")
    elif spec.classes:
        drawn = f"rng.integers({list(spec.classes)}, size=(n, {len(spec.classes)}))"
        lines.append(f"labels = {drawn}  # of {_few(tuple(spec.attributes))}")
    if spec.classes:
        feed["labels"] = "labels"
    if spec.inputs == "w":
        mapping = str(mapping_file(Path(file)))
        lines.append(f"mapping = onnxruntime.InferenceSession({mapping!r}, providers=['CPUExecutionProvider'])")
        lines.append(f'(w,) = mapping.run(["w"], {_dictionary(feed)})')
        feed = {"w": "w"}
    if spec.noise_dim and spec.inputs != "seed":
        lines.append(f"noise = rng.standard_normal((n, {spec.noise_dim}), dtype=np.float32)")
        feed["noise"] = "noise"
    axes = ", ".join(map(str, spec.output_shape))
    values = "0 to 255" if spec.dtype == "uint8" else "-1 to 1"
    lines.append(f'(images,) = session.run(["images"], {_dictionary(feed)})  # (n, {axes}) {spec.dtype}, {values}')
    return "\n".join(lines)


def snippet_of_any(inputs: Sequence[Value], outputs: Sequence[Value], file: str) -> str:
    """A program that runs any model once: its floats drawn from a normal distribution, its whole numbers 0.

    Args:
        inputs, outputs: of the model; open axes are given the length 1.
        file: its path.

    Returns:
        Lines of Python that end with `outputs`, a list of arrays.
    """
    lines = [*_opening(file), "rng = np.random.default_rng(0)", "outputs = session.run(", "    None,", "    {"]
    for value in inputs:
        shape = tuple(dim if isinstance(dim, int) and dim > 0 else 1 for dim in value.dims or ())
        if "float" in value.dtype or value.dtype == "unknown":
            dtype = value.dtype if value.dtype in ("float16", "float64") else "float32"
            array = f"rng.standard_normal({shape}).astype(np.{dtype})"
            array = f"np.asarray(rng.standard_normal(), np.{dtype})" if not shape else array
        else:
            array = f"np.zeros({shape}, {'bool' if value.dtype == 'bool' else f'np.{value.dtype}'})"
        lines.append(f"        {value.name!r}: {array},")
    lines += ["    },", f")  # {_few([value.name for value in outputs])}"]
    return "\n".join(lines)


def _opening(file: str) -> list[str]:
    return [
        "import numpy as np, onnxruntime",
        f"session = onnxruntime.InferenceSession({file!r}, providers=['CPUExecutionProvider'])",
    ]


def _dictionary(feed: dict[str, str]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in feed.items()) + "}"


def _few(names: Sequence[str]) -> str:
    """Names for a comment: a few, on one line."""
    shown = ", ".join(ascii(name)[1:-1] for name in names[:6])
    return f"{shown:.80}" + (", ..." if len(names) > 6 or len(shown) > 80 else "")
