"""The 20-line example: its pictures, and what it does without."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/python/sample.py"
MODEL = ROOT / "artifacts/gallery/mnist/generator.onnx"


def test_a_grid_without_tensorflow_and_without_us(tmp_path):
    # An import of either fails, and what was imported is told at the end.
    program = (
        "import json, runpy, sys\n"
        "for name in ('tensorflow', 'keras', 'tfgan_kit', 'torch', 'onnx'): sys.modules[name] = None\n"
        f"sys.argv = ['sample.py', {str(MODEL)!r}, 'grid.png']\n"
        f"runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')\n"
        "print(json.dumps([name for name, module in sys.modules.items() if module is not None]))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    roots = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert not roots & {"tensorflow", "keras", "tfgan_kit"}

    with Image.open(tmp_path / "grid.png") as opened:
        assert opened.size == (280, 280)
        shown = np.asarray(opened)
    session = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    spec = json.loads(session.get_modelmeta().custom_metadata_map["tfgan"])
    z = np.random.default_rng(0).standard_normal((100, spec["z"]["dim"]), dtype=np.float32)
    (images,) = session.run(["images"], {"z": z, "labels": np.arange(100) % 10})
    for place in (0, 1, 37, 99):
        top, left = place // 10 * 28, place % 10 * 28
        np.testing.assert_array_equal(shown[top : top + 28, left : left + 28], images[place, ..., 0])


def test_it_is_short():
    lines = [line for line in EXAMPLE.read_text(encoding="utf-8").splitlines() if line and not line.startswith('"""')]
    assert len(lines) <= 24
