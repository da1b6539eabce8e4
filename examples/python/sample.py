"""A hundred pictures in a grid, with no TensorFlow and no tfgan-kit: python sample.py digits.onnx digits.png"""

import json
import sys

import numpy as np
import onnxruntime
from PIL import Image

model, out = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
spec = json.loads(session.get_modelmeta().custom_metadata_map["tfgan"])
rng = np.random.default_rng(0)
feed = {"z": rng.standard_normal((100, spec["z"]["dim"]), dtype=np.float32)}
if spec["classes"]:
    feed["labels"] = np.arange(100) % len(spec["classes"])
elif "attributes" in spec:
    sizes = [len(values) for values in spec["attributes"].values()]
    feed["labels"] = rng.integers(sizes, size=(100, len(sizes)))
if "noise" in spec:
    feed["noise"] = rng.standard_normal((100, spec["noise"]["dim"]), dtype=np.float32)
(images,) = session.run(["images"], feed)  # uint8 (100, H, W, C)
rows = images.reshape(10, 10, *images.shape[1:]).swapaxes(1, 2)
Image.fromarray(rows.reshape(10 * images.shape[1], 10 * images.shape[2], -1).squeeze()).save(out)
