"""Exports equal TensorFlow in every form that can be asked for, are lean, and are not there where anything is off."""

import dataclasses
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
import tensorflow as tf

from tfgan_kit.build import build_generator
from tfgan_kit.calling import inputs_of, noise_dim
from tfgan_kit.errors import CheckpointError, ExportError, RunError, SampleError
from tfgan_kit.export import convert, spec
from tfgan_kit.export.convert import export_onnx
from tfgan_kit.export.forms import parity, proven, traced
from tfgan_kit.export.forms.proven import proven_model, to_onnx
from tfgan_kit.export.runtime import Sampler
from tfgan_kit.export.spec import ModelSpec, Parity
from tfgan_kit.latents import classes_from_seeds, noise_from_seeds, z_from_seeds
from tfgan_kit.training import checkpoint
from tfgan_kit.training.run_folder import RunFolder
from tfgan_kit.training.state import load_network

CLASSES = {"class": ("ant", "bee", "cat")}
SEVERAL = {"hair": tuple(f"h{i}" for i in range(21)), "glasses": ("none", "round"), "hat": ("none",)}
# Values that rounding to a grey level leaves on this or the next one.
GREY = 1


def tensorflow_images(run, seeds, weights="G_ema"):
    recipe, facts, _ = RunFolder(run).read()
    G = build_generator(recipe, shape=facts.shape, classes=facts.classes, dtype="float32", in_use=True)
    load_network(G, checkpoint.load_newest(RunFolder(run).checkpoints)[1], weights)
    z = z_from_seeds(seeds, recipe.z_dim, recipe.z_prior)
    c = classes_from_seeds(seeds, facts.classes) if facts.classes else None
    noise = noise_from_seeds(seeds, G.noise_dim) if noise_dim(G) else None
    return np.asarray(G(inputs_of(z, c, noise), training=False))


def spec_of(shape, attributes=None, z_dim=6, layout="nhwc", dtype="float32", noise_dim=0):
    return ModelSpec(
        z_dim=z_dim, z_prior="normal", attributes=attributes or {}, height=shape[0], width=shape[1],
        channels=shape[2], layout=layout, dtype=dtype, recipe_name="", recipe_digest="", recipe={}, data_spec="",
        data_digest="", data_images=1, nimg=0, weights="ema", tfgan_kit="0", noise_dim=noise_dim,
        parity=Parity(max_abs_error=0.0, batch_sizes=(), tolerance=0.0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "layout", "output", "opset"),
    [
        ({}, "nhwc", "uint8", 17),
        ({"shape": (28, 28, 1), "attributes": CLASSES, "g_leak": 0.2}, "nchw", "float32", 17),
        ({"shape": (33, 20, 3), "attributes": CLASSES}, "nhwc", "uint8", 13),
        ({"shape": (33, 20, 3)}, "nchw", "uint8", 18),
        ({"shape": (64, 64, 3), "g_start_px": 4}, "nhwc", "float32", 18),
        ({"shape": (32, 32, 1), "g_norm": "none", "attributes": CLASSES}, "nhwc", "uint8", 17),
        ({"shape": (6, 6, 3), "kernel_px": 3}, "nhwc", "float32", 17),
        ({"family": "mlp", "shape": (33, 20, 3), "attributes": CLASSES}, "nchw", "uint8", 17),
        ({"family": "mlp", "shape": (28, 28, 1), "z_prior": "uniform"}, "nhwc", "uint8", 13),
        ({"family": "mlp", "shape": (8, 8, 3), "g_norm": "none"}, "nhwc", "float32", 17),
        ({"precision": "mixed_float16"}, "nhwc", "uint8", 17),
        ({"precision": "mixed_bfloat16", "attributes": CLASSES}, "nhwc", "uint8", 17),
        ({"shape": (20, 12, 3), "attributes": SEVERAL}, "nhwc", "uint8", 17),
        ({"family": "mlp", "shape": (8, 8, 1), "attributes": SEVERAL}, "nchw", "float32", 13),
    ],
)
def test_export_is_equal_to_tensorflow(make_run, tmp_path, fields, layout, output, opset):
    run = make_run(tmp_path / "run", **fields)
    result = export_onnx(run, layout=layout, output=output, opset=opset)

    model = onnx.load(result.file)
    onnx.checker.check_model(model, full_check=True)
    classes = tuple(map(len, fields.get("attributes", {}).values()))
    shape = fields.get("shape", (28, 28, 1))
    assert [value.name for value in model.graph.input] == ["z", "labels"][: 1 + bool(classes)]
    assert [value.name for value in model.graph.output] == ["images"]
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", opset)]
    assert model.ir_version == 8

    session = onnxruntime.InferenceSession(result.file, providers=["CPUExecutionProvider"])
    (declared,) = session.get_outputs()
    assert declared.shape == ["N", *(shape if layout == "nhwc" else (shape[2], *shape[:2]))]
    assert declared.type == {"uint8": "tensor(uint8)", "float32": "tensor(float)"}[output]
    for count in (1, 5):
        seeds = np.arange(count)
        recipe = RunFolder(run).read()[0]
        feed = {"z": z_from_seeds(seeds, recipe.z_dim, recipe.z_prior)}
        c = classes_from_seeds(seeds, classes)
        images = session.run(None, feed | ({"labels": c[:, 0] if len(classes) == 1 else c} if classes else {}))[0]
        images = images if layout == "nhwc" else images.transpose(0, 2, 3, 1)
        expected = tensorflow_images(run, seeds)
        if output == "uint8":
            assert np.abs(images - np.rint((expected + 1) * 127.5)).max() <= GREY
        else:
            np.testing.assert_allclose(images, expected, atol=2e-5)

    # No batch norm in any form, and a Transpose at most where the image's own order asks for it.
    ops = [node.op_type for node in model.graph.node]
    tail = {"Add", "Mul"} if output == "uint8" else set()
    assert not {"BatchNormalization", "Sub"} & set(ops)
    assert ops.count("Add") + ops.count("Mul") == len(tail)
    reordered = layout == "nhwc" and shape[2] > 1 and fields.get("family") != "mlp"
    assert ops.count("Transpose") == reordered
    assert not {"Less", "Not"} & set(ops)
    assert ops.count("Gather") == len(classes) * (1 + (len(classes) > 1))

    assert result.size_bytes == result.file.stat().st_size
    assert 0 < result.spec.parity.max_abs_error <= 1e-4
    assert ModelSpec.from_json({p.key: p.value for p in model.metadata_props}["tfgan"]) == result.spec


def test_metadata_tells_everything(make_run, tmp_path):
    run = make_run(tmp_path / "run", attributes=CLASSES)
    spec = export_onnx(run, figures={"fd": 15.5}).spec
    recipe, facts, name = RunFolder(run).read()
    assert (spec.recipe_name, spec.recipe_digest, spec.recipe) == (name, recipe.digest(), recipe.to_json())
    assert (spec.data_spec, spec.data_digest, spec.data_images) == (facts.spec, facts.digest, 100)
    assert (spec.z_dim, spec.z_prior, spec.attributes, spec.image_shape) == (6, "normal", CLASSES, (28, 28, 1))
    assert (spec.nimg, spec.weights, spec.figures) == (448, "ema", {"fd": 15.5})
    assert (spec.noise_dim, spec.truncation, spec.psi) == (0, "z", 1.0)


@pytest.mark.parametrize("attributes", [{}, CLASSES, SEVERAL])
@pytest.mark.parametrize("fields", [{"g_noise": 0.3}, {"family": "mlp", "g_dropout": 0.4}])
def test_a_generator_s_randomness_is_an_input(make_run, tmp_path, attributes, fields):
    run = make_run(tmp_path / "run", shape=(12, 12, 3), attributes=attributes, g_random_in_use=True, **fields)
    result = export_onnx(run)
    inputs = [(value.name, [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim])
              for value in onnx.load(result.file).graph.input]  # fmt: skip
    noise = result.spec.noise_dim
    assert noise > 0
    labels = [("labels", ["N", 3] if len(attributes) > 1 else ["N"])] if attributes else []
    assert inputs == [("z", ["N", 6]), *labels, ("noise", ["N", noise])]
    images = Sampler(result.file).sample(range(5))
    assert np.abs(images - np.rint((tensorflow_images(run, range(5)) + 1) * 127.5)).max() <= GREY
    # The same run without it is another picture of the same inputs.
    still = RunFolder(run).read()[0].replace(g_random_in_use=False)
    RunFolder(run).create(still, RunFolder(run).read()[1], "mnist")
    without = export_onnx(run)
    assert without.spec.noise_dim == 0
    assert (Sampler(without.file).sample(range(5)) != images).any()


def batches(spec):
    return [parity.batch_of(spec, seeds) for seeds in parity.seeds_of(spec)]


def test_every_value_of_every_attribute_is_compared():
    spec = spec_of((4, 4, 1), SEVERAL | {"ear": ("none", "ring", "stud")}, noise_dim=3)
    inputs = batches(spec)
    assert {len(batch["z"]) for batch in inputs} == set(parity.BATCH_SIZES)
    for size in parity.BATCH_SIZES:
        assert sum(len(batch["z"]) == size for batch in inputs) >= 2
    labels = np.concatenate([batch["labels"] for batch in inputs])
    assert [len(np.unique(column)) for column in labels.T] == list(spec.classes)
    noise = np.concatenate([batch["noise"] for batch in inputs if len(batch["z"]) > 1])
    assert noise.shape[1] == 3
    assert len(np.unique(noise)) == noise.size
    assert "noise" not in batches(spec_of((4, 4, 1), CLASSES))[0]
    assert batches(spec_of((4, 4, 1), CLASSES))[-1]["labels"].shape == (16,)
    assert batches(spec_of((4, 4, 1)))[0].keys() == {"seed", "z"}
    # With a single picture a run, a run for each value.
    assert len(batches(dataclasses.replace(spec, max_batch=1))) == 21
    assert {len(batch["z"]) for batch in batches(dataclasses.replace(spec, max_batch=4))} == {4}


def of_attributes(read):
    """A generator of 2 attributes with 2 and 3 values: `read` makes its pictures' values from c (N, 2)."""
    z, c = keras.Input((6,), name="z"), keras.Input((2,), dtype="int32", name="c")
    x = keras.layers.Concatenate()([keras.layers.Dense(4)(z), read(c)])
    return keras.Model([z, c], keras.layers.Reshape((2, 3, 1))(keras.layers.Dense(6, activation="tanh")(x)))


class Column(keras.layers.Layer):
    def __init__(self, index):
        super().__init__()
        self.index = index

    def call(self, c):
        return c[:, self.index]


def test_a_lookup_reads_its_own_column():
    tables = [keras.layers.Embedding(1, 3), keras.layers.Embedding(3, 3), keras.layers.Embedding(3, 2)]
    columns = [0, 1, 1]

    def read(c):
        return keras.layers.Concatenate()([table(Column(a)(c)) for table, a in zip(tables, columns, strict=True)])

    attributes = {"hat": ("none",), "ear": ("none", "ring", "stud")}
    spec, content = proven_model(of_attributes(read), spec_of((2, 3, 1), attributes, layout="nchw"), 17)
    assert spec.parity.max_abs_error <= 1e-5
    graph = onnx.load_from_string(content).graph
    # One Gather for each column that is read, and one for each table.
    assert [node.op_type for node in graph.node].count("Gather") == 2 + 3
    assert not {"Slice", "Less", "Squeeze"} & {node.op_type for node in graph.node}


def test_a_lookup_of_both_columns_is_left_alone():
    class Sum(keras.layers.Layer):
        def call(self, c):
            return c[:, 0] + c[:, 1]

    G = of_attributes(lambda c: keras.layers.Embedding(4, 3)(Sum()(c)))
    attributes = {"glasses": ("none", "round"), "ear": ("none", "ring", "stud")}
    spec, _ = proven_model(G, spec_of((2, 3, 1), attributes), 17)
    assert spec.parity.max_abs_error <= 1e-5


def test_a_truncation_of_w_is_in_the_weights(make_run, tmp_path):
    run = make_run(tmp_path / "run", family="style", shape=(8, 8, 1), g_start_px=4, g_mapping=1)
    for psi in (1.0, 0.0):
        result = export_onnx(run, truncation=psi)
        assert (result.spec.truncation, result.spec.psi) == ("w", psi)
        images = Sampler(result.file).sample(range(6))
        assert (images == images[0]).all() == (psi == 0)
        with pytest.raises(SampleError, match=rf"set at export, to {psi:g}, .* tfgan export --onnx --truncation 0.7"):
            Sampler(result.file).sample(truncation=0.7)


def test_a_generator_that_normalises_z_is_not_truncated(make_run, tmp_path):
    run = make_run(tmp_path / "run", family="progressive", shape=(8, 8, 1))
    result = export_onnx(run)
    assert result.spec.truncation == "none"
    with pytest.raises(SampleError, match=r"normalises z, so that it takes only truncation 1; got 0\.7"):
        Sampler(result.file).sample(truncation=0.7)


def test_a_family_without_w_is_not_truncated_at_export(make_run, tmp_path):
    run = make_run(tmp_path / "run")
    with pytest.raises(ExportError, match=r"truncation 0.7 cannot be exported: .*leave it out .* --truncation 0.7"):
        export_onnx(run, truncation=0.7)
    assert not list(run.glob("*.onnx"))


def test_last_weights_are_others_than_the_average(make_run, tmp_path):
    run = make_run(tmp_path / "run")
    last = export_onnx(run, tmp_path / "last.onnx", weights="last")
    assert last.spec.weights == "last"
    expected = np.rint((tensorflow_images(run, range(4), "G") + 1) * 127.5)
    assert np.abs(Sampler(last.file).sample(range(4)) - expected).max() <= GREY
    average = Sampler(export_onnx(run).file).sample(range(4))
    assert np.abs(average - expected).max() > GREY


def test_a_batch_norm_node_is_folded_wherever_it_stands():
    z = keras.Input((6,), name="z")
    x = keras.layers.Reshape((1, 2, 3))(keras.layers.Dense(6)(z))
    x = keras.layers.BatchNormalization(moving_variance_initializer=keras.initializers.Constant(3.0))(x)
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = keras.layers.Conv2D(3, 3, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(moving_mean_initializer="ones", gamma_initializer="ones")(x)
    G = keras.Model(z, keras.layers.Activation("tanh")(x))
    _, content = proven_model(G, spec_of((1, 2, 3)), 17)
    ops = [node.op_type for node in onnx.load_from_string(content).graph.node]
    assert [op for op in ops if op not in ("Reshape", "Transpose")] == ["Gemm", "Conv", "Relu", "Conv", "Tanh"]


def test_a_scale_that_two_layers_read_stays():
    z = keras.Input((6,), name="z")
    x = keras.layers.Dense(12, use_bias=False)(z)
    scaled = keras.layers.Rescaling(3.0, 0.5)(x)
    G = keras.Model(z, keras.layers.Reshape((2, 2, 3))(keras.layers.Add()([x, keras.ops.tanh(scaled)])))
    spec, _ = proven_model(G, spec_of((2, 2, 3), layout="nchw"), 17)
    assert spec.parity.max_abs_error <= 1e-5


def perturb(graph):
    name = next(name for name, array in graph.constants.items() if array.ndim == 4)
    graph.constants[name] = graph.constants[name] * np.float32(1.1)


def fail_to_write(*_):
    raise OSError(28, "no space")


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda m: m.setattr(proven, "optimize", perturb), "is off TensorFlow by"),
        (lambda m: m.setattr(proven, "optimize", lambda graph: graph.nodes.pop(0)), "not legal ONNX|does not take"),
        (lambda m: m.setattr(parity, "TOLERANCE", 0.0), "is off TensorFlow by"),
        (lambda m: m.setattr(convert, "write_atomic", fail_to_write), "cannot be written: no space"),
    ],
)
def test_a_model_that_is_off_leaves_no_file(make_run, tmp_path, monkeypatch, break_it, message):
    run = make_run(tmp_path / "run")
    before = sorted(run.rglob("*"))
    break_it(monkeypatch)
    with pytest.raises(ExportError, match=message):
        export_onnx(run)
    assert sorted(run.rglob("*")) == before


def test_an_error_of_one_grey_level_is_too_much_when_it_is_two(make_run, tmp_path, monkeypatch):
    def brighter(graph):
        for name in graph.constants.keys() & {"images/127.5"}:
            graph.constants[name] = np.float32(130.0)

    run = make_run(tmp_path / "run")
    monkeypatch.setattr(proven, "optimize", brighter)
    with pytest.raises(ExportError, match="grey levels"):
        export_onnx(run)


class Erfinv(keras.layers.Layer):
    """Something that ONNX has no operator for."""

    def call(self, x):
        return tf.math.erfinv(tf.tanh(x) * 0.5)


class Noise(keras.layers.Layer):
    def call(self, x):
        return x + tf.random.normal(tf.shape(x))


@pytest.mark.parametrize(
    ("layer", "message"), [(Erfinv, "has no Erfinv"), (Noise, "draw random numbers|has no Random")]
)
def test_layers_without_an_onnx_form_are_refused(layer, message):
    z = keras.Input((6,), name="z")
    G = keras.Model(z, keras.layers.Reshape((2, 3, 1))(layer()(z)))
    with pytest.raises(ExportError, match=message):
        proven_model(G, spec_of((2, 3, 1)), 17)


def test_a_failing_converter_is_an_export_error(monkeypatch):
    import tf2onnx

    def fail(*_, **__):
        raise KeyError("rewriter")

    monkeypatch.setattr(tf2onnx.convert, "from_function", fail)
    z = keras.Input((6,), name="z")
    with pytest.raises(ExportError, match="cannot be exported to opset 17"):
        to_onnx(traced.whole(keras.Model(z, keras.layers.Reshape((2, 3, 1))(z))), 17)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"layout": "chwn"}, "layout 'chwn' is unknown; legal: nhwc, nchw"),
        ({"output": "int8"}, "legal: uint8, float32"),
        ({"weights": "best"}, "legal: ema, last"),
        ({"truncation": 1.1}, r"truncation must be in \[0, 1\]; got 1.1"),
        ({"truncation": float("nan")}, r"truncation must be in \[0, 1\]"),
        ({"opset": 12}, "legal: 13 to 18"),
        ({"opset": 19}, "legal: 13 to 18"),
    ],
)
def test_illegal_options_are_refused_before_the_run_is_read(tmp_path, option, message):
    with pytest.raises(ExportError, match=message):
        export_onnx(tmp_path / "nothing", **option)


def test_places_that_cannot_be_written(make_run, tmp_path):
    run = make_run(tmp_path / "run")
    with pytest.raises(ExportError, match="is a folder"):
        export_onnx(run, tmp_path)
    with pytest.raises(ExportError, match="there is no folder"):
        export_onnx(run, tmp_path / "no" / "x.onnx")


def test_runs_that_cannot_be_exported(make_run, tmp_path):
    with pytest.raises(RunError, match="is not a run"):
        export_onnx(tmp_path)
    run = make_run(tmp_path / "run")
    archive = next(run.glob("checkpoints/*/state.npz"))
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="no checkpoint"):
        export_onnx(run)
    archive.unlink()
    archive.with_name("manifest.json").unlink()
    archive.parent.rmdir()
    with pytest.raises(CheckpointError, match="no checkpoint yet"):
        export_onnx(run)
    assert not list(run.glob("*.onnx"))


def test_best_checkpoint_is_the_one_that_evaluations_kept(make_run, tmp_path):
    run = make_run(tmp_path / "run")
    with pytest.raises(CheckpointError, match="no best checkpoint: it is kept where training evaluates"):
        export_onnx(run, best=True)
    _, state, _ = checkpoint.load_newest(run / "checkpoints")
    better = {name: 0.5 * array if name.startswith("G_ema/") else array for name, array in state.items()}
    checkpoint.save(run / "best", better, step=3, nimg=192, finished=False, keep=2)
    newest, best = export_onnx(run, tmp_path / "newest.onnx"), export_onnx(run, tmp_path / "best.onnx", best=True)
    assert (newest.spec.nimg, best.spec.nimg) == (448, 192)
    pictures = [Sampler(made.file).sample(range(4)) for made in (newest, best)]
    assert not np.array_equal(*pictures)


def test_on_a_full_disk_neither_the_model_nor_its_mapping_is_replaced(tmp_path, monkeypatch):
    file = tmp_path / "w.onnx"
    before = {file: b"model", spec.mapping_file(file): b"mapping"}
    for path, content in before.items():
        path.write_bytes(content)
    write_bytes = Path.write_bytes

    def full(path, content):
        if content == b"new model":
            raise OSError(28, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        convert._write(file, b"new model", b"new mapping")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    convert._write(file, b"another model", b"new mapping")
    assert spec.mapping_file(file).read_bytes() == b"new mapping"
