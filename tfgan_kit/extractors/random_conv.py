"""Features of a convolutional network with fixed random weights, for pictures that no classifier knows."""

from __future__ import annotations

import hashlib
import math
from itertools import pairwise

import numpy as np

from tfgan_kit.extractors.base import Attributes, ImageShape, blocks, check_images
from tfgan_kit.extractors.fit import fit_floats, fit_images

CHANNELS = (3, 16, 32, 64)  # of the pictures, and after each convolution
KERNEL_PX = 3
SEED = 20

_BLOCK = 64  # pictures at a time: the windows of a convolution are nine times their size
_VERSION = "relu, stride 2, edges repeated; mean and deviation of each layer; x / 127.5 - 1"


class RandomConv:
    """Mean and deviation over the picture of each channel of three strided convolutions; see `Extractor`.

    It sees colours, strokes and texture at three scales, and where in the picture they are it does not see. The figures
    are of use beside each other and not beside those of a trained network.

    Source: Naeem et al., "Reliable fidelity and diversity metrics for generative models" (2020), for random weights
    where no trained ones fit; the scale of the weights is that of He et al., "Delving deep into rectifiers" (2015),
    Eq. 10. Differs from the first, whose network is VGG-16 up to its dense layers: moments over the picture let
    pictures have any size.
    """

    name = "random-conv"
    image_shape: ImageShape | None = None
    resize = "none"
    feature_size: int | None = 2 * sum(CHANNELS[1:])

    def __init__(self) -> None:
        self.attributes: Attributes = {}
        self._kernels = _kernels()
        content = b"".join(kernel.astype("<f4").tobytes() for kernel in self._kernels)
        self.digest = hashlib.sha256(_VERSION.encode() + content).hexdigest()[:16]

    def run(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The features (N, 224) float32 of pictures (N, H, W, C) uint8, grey ones taken as RGB, and no logits."""
        check_images(images, np.uint8, self.name)
        return self._collect(images), None

    def features(self, images: np.ndarray) -> np.ndarray:
        """The features alone."""
        return self.run(images)[0]

    def features_of_floats(self, images: np.ndarray) -> np.ndarray:
        """The same of float32 pictures in [0, 255]."""
        check_images(images, np.float32, self.name)
        return self._collect(images)

    def _collect(self, images: np.ndarray) -> np.ndarray:
        fit = fit_floats if images.dtype == np.float32 else fit_images
        features = np.empty((len(images), 2 * sum(CHANNELS[1:])), np.float32)
        for part in blocks(len(images), images.shape[1:], _BLOCK):
            x = fit(images[part], None, CHANNELS[0]) / np.float32(127.5) - np.float32(1)
            moments = []
            for kernel in self._kernels:
                x = np.maximum(_convolve(x, kernel), 0)
                moments += [x.mean(axis=(1, 2)), x.std(axis=(1, 2))]
            features[part] = np.concatenate(moments, axis=1)
        return features


def _kernels() -> list[np.ndarray]:
    """(9 * c_in, c_out) float32 each, uniform with the variance 2 / fan in."""
    # Raw bits: how numpy makes distributions of them may change, and these features may not.
    bits = np.random.Philox(key=SEED)
    kernels = []
    for c_in, c_out in pairwise(CHANNELS):
        fan_in = KERNEL_PX**2 * c_in
        raw = np.asarray(bits.random_raw(fan_in * c_out), np.uint64)
        signed = (raw >> np.uint64(40)).astype(np.float64) / 2**23 - 1
        kernels.append((signed * math.sqrt(6 / fan_in)).astype(np.float32).reshape(fan_in, c_out))
    return kernels


def _convolve(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """(N, H, W, c_in) to (N, ceil(H / 2), ceil(W / 2), c_out)."""
    margin = KERNEL_PX // 2
    height, width = ((side + 1) // 2 for side in x.shape[1:3])
    padded = np.pad(x, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="edge")
    windows = [
        padded[:, top : top + 2 * height - 1 : 2, left : left + 2 * width - 1 : 2]
        for top in range(KERNEL_PX)
        for left in range(KERNEL_PX)
    ]
    # One large product; numpy would make a small one of each row of the picture.
    rows = np.concatenate(windows, axis=3).reshape(-1, len(kernel))
    return np.asarray(rows @ kernel).reshape(len(x), height, width, -1)
