"""The network of 2015: its structure and size against published counts, its numbers against PyTorch."""

import re

import numpy as np
import onnx
import pytest

from tfgan_kit.errors import ModelFileError
from tfgan_kit.extractors.inception_graph import build_graph, to_onnx
from tfgan_kit.extractors.onnx_file import OnnxExtractor

GRAPH = build_graph()


def random_weights(shapes):
    rng = np.random.default_rng(0)
    weights = {}
    for name, shape in shapes.items():
        if len(shape) > 1:
            weights[name] = rng.standard_normal(shape, np.float32) * np.float32((2 / np.prod(shape[1:])) ** 0.5)
        elif name.endswith(("bn.weight", "running_var")):
            weights[name] = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        else:
            weights[name] = rng.normal(0, 0.2, shape).astype(np.float32)
    return weights


def test_size_is_that_of_the_published_implementations():
    kernels = {name: np.prod(shape) for name, shape in GRAPH.shapes.items() if name.endswith("conv.weight")}
    norms = {name: shape[0] for name, shape in GRAPH.shapes.items() if name.endswith("bn.bias")}
    assert len(kernels) == len(norms) == 94
    # Keras's InceptionV3 without its top has 21,802,784 numbers: kernels, and shift, mean and variance of each channel.
    # Torchvision's, without the auxiliary head and with 1000 classes, has 23,834,568: kernels, scale and shift, and the
    # last layer.
    assert sum(kernels.values()) + 3 * sum(norms.values()) == 21_802_784
    assert sum(kernels.values()) + 2 * sum(norms.values()) + 2049 * 1000 == 23_834_568
    assert GRAPH.shapes["fc.weight"] == (1008, 2048)
    assert len(GRAPH.shapes) == 5 * 94 + 1


def test_pools_are_those_of_the_2015_graph():
    pools = {output: (operator, more) for operator, _, output, more in GRAPH.nodes if operator.endswith("Pool")}
    kinds = {name: operator.removesuffix("Pool") for name, (operator, _) in pools.items()}
    blocks = ("5b", "5c", "5d", "6b", "6c", "6d", "6e", "7b")
    averages = {f"Mixed_{block}.pool" for block in blocks}
    assert {name for name, kind in kinds.items() if kind == "Average"} == averages
    assert {name for name, kind in kinds.items() if kind == "Max"} == {
        "pool_1", "pool_2", "Mixed_6a.pool", "Mixed_7a.pool", "Mixed_7c.pool",
    }  # fmt: skip
    assert kinds["pool_3"] == "GlobalAverage"
    assert all(pools[name][1]["count_include_pad"] == 0 for name in averages)


def test_batch_norm_has_the_epsilon_of_the_graph():
    norms = [more for operator, _, _, more in GRAPH.nodes if operator == "BatchNormalization"]
    assert [more["epsilon"] for more in norms] == [1e-3] * 94


def bilinear(images, side):
    """TensorFlow 1's resize: output pixel i is at i * (in / out), and edges repeat."""
    for axis in (1, 2):
        size = images.shape[axis]
        where = np.arange(side) * (size / side)
        low = np.floor(where).astype(int)
        share = (where - low).reshape([-1 if a == axis else 1 for a in range(4)])
        high = np.minimum(low + 1, size - 1)
        images = images.take(low, axis) * (1 - share) + images.take(high, axis) * share
    return images


def restated(w, images):
    """The whole network in PyTorch, from (N, H, W, 3)."""
    torch = pytest.importorskip("torch")
    F = torch.nn.functional

    def conv(x, name, stride=1, padding=0):
        norm = [w[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
        x = F.conv2d(x, w[f"{name}.conv.weight"], stride=stride, padding=padding)
        return F.batch_norm(x, *norm, eps=1e-3).relu()

    def chain(x, block, *steps):
        for name, *how in steps:
            x = conv(x, f"{block}.{name}", *how)
        return x

    def average(x):
        inside = F.avg_pool2d(torch.ones_like(x[:1, :1]), 3, 1, 1)
        return F.avg_pool2d(x, 3, 1, 1) / inside

    x = torch.from_numpy((bilinear(images.astype(np.float64), 299).transpose(0, 3, 1, 2) - 128) / 128).float()
    x = conv(conv(conv(x, "Conv2d_1a_3x3", 2), "Conv2d_2a_3x3"), "Conv2d_2b_3x3", 1, 1)
    x = conv(conv(F.max_pool2d(x, 3, 2), "Conv2d_3b_1x1"), "Conv2d_4a_3x3")
    x = F.max_pool2d(x, 3, 2)
    for b in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
        x = torch.cat([
            chain(x, b, ("branch1x1",)),
            chain(x, b, ("branch5x5_1",), ("branch5x5_2", 1, 2)),
            chain(x, b, ("branch3x3dbl_1",), ("branch3x3dbl_2", 1, 1), ("branch3x3dbl_3", 1, 1)),
            chain(average(x), b, ("branch_pool",)),
        ], 1)  # fmt: skip
    b = "Mixed_6a"
    x = torch.cat([
        chain(x, b, ("branch3x3", 2)),
        chain(x, b, ("branch3x3dbl_1",), ("branch3x3dbl_2", 1, 1), ("branch3x3dbl_3", 2)),
        F.max_pool2d(x, 3, 2),
    ], 1)  # fmt: skip
    across, down = (0, 3), (3, 0)
    for b in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
        x = torch.cat([
            chain(x, b, ("branch1x1",)),
            chain(x, b, ("branch7x7_1",), ("branch7x7_2", 1, across), ("branch7x7_3", 1, down)),
            chain(x, b, ("branch7x7dbl_1",), ("branch7x7dbl_2", 1, down), ("branch7x7dbl_3", 1, across),
                  ("branch7x7dbl_4", 1, down), ("branch7x7dbl_5", 1, across)),
            chain(average(x), b, ("branch_pool",)),
        ], 1)  # fmt: skip
    b = "Mixed_7a"
    x = torch.cat([
        chain(x, b, ("branch3x3_1",), ("branch3x3_2", 2)),
        chain(x, b, ("branch7x7x3_1",), ("branch7x7x3_2", 1, across), ("branch7x7x3_3", 1, down), ("branch7x7x3_4", 2)),
        F.max_pool2d(x, 3, 2),
    ], 1)  # fmt: skip
    for b, pool in (("Mixed_7b", average), ("Mixed_7c", lambda x: F.max_pool2d(x, 3, 1, 1))):
        three = chain(x, b, ("branch3x3_1",))
        double = chain(x, b, ("branch3x3dbl_1",), ("branch3x3dbl_2", 1, 1))
        x = torch.cat([
            chain(x, b, ("branch1x1",)),
            chain(three, b, ("branch3x3_2a", 1, (0, 1))), chain(three, b, ("branch3x3_2b", 1, (1, 0))),
            chain(double, b, ("branch3x3dbl_3a", 1, (0, 1))), chain(double, b, ("branch3x3dbl_3b", 1, (1, 0))),
            chain(pool(x), b, ("branch_pool",)),
        ], 1)  # fmt: skip
    assert x.shape[1:] == (2048, 8, 8)
    features = x.mean(dim=(2, 3))
    return features.numpy(), (features @ w["fc.weight"].T).numpy()


@pytest.fixture(scope="module")
def weights():
    return random_weights(GRAPH.shapes)


@pytest.fixture(scope="module")
def extractor(weights, tmp_path_factory):
    more = {"fc.bias": np.ones(1008, np.float32), "Conv2d_1a_3x3.bn.num_batches_tracked": np.array(1)}
    path = tmp_path_factory.mktemp("network") / "inception.onnx"
    path.write_bytes(to_onnx(weights | more, {"tfgan_extractor": '{"block": 16, "resize": "in the network"}'}))
    return OnnxExtractor(path)


# Larger than 299 px along one side, smaller along the other.
IMAGES = np.random.default_rng(1).integers(0, 256, (1, 310, 40, 3), np.uint8)


def test_shapes_with_random_weights(extractor, weights):
    assert extractor.image_shape is None
    assert extractor.feature_size == 2048
    assert extractor.attributes == {"class": tuple(map(str, range(1008)))}
    features, logits = extractor.run(IMAGES[:, :28, :28, :1])
    assert features.shape == (1, 2048)
    assert features.min() >= 0.0
    # The last layer's bias is left out.
    np.testing.assert_allclose(logits, features @ weights["fc.weight"].T, atol=1e-4 * np.abs(logits).max())


def test_numbers_are_those_of_pytorch(extractor, weights):
    torch = pytest.importorskip("torch")
    with torch.no_grad():
        expected = restated({name: torch.from_numpy(values) for name, values in weights.items()}, IMAGES)
    for ours, theirs in zip(extractor.run(IMAGES), expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max())
    np.testing.assert_allclose(
        extractor.features_of_floats(IMAGES.astype(np.float32)), expected[0], atol=1e-4 * expected[0].max()
    )


def test_refuses_weights_of_another_network():
    pytest.importorskip("onnx")
    weights = {name: np.broadcast_to(np.float32(1), shape) for name, shape in GRAPH.shapes.items()}
    lacking = {name: values for name, values in weights.items() if name != "Mixed_7c.branch_pool.bn.bias"}
    for wrong, name in (
        (lacking, "Mixed_7c.branch_pool.bn.bias"),
        (weights | {"AuxLogits.fc.weight": np.zeros(1)}, "AuxLogits.fc.weight"),
        (weights | {"fc.weight": np.zeros((1000, 2048), np.float32)}, "fc.weight"),
    ):
        with pytest.raises(ModelFileError, match=f"1 are missing, too many or of another shape, '{re.escape(name)}'"):
            to_onnx(wrong, {})


def test_nodes_are_legal_onnx():
    used = {name for _, inputs, _, _ in GRAPH.nodes for name in inputs}
    assert GRAPH.shapes.keys() <= used
    for operator, _, _, _ in GRAPH.nodes:
        assert onnx.defs.has(operator)
