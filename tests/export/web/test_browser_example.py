"""examples/browser, as its README says to serve it."""

import shutil
from pathlib import Path

import numpy as np

from tfgan_kit.export import Sampler

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "artifacts/gallery/mnist/generator.onnx"
PIXELS = """Array.from(document.querySelector("canvas").getContext("2d").getImageData(0, 0, 28, 28).data)"""


def test_a_page_of_ones_own(chromium, ort_web, plain_server, tmp_path):
    for part in ("examples/browser", "export/web/page"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("node_modules"))
    folder = tmp_path / "examples/browser"
    shutil.copyfile(MODEL, folder / "generator.onnx")
    # What npm ci puts there, as far as the page asks for it.
    shutil.copytree(ort_web, folder / "node_modules/onnxruntime-web/dist")
    chromium.show(plain_server(tmp_path) + "examples/browser/", width=360, height=640)
    chromium.until("document.getElementById('seed')?.textContent === 'Seed 0'")
    found = np.reshape(chromium.value(PIXELS), (28, 28, 4))[..., 0]
    expected = Sampler(MODEL, threads=1).sample([0])[0, ..., 0].astype(int)
    assert np.abs(found - expected).max() <= 1
    chromium.click("#next")
    chromium.until("document.getElementById('seed').textContent !== 'Seed 0'")
    assert chromium.value("document.documentElement.scrollWidth") <= 360
    assert chromium.messages == []
