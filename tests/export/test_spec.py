"""The metadata contract: what is written is read back, and what is not legal is refused by name."""

import dataclasses
import json
from pathlib import Path

import pytest

from tfgan_kit.errors import ModelFileError
from tfgan_kit.export.spec import ModelSpec, Parity, mapping_file


@pytest.fixture
def spec():
    return ModelSpec(
        z_dim=64, z_prior="normal", attributes={"class": ("a", "b")}, height=28, width=20, channels=3, layout="nchw",
        dtype="float32", recipe_name="mnist", recipe_digest="ab", recipe={"z_dim": 64}, data_spec="mnist",
        data_digest="cd", data_images=70_000, nimg=10, weights="last", tfgan_kit="0.1.0", figures={"fd": 1.5},
        parity=Parity(max_abs_error=1e-7, batch_sizes=(1, 16), tolerance=1e-4),
    )  # fmt: skip


def test_round_trip(spec):
    assert ModelSpec.from_json(spec.to_json()) == spec
    content = json.loads(spec.to_json())
    assert content["format"] == 1
    assert content["images"] == {
        "height": 28, "width": 20, "channels": 3, "layout": "nchw", "dtype": "float32", "range": [-1, 1],
    }  # fmt: skip
    assert spec.output_shape == (3, 28, 20)
    assert spec.image_shape == (28, 20, 3)
    assert spec.classes == (2,)
    assert content["classes"] == ["a", "b"]
    optional = {"attributes", "counts", "noise", "truncation", "inputs", "w", "precision", "max_batch"}
    assert not optional & content.keys()


HAIR = {"hair": ("brown", "black", "red"), "glasses": ("none", "round")}


@pytest.mark.parametrize(
    ("attributes", "classes"),
    [({}, ()), ({"class": ("a",)}, (1,)), (HAIR, (3, 2)), ({str(i): ("x",) for i in range(9)}, (1,) * 9)],
)
@pytest.mark.parametrize(
    "changes",
    [
        {}, {"noise_dim": 12}, {"truncation": "w", "psi": 0.7}, {"truncation": "w"},
        {"inputs": "seed", "psi": 0.5}, {"inputs": "w", "w_dim": 32, "truncation": "w"}, {"max_batch": 1},
        {"precision": "float16", "drift": {"max_abs_error": 0.004, "samples": 64}}, {"precision": "int8"},
    ],
)  # fmt: skip
def test_round_trip_of_everything_that_is_optional(spec, attributes, classes, changes):
    spec = dataclasses.replace(spec, attributes=attributes, **changes)
    read = ModelSpec.from_json(spec.to_json())
    assert read == spec
    assert list(read.attributes) == list(attributes)
    assert read.classes == classes


def test_the_form_of_attributes_noise_and_truncation(spec):
    several = dataclasses.replace(spec, attributes=HAIR, noise_dim=12, truncation="w", psi=0.7)
    content = json.loads(several.to_json())
    assert content["classes"] is None
    assert content["attributes"] == {"hair": ["brown", "black", "red"], "glasses": ["none", "round"]}
    assert content["noise"] == {"dim": 12}
    assert content["truncation"] == {"of": "w", "psi": 0.7}
    assert json.loads(dataclasses.replace(spec, attributes={}).to_json())["classes"] is None


def test_a_file_of_the_first_release_is_read():
    """Without attributes, noise and truncation."""
    text = json.dumps({
        "format": 1, "z": {"dim": 64, "prior": "normal"}, "classes": ["0", "1"],
        "images": {"height": 28, "width": 28, "channels": 1, "layout": "nhwc", "dtype": "uint8", "range": [0, 255]},
        "recipe": {"name": "mnist", "digest": "", "fields": {}},
        "data": {"spec": "mnist", "digest": "", "images": 60000},
        "nimg": 1200000, "weights": "ema", "figures": {}, "tfgan_kit": "0.1.0",
        "parity": {"max_abs_error": 2e-07, "batch_sizes": [1, 16], "tolerance": 0.0001},
    })  # fmt: skip
    spec = ModelSpec.from_json(text)
    assert spec.attributes == {"class": ("0", "1")}
    assert (spec.noise_dim, spec.truncation, spec.psi) == (0, "z", 1.0)
    assert (spec.inputs, spec.w_dim, spec.precision, spec.drift, spec.max_batch) == ("z", 0, "float32", {}, None)


def test_the_form_of_inputs_precision_and_batch(spec):
    changed = dataclasses.replace(
        spec, inputs="w", w_dim=9, precision="float16", drift={"max_abs_error": 0.5}, max_batch=8
    )
    content = json.loads(changed.to_json())
    assert (content["inputs"], content["w"], content["max_batch"]) == ("w", {"dim": 9}, 8)
    assert content["precision"] == {"of": "float16", "max_abs_error": 0.5}
    seed = json.loads(dataclasses.replace(spec, inputs="seed", psi=0.5).to_json())
    assert "w" not in seed
    assert seed["truncation"] == {"of": "z", "psi": 0.5}


def test_the_mapping_lies_beside_its_model():
    assert mapping_file(Path("a.b/faces.v2.onnx")) == Path("a.b/faces.v2.mapping.onnx")


def test_unknown_keys_are_left_alone(spec):
    content = json.loads(spec.to_json()) | {"licence": "float16"}
    assert ModelSpec.from_json(json.dumps(content)) == spec


@pytest.mark.parametrize(
    "text", [None, "", "[", "[]", "3", '"x"', "{}", "null", '{"format": "one"}', '{"format": 0}', "[" * 9999]
)
def test_foreign_files(text):
    with pytest.raises(ModelFileError, match=r"x\.onnx is not a tfgan-kit model"):
        ModelSpec.from_json(text, "x.onnx")


def test_newer_format():
    with pytest.raises(ModelFileError, match="made by a newer tfgan-kit, format 2; this one reads 1: upgrade"):
        ModelSpec.from_json('{"format": 2}')


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("z.dim", 0), ("z.dim", "64"), ("z.dim", True), ("z.prior", "cauchy"), ("z", None), ("classes", []),
        ("classes", "ab"), ("classes", [1, 2]), ("images.height", -1), ("images.layout", "hwc"),
        ("images.dtype", "int8"), ("images.range", [0, 1]), ("nimg", -1), ("nimg", 1.5), ("weights", "best"),
        ("noise", 3), ("noise", {}), ("noise", {"dim": -1}), ("noise", {"dim": "9"}), ("truncation", "w"),
        ("truncation", {"of": "x", "psi": 1}), ("truncation", {"of": "w"}), ("truncation", {"of": "w", "psi": 1.5}),
        ("truncation", {"of": "w", "psi": -0.5}), ("truncation", {"of": "w", "psi": float("nan")}),
        ("inputs", "x"), ("inputs", None), ("precision", "float16"), ("precision", {"of": "float64"}),
        ("precision", {}), ("precision", {"of": "int8", "max_abs_error": "small"}), ("max_batch", 0),
        ("max_batch", None), ("max_batch", 2.0),
        ("figures", None), ("parity.batch_sizes", ["1"]), ("parity.max_abs_error", None), ("data.images", None),
    ],
)  # fmt: skip
def test_values_that_are_not_legal_are_named(spec, path, value):
    content = json.loads(spec.to_json())
    *parents, key = path.split(".")
    part = content
    for parent in parents:
        part = part[parent]
    part[key] = value
    with pytest.raises(ModelFileError, match=f"is damaged: {path}"):
        ModelSpec.from_json(json.dumps(content))


def test_the_counts_of_attributes_come_back(spec):
    counted = dataclasses.replace(spec, attributes=HAIR, counts=((5, 3, 0), (7, 1)))
    assert json.loads(counted.to_json())["counts"] == [[5, 3, 0], [7, 1]]
    assert ModelSpec.from_json(counted.to_json()) == counted
    assert ModelSpec.from_json(dataclasses.replace(spec, attributes=HAIR).to_json()).counts == ()


@pytest.mark.parametrize(
    "counts",
    [3, [[1, 1], [1, 1]], [[1, 1, 1]], [[1, -1, 1], [1, 1]], [[0, 0, 0], [1, 1]], [[1, 1, 2**32], [1, 1]], [1, 2]],
)
def test_counts_that_are_not_legal_are_named(spec, counts):
    content = json.loads(dataclasses.replace(spec, attributes=HAIR).to_json()) | {"counts": counts}
    with pytest.raises(ModelFileError, match="is damaged: counts"):
        ModelSpec.from_json(json.dumps(content))


@pytest.mark.parametrize("attributes", [[], 3, {"a": []}, {"a": "b"}, {"a": ["b"], "c": [1]}, {"a": None}])
def test_attributes_that_are_not_legal_are_named(spec, attributes):
    content = json.loads(spec.to_json()) | {"classes": None, "attributes": attributes}
    with pytest.raises(ModelFileError, match="is damaged: attributes"):
        ModelSpec.from_json(json.dumps(content))


@pytest.mark.parametrize("w", [None, 3, {}, {"dim": 0}, {"dim": "9"}])
def test_a_w_that_is_not_legal_is_named(spec, w):
    content = json.loads(spec.to_json()) | {"inputs": "w", "w": w}
    with pytest.raises(ModelFileError, match="is damaged: w"):
        ModelSpec.from_json(json.dumps(content))


@pytest.mark.parametrize("key", ["z", "classes", "images", "recipe", "data", "nimg", "weights", "figures", "parity"])
def test_missing_keys_are_named(spec, key):
    content = json.loads(spec.to_json())
    del content[key]
    with pytest.raises(ModelFileError, match=f"is damaged: {key}"):
        ModelSpec.from_json(json.dumps(content))
