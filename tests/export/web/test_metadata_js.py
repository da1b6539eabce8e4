"""metadata.js reads what an .onnx says of itself."""

import pytest
from node_js import in_node, needs_node

from tfgan_kit.export.spec import ModelSpec

tiny_models = pytest.importorskip("tiny_models", reason="no onnx", exc_type=ImportError)

pytestmark = needs_node

READ = [("readSpec", "metadata.js")]
TRY = "try { return readSpec(bytes(given.path)); } catch (error) { return error.message; }"
HAIR = {"hair": ("brown", "black"), "hat size": ("s", "m", "l")}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"attributes": {"class": ("ant", "bee")}, "truncation": "none", "recipe_name": "façade"},
        {"attributes": HAIR, "counts": ((1, 2), (3, 4, 5)), "noise_dim": 9, "nimg": 12_000},
        {"inputs": "seed", "layout": "nchw", "dtype": "float32", "max_batch": 4},
        {"inputs": "w", "truncation": "w", "psi": 0.5, "z_prior": "uniform"},
    ],
)
def test_a_spec_is_the_one_that_python_reads(tmp_path, fields):
    path = tiny_models.write_tiny(tmp_path / "tiny.onnx", **fields)
    found = in_node(READ, TRY, path=str(path))
    spec = tiny_models.tiny_spec(**fields)
    assert ModelSpec.from_json(spec.to_json()) == spec
    assert found == {
        "name": spec.recipe_name, "nimg": spec.nimg, "precision": spec.precision, "inputs": spec.inputs,
        "zDim": spec.z_dim, "prior": spec.z_prior, "wDim": spec.w_dim, "noiseDim": spec.noise_dim,
        "maxBatch": spec.max_batch, "truncation": spec.truncation,
        "attributes": [{"name": name, "values": list(values)} for name, values in spec.attributes.items()],
        "counts": [list(of) for of in spec.counts], "height": spec.height, "width": spec.width,
        "channels": spec.channels, "layout": spec.layout, "dtype": spec.dtype,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[: len(content) // 2], "damaged or cut off"),
        (lambda content: b"no protobuf at all", "damaged or cut off"),
        (lambda content: b"", "no model of tfgan-kit"),
        (lambda content: content.replace(b"\x05tfgan", b"\x05other"), "no model of tfgan-kit"),
        (lambda content: content.replace(b'"format": 1', b'"format": 9'), "newer than this program"),
    ],
)
def test_what_is_no_model_is_said_in_words(tmp_path, change, message):
    path = tiny_models.write_tiny(tmp_path / "tiny.onnx")
    path.write_bytes(change(path.read_bytes()))
    assert message in in_node(READ, TRY, path=str(path))


def test_an_attribute_that_javascript_would_move_is_refused(tmp_path):
    path = tiny_models.write_tiny(tmp_path / "tiny.onnx", attributes={"hair": ("a", "b"), "3": ("c", "d")})
    assert "whole number" in in_node(READ, TRY, path=str(path))
