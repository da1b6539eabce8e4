"""What an export refuses, and what it takes; and that the families are what the options say of them."""

import inspect

import pytest

from tfgan_kit.errors import ExportError
from tfgan_kit.export.options import (
    NORMALISING_FAMILIES,
    W_FAMILIES,
    check_file,
    check_folder,
    check_formats,
    check_options,
    check_run,
)
from tfgan_kit.recipe import FAMILIES


def test_the_opset_follows_the_inputs():
    assert check_options() == 17
    assert check_options(inputs="w") == 17
    assert check_options(inputs="seed") == 18
    assert check_options(inputs="seed", opset=18) == 18
    assert check_options(opset=13, precision="float16", max_batch=1024) == 13


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layout": "chwn"}, "layout 'chwn' is unknown; legal: nhwc, nchw"),
        ({"output": "int8"}, "legal: uint8, float32"),
        ({"weights": "best"}, "legal: ema, last"),
        ({"truncation": 1.1}, r"truncation must be in \[0, 1\]; got 1.1"),
        ({"truncation": float("nan")}, r"truncation must be in \[0, 1\]"),
        ({"opset": 12}, "legal: 13 to 18"),
        ({"opset": 19}, "legal: 13 to 18"),
        ({"precision": "float64"}, "legal: float32, float16, int8"),
        ({"optimize": "more"}, "legal: basic, full"),
        ({"inputs": "x"}, "legal: z, seed, w"),
        ({"max_batch": 0}, "max_batch 0 cannot be written; legal: 1 to 1024, or dynamic"),
        ({"max_batch": -3}, "max_batch -3 cannot"),
        ({"max_batch": 10**9}, "max_batch 1000000000 cannot"),
        ({"inputs": "seed", "opset": 17}, "opset 17 has no bitwise operators"),
        ({"precision": "int8", "inputs": "seed"}, "precision int8 takes inputs z only; got seed"),
        ({"precision": "int8", "optimize": "basic"}, "precision int8 takes optimize full only; got basic"),
        ({"precision": "int8", "max_batch": 4}, "precision int8 takes a dynamic batch only; got max_batch 4"),
    ],
)
def test_illegal_options(options, message):
    with pytest.raises(ExportError, match=message):
        check_options(**options)


@pytest.mark.parametrize("option", [
    {"precision": "float16"}, {"optimize": "basic"}, {"layout": "nchw"}, {"inputs": "seed"}, {"opset": 18},
])  # fmt: skip
@pytest.mark.parametrize("name", ["saved_model", "tflite"])
def test_the_other_formats_have_no_choices_of_onnx(option, name):
    formats = {"onnx": True, "saved_model": False, "tflite": False}
    check_formats(**formats, max_batch=4, options=option)
    ((key, value),) = option.items()
    with pytest.raises(ExportError, match=f"^--{key} {value} is of ONNX alone, .* export --{name.replace('_', '-')} "):
        check_formats(**formats | {name: True}, max_batch=None, options=option)


def test_a_format_is_named():
    with pytest.raises(ExportError, match="name the format: tfgan export --onnx"):
        check_formats(onnx=False, saved_model=False, tflite=False, max_batch=None, options={})
    check_formats(onnx=False, saved_model=False, tflite=True, max_batch=3, options={})


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ({"inputs": "w"}, "inputs w needs .* of family style; the run's is dcgan: take inputs z"),
        ({"truncation": 0.5}, "truncation 0.5 cannot be exported: family dcgan .* or take inputs seed"),
        ({"truncation": 0.5, "inputs": "seed", "family": "progressive"}, "would change nothing: family progressive"),
        ({"truncation": 0.5, "inputs": "seed", "z_prior": "spherical"}, "would leave the sphere"),
    ],
)
def test_what_a_run_does_not_have(run, message):
    with pytest.raises(ExportError, match=message):
        check_run(**{"family": "dcgan", "z_prior": "normal", "inputs": "z", "truncation": 1.0} | run)


def test_what_a_run_has():
    check_run(family="dcgan", z_prior="uniform", inputs="seed", truncation=0.5)
    check_run(family="progressive", z_prior="spherical", inputs="seed", truncation=1.0)
    check_run(family="style", z_prior="spherical", inputs="w", truncation=0.5)


@pytest.mark.parametrize("family", FAMILIES)
def test_families_are_what_is_said_of_them(family):
    from importlib import import_module

    from tfgan_kit.build import build_generator
    from tfgan_kit.recipe import Recipe

    generator = import_module(f"tfgan_kit.networks.{family}").generator
    assert (family in W_FAMILIES) == ("truncation" in inspect.signature(generator).parameters)
    small = {"z_dim": 4, "g_width": 4, "g_max_width": 4, "g_hidden": (4,), "g_start_px": 4}
    shape = (28, 28, 1) if family == "keras_dcgan" else (8, 8, 1)
    G = build_generator(Recipe(family=family, kimg=1, **small), shape=shape, classes=(), dtype="float32", in_use=True)
    assert (family in W_FAMILIES) == hasattr(G, "mapping")
    normalises = any(layer.name == "z_norm" for layer in G.layers)
    assert (family in NORMALISING_FAMILIES) == normalises


def test_places(tmp_path):
    check_file(tmp_path / "x.onnx")
    check_folder(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    check_folder(tmp_path / "empty")
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match=r"is a folder: name a file, such as .*generator\.tflite"):
        check_file(tmp_path, "tflite")
    with pytest.raises(ExportError, match="there is no folder"):
        check_file(tmp_path / "no" / "x.onnx")
    with pytest.raises(ExportError, match="is not empty: name a new folder"):
        check_folder(tmp_path)
    with pytest.raises(ExportError, match="file is a file: name a new folder"):
        check_folder(tmp_path / "file")
    with pytest.raises(ExportError, match="there is no folder"):
        check_folder(tmp_path / "no" / "new")
