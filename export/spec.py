"""What a tfgan .onnx says of itself: the JSON in its metadata property `tfgan`. Standard library only.

    {"format": 1,
     "z":       {"dim": 64, "prior": "normal"},
     "classes": ["0", "1", ...] or null,
     "images":  {"height": 28, "width": 28, "channels": 1, "layout": "nhwc", "dtype": "uint8", "range": [0, 255]},
     "recipe":  {"name": "mnist", "digest": "...", "fields": {...}},
     "data":    {"spec": "mnist", "digest": "...", "images": 60000},
     "nimg":    1200000,
     "weights": "ema",
     "figures": {"fd": 15.2},
     "parity":  {"max_abs_error": 2e-07, "batch_sizes": [1, 16], "tolerance": 0.0001},
     "tfgan_kit": "0.1.0"}

and only where they are needed:

     "attributes": {"hair": ["brown", "black"], "glasses": ["none", "round"], ...}, of several labels; "classes" is null
     "counts":  [[600, 400], [900, 100], ...], of those: how many pictures have each value
     "noise":      {"dim": 4096}
     "truncation": {"of": "w", "psi": 0.7}
     "inputs":    "seed" or "w", in place of z
     "w":         {"dim": 64}, of inputs "w"
     "precision": {"of": "float16", "max_abs_error": 0.004, ...}, what it was measured to cost
     "max_batch": 8, where the graph takes just that many pictures

Graph inputs are `z` (N, dim) float32; with classes `labels` (N,) int64, with attributes (N, A) int64 in their order;
with noise `noise` (N, dim) float32, standard normal. The output is `images`. Of inputs "seed", `seed` (N,) int64 is in
the place of both `z` and `noise`, whose values the graph makes as `tfgan_kit.latents` does. Of inputs "w", `w` (N, dim)
float32 is in the place of `z` and of `labels`; beside such a file lies another that makes w, see `mapping_file`.
Keys that a reader does not know are left alone; a change of meaning raises `format`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfgan_kit.errors import ModelFileError
from tfgan_kit.export.json_part import JsonPart
from tfgan_kit.latents import PRIORS

FORMAT = 1
# Beyond these a file is taken to be damaged, before memory is taken for what it says.
MOST_PX, MOST_CHANNELS, MOST_LATENTS, MOST_NOISE, MOST_BATCH = 4096, 4, 2**16, 2**24, 1024
PROPERTY = "tfgan"
LAYOUTS = ("nhwc", "nchw")
# Values of the images by the dtype they are stored in.
RANGES: dict[str, tuple[float, float]] = {"uint8": (0, 255), "float32": (-1, 1)}
WEIGHTS = ("ema", "last")
# What a truncation brings nearer to its mean: z, when pictures are drawn; w, by weights that were exported so; or
# nothing, where the generator normalises z.
TRUNCATIONS = ("z", "w", "none")
# What a picture is made from: a latent, the number that stands for one, or what the mapping of a style generator makes.
INPUTS = ("z", "seed", "w")
PRECISIONS = ("float32", "float16", "int8")
# The attribute of a model with one label a picture.
ONLY = "class"


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How far onnxruntime's pictures are from TensorFlow's.

    Attributes:
        max_abs_error: largest difference of a value, on images in [-1, 1].
        batch_sizes: batch sizes that were compared; every value of every attribute is among what was compared.
        tolerance: the largest difference that an export may have.
    """

    max_abs_error: float
    batch_sizes: tuple[int, ...]
    tolerance: float


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """Everything there is to know to sample from a model file.

    Attributes:
        z_dim: length of z.
        z_prior: distribution of z, see `tfgan_kit.latents`.
        attributes: names of the values of each label attribute, in the order of the columns of `labels`; {} for an
            unconditional model. A single one is called "class".
        height, width, channels: of the images, px.
        layout: order of the output's axes after N, "nhwc" or "nchw".
        dtype: of the output, "uint8" (values 0 to 255) or "float32" (values -1 to 1).
        recipe_name, recipe_digest, recipe: what was trained.
        data_spec, data_digest, data_images: what it was trained on, and how many images that is.
        nimg: images seen in training.
        weights: "ema", the moving average of the weights, or "last".
        parity: how far the file is from the trained generator.
        tfgan_kit: version that wrote the file.
        figures: measured figures by name; may be empty.
        noise_dim: values of the input `noise` a picture; 0: the model has none.
        counts: for each of several attributes the pictures of the data with each value, in proportion to which classes
            are drawn; () where all are drawn alike.
        truncation: "z", factor of z to be chosen for each picture; "w", which was chosen at export; or "none".
        psi: what was chosen, in [0, 1]; 1: nothing is truncated.
        inputs: "z", "seed" or "w": which of them stands first among the graph's inputs.
        w_dim: length of w; 0 where `inputs` is not "w".
        precision: of the weights and their products: "float32", "float16" or "int8".
        drift: what that precision was measured to cost against float32, by name, such as max_abs_error of values in
            [-1, 1]; {} for float32.
        max_batch: the number of pictures that the graph makes in every run; None: any.
    """

    z_dim: int
    z_prior: str
    attributes: Mapping[str, tuple[str, ...]]
    height: int
    width: int
    channels: int
    layout: str
    dtype: str
    recipe_name: str
    recipe_digest: str
    recipe: Mapping[str, Any]
    data_spec: str
    data_digest: str
    data_images: int
    nimg: int
    weights: str
    parity: Parity
    tfgan_kit: str
    figures: Mapping[str, float] = field(default_factory=dict)
    noise_dim: int = 0
    truncation: str = "z"
    psi: float = 1.0
    counts: tuple[tuple[int, ...], ...] = ()
    inputs: str = "z"
    w_dim: int = 0
    precision: str = "float32"
    drift: Mapping[str, float] = field(default_factory=dict)
    max_batch: int | None = None

    @property
    def classes(self) -> tuple[int, ...]:
        """Values of each attribute; () for an unconditional model."""
        return tuple(len(names) for names in self.attributes.values())

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels, whatever the layout of the file."""
        return self.height, self.width, self.channels

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Axes of the output `images` after N, in the file's own layout."""
        if self.layout == "nchw":
            return self.channels, self.height, self.width
        return self.image_shape

    def to_json(self) -> str:
        """The text of the metadata property."""
        images = {"height": self.height, "width": self.width, "channels": self.channels}
        lists = {name: list(values) for name, values in self.attributes.items()}
        several = {"attributes": lists} if len(lists) > 1 else {}
        counts = {"counts": [list(of) for of in self.counts]} if self.counts else {}
        noise = {"noise": {"dim": self.noise_dim}} if self.noise_dim else {}
        truncated = self.truncation != "z" or self.psi != 1
        truncation = {"truncation": {"of": self.truncation, "psi": self.psi}} if truncated else {}
        inputs = {} if self.inputs == "z" else {"inputs": self.inputs}
        w = {"w": {"dim": self.w_dim}} if self.inputs == "w" else {}
        precision = {} if self.precision == "float32" else {"precision": {"of": self.precision, **self.drift}}
        max_batch = {} if self.max_batch is None else {"max_batch": self.max_batch}
        content = {
            "format": FORMAT,
            "z": {"dim": self.z_dim, "prior": self.z_prior},
            "classes": next(iter(lists.values())) if len(lists) == 1 else None,
            **several,
            **counts,
            **noise,
            **truncation,
            **inputs,
            **w,
            **precision,
            **max_batch,
            "images": {**images, "layout": self.layout, "dtype": self.dtype, "range": list(RANGES[self.dtype])},
            "recipe": {"name": self.recipe_name, "digest": self.recipe_digest, "fields": dict(self.recipe)},
            "data": {"spec": self.data_spec, "digest": self.data_digest, "images": self.data_images},
            "nimg": self.nimg,
            "weights": self.weights,
            "figures": dict(self.figures),
            "parity": {
                "max_abs_error": self.parity.max_abs_error,
                "batch_sizes": list(self.parity.batch_sizes),
                "tolerance": self.parity.tolerance,
            },
            "tfgan_kit": self.tfgan_kit,
        }
        return json.dumps(content, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | None, source: str = "the file") -> ModelSpec:
        """The spec that `to_json` wrote.

        Args:
            text: value of the metadata property; None where there is none.
            source: the file's name, for errors.

        Raises:
            ModelFileError: no property, a newer format, or a value that is missing or not legal.
        """
        if text is None:
            raise ModelFileError(f"{source} is not a tfgan-kit model: `tfgan export --onnx` writes one")
        try:
            content: Any = json.loads(text)
            # Halves of a character, which nothing can show.
            json.dumps(content, ensure_ascii=False).encode()
            version: Any = content["format"]
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ModelFileError(
                f"{source} is not a tfgan-kit model: its {PROPERTY!r} property is not readable"
            ) from None
        if type(version) is int and version > FORMAT:
            raise ModelFileError(
                f"{source} was made by a newer tfgan-kit, format {version}; this one reads {FORMAT}: upgrade tfgan-kit"
            )
        if version != FORMAT:
            raise ModelFileError(f"{source} is not a tfgan-kit model: its format is {version!r:.40}")
        return _from_content(JsonPart(content, source, name=PROPERTY))


def mapping_file(file: Path) -> Path:
    """Where the mapping of a model of inputs "w" lies: z [and labels] in, `w` out."""
    return file.with_name(f"{file.stem}.mapping{file.suffix}")


def _from_content(top: JsonPart) -> ModelSpec:
    z, images, recipe, data, parity = (top.part(key) for key in ("z", "images", "recipe", "data", "parity"))
    noise = top.part("noise", {"dim": 0})
    truncation = top.part("truncation", {"of": "z", "psi": 1.0})
    inputs = top.get("inputs", str, choices=INPUTS) if "inputs" in top.content else "z"
    precision = top.part("precision", {"of": "float32"})
    batch_sizes = parity.get("batch_sizes", list)
    if not all(type(size) is int for size in batch_sizes):
        parity.fail("batch_sizes", batch_sizes)
    dtype = images.get("dtype", str, choices=tuple(RANGES))
    if images.get("range", list) != list(RANGES[dtype]):
        images.fail("range", images.content["range"])
    return ModelSpec(
        z_dim=z.get("dim", int, low=1, high=MOST_LATENTS),
        z_prior=z.get("prior", str, choices=PRIORS),
        attributes=_attributes(top),
        counts=_counts(top),
        noise_dim=noise.get("dim", int, low=0, high=MOST_NOISE),
        truncation=truncation.get("of", str, choices=TRUNCATIONS),
        psi=truncation.get("psi", float, low=0, high=1),
        inputs=inputs,
        w_dim=top.part("w").get("dim", int, low=1, high=MOST_LATENTS) if inputs == "w" else 0,
        precision=precision.get("of", str, choices=PRECISIONS),
        drift={name: precision.get(name, float) for name in precision.content if name != "of"},
        max_batch=top.get("max_batch", int, low=1, high=MOST_BATCH) if "max_batch" in top.content else None,
        height=images.get("height", int, low=1, high=MOST_PX),
        width=images.get("width", int, low=1, high=MOST_PX),
        channels=images.get("channels", int, low=1, high=MOST_CHANNELS),
        layout=images.get("layout", str, choices=LAYOUTS),
        dtype=dtype,
        recipe_name=recipe.get("name", str),
        recipe_digest=recipe.get("digest", str),
        recipe=recipe.get("fields", dict),
        data_spec=data.get("spec", str),
        data_digest=data.get("digest", str),
        data_images=data.get("images", int, low=0),
        nimg=top.get("nimg", int, low=0),
        weights=top.get("weights", str, choices=WEIGHTS),
        figures=top.get("figures", dict),
        parity=Parity(
            max_abs_error=parity.get("max_abs_error", float),
            batch_sizes=tuple(batch_sizes),
            tolerance=parity.get("tolerance", float),
        ),
        tfgan_kit=top.get("tfgan_kit", str),
    )


def _counts(top: JsonPart) -> tuple[tuple[int, ...], ...]:
    """Of the attributes' values, where there are several attributes; () where the file does not say."""
    counts: Any = top.content.get("counts", [])
    sizes = [len(names) for names in _attributes(top).values()] if counts else []
    shaped = isinstance(counts, list) and all(isinstance(of, list) for of in counts)
    if (
        not shaped
        or [len(of) for of in counts] != sizes
        or not all(type(n) is int and n >= 0 for of in counts for n in of)
    ):
        top.fail("counts", counts)
    if any(not 0 < sum(of) < 2**32 for of in counts):
        top.fail("counts", counts)
    return tuple(tuple(of) for of in counts)


def _attributes(top: JsonPart) -> dict[str, tuple[str, ...]]:
    """Of both forms: "classes" of one label, which is there and perhaps null, or else "attributes" of several."""
    if top.content.get("classes", ()) is not None:
        return {ONLY: top.names("classes")}
    several = top.part("attributes", {})
    return {name: several.names(name) for name in several.content}
