"""The Inception network of December 2015, which the Frechet Inception distance is defined by, as an ONNX graph.

It is the network of Szegedy et al., "Rethinking the Inception architecture for computer vision" (2016), Table 1, as
the frozen graph `inception-2015-12-05` has it: average pools count no padding, the pool of the last block is a maximum,
batch norm has epsilon 1e-3, and there are 1008 logits. Layers bear the names that the published PyTorch weights have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tfgan_kit.errors import MissingPackageError, ModelFileError

FEATURES = 2048
LOGITS = 1008
SIDE_PX = 299
NORM_EPSILON = 1e-3
OPSET = 18  # the first whose Resize takes axes
IR_VERSION = 9

_NORM = ("weight", "bias", "running_mean", "running_var")


class Graph:
    """The nodes of the network, and the shapes of the weights that they name.

    Attributes:
        nodes: (operator, inputs, output, attributes), in order.
        shapes: name of a weight -> its shape.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple[str, list[str], str, dict[str, Any]]] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        self._channels: dict[str, int] = {}

    def add(self, operator: str, inputs: list[str], output: str, channels: int, **attributes: Any) -> str:
        """A node whose output has that many channels; returns the output's name."""
        self.nodes.append((operator, inputs, output, attributes))
        self._channels[output] = channels
        return output

    def conv(self, x: str, name: str, filters: int, kernel: tuple[int, int] = (1, 1), *, stride: int = 1) -> str:
        """Convolution, batch norm and ReLU; "same" size at stride 1, "valid" above."""
        height, width = kernel
        same = [height // 2, width // 2] * 2 if stride == 1 else [0] * 4
        return self.conv_padded(x, name, filters, kernel, stride, same)

    def conv_padded(
        self, x: str, name: str, filters: int, kernel: tuple[int, int], stride: int, pads: list[int]
    ) -> str:
        """Convolution, batch norm and ReLU with that padding, top, left, bottom and right."""
        self.shapes[f"{name}.conv.weight"] = (filters, self._channels[x], *kernel)
        y = self.add(
            "Conv", [x, f"{name}.conv.weight"], f"{name}.conv", filters, strides=[stride, stride], pads=pads
        )  # fmt: skip
        parameters = [f"{name}.bn.{part}" for part in _NORM]
        self.shapes |= dict.fromkeys(parameters, (filters,))
        y = self.add("BatchNormalization", [y, *parameters], f"{name}.bn", filters, epsilon=NORM_EPSILON)
        return self.add("Relu", [y], name, filters)

    def pool(self, x: str, name: str, kind: str, *, stride: int = 1) -> str:
        """A 3x3 pool, "Average" or "Max"; at stride 1 of "same" size, and the padding does not count."""
        pads = [1 if stride == 1 else 0] * 4
        how: dict[str, Any] = {"kernel_shape": [3, 3], "strides": [stride, stride], "pads": pads}
        if kind == "Average":
            how["count_include_pad"] = 0
        return self.add(f"{kind}Pool", [x], name, self._channels[x], **how)

    def join(self, name: str, *parts: str) -> str:
        """The channels of the parts one after another."""
        return self.add("Concat", list(parts), name, sum(self._channels[part] for part in parts), axis=1)


def build_graph() -> Graph:
    """The network from `images` to `features` and `logits`, without its weights."""
    g = Graph()
    x = _input(g)
    x = g.conv(x, "Conv2d_1a_3x3", 32, (3, 3), stride=2)
    x = g.conv_padded(x, "Conv2d_2a_3x3", 32, (3, 3), 1, [0] * 4)
    x = g.conv(x, "Conv2d_2b_3x3", 64, (3, 3))
    x = g.pool(x, "pool_1", "Max", stride=2)
    x = g.conv(x, "Conv2d_3b_1x1", 80)
    x = g.conv_padded(x, "Conv2d_4a_3x3", 192, (3, 3), 1, [0] * 4)
    x = g.pool(x, "pool_2", "Max", stride=2)
    for name, pooled in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
        x = _block_35(g, x, name, pooled)
    x = _reduce_35(g, x, "Mixed_6a")
    for name, inner in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        x = _block_17(g, x, name, inner)
    x = _reduce_17(g, x, "Mixed_7a")
    x = _block_8(g, x, "Mixed_7b", "Average")
    # Differs from the paper, which averages here too; the published graph does not.
    x = _block_8(g, x, "Mixed_7c", "Max")
    x = g.add("GlobalAveragePool", [x], "pool_3", FEATURES)
    x = g.add("Flatten", [x], "features", FEATURES)
    g.shapes["fc.weight"] = (LOGITS, FEATURES)
    # Without the bias: that is how the Inception Score was published and is computed everywhere.
    g.add("Gemm", [x, "fc.weight"], "logits", LOGITS, transB=1)
    return g


def _input(g: Graph) -> str:
    x = g.add("Cast", ["images"], "float", 3, to=1)
    x = g.add("Transpose", [x], "channels_first", 3, perm=[0, 3, 1, 2])
    # As TensorFlow 1 did: the corners of the pictures, and not their edges, are at the origin.
    x = g.add(
        "Resize", [x, "", "", "side"], "resized", 3,
        mode="linear", coordinate_transformation_mode="asymmetric", axes=[2, 3],
    )  # fmt: skip
    x = g.add("Sub", [x, "grey"], "centred", 3)
    return g.add("Mul", [x, "scale"], "scaled", 3)


def _block_35(g: Graph, x: str, name: str, pooled: int) -> str:
    """Figure 5 of the paper, with 5x5 kernels in one branch."""
    one = g.conv(x, f"{name}.branch1x1", 64)
    five = g.conv(x, f"{name}.branch5x5_1", 48)
    five = g.conv(five, f"{name}.branch5x5_2", 64, (5, 5))
    three = g.conv(x, f"{name}.branch3x3dbl_1", 64)
    three = g.conv(three, f"{name}.branch3x3dbl_2", 96, (3, 3))
    three = g.conv(three, f"{name}.branch3x3dbl_3", 96, (3, 3))
    pool = g.conv(g.pool(x, f"{name}.pool", "Average"), f"{name}.branch_pool", pooled)
    return g.join(name, one, five, three, pool)


def _reduce_35(g: Graph, x: str, name: str) -> str:
    three = g.conv(x, f"{name}.branch3x3", 384, (3, 3), stride=2)
    double = g.conv(x, f"{name}.branch3x3dbl_1", 64)
    double = g.conv(double, f"{name}.branch3x3dbl_2", 96, (3, 3))
    double = g.conv(double, f"{name}.branch3x3dbl_3", 96, (3, 3), stride=2)
    return g.join(name, three, double, g.pool(x, f"{name}.pool", "Max", stride=2))


def _block_17(g: Graph, x: str, name: str, inner: int) -> str:
    """Figure 6 of the paper with n = 7."""
    one = g.conv(x, f"{name}.branch1x1", 192)
    seven = g.conv(x, f"{name}.branch7x7_1", inner)
    seven = g.conv(seven, f"{name}.branch7x7_2", inner, (1, 7))
    seven = g.conv(seven, f"{name}.branch7x7_3", 192, (7, 1))
    double = g.conv(x, f"{name}.branch7x7dbl_1", inner)
    double = g.conv(double, f"{name}.branch7x7dbl_2", inner, (7, 1))
    double = g.conv(double, f"{name}.branch7x7dbl_3", inner, (1, 7))
    double = g.conv(double, f"{name}.branch7x7dbl_4", inner, (7, 1))
    double = g.conv(double, f"{name}.branch7x7dbl_5", 192, (1, 7))
    pool = g.conv(g.pool(x, f"{name}.pool", "Average"), f"{name}.branch_pool", 192)
    return g.join(name, one, seven, double, pool)


def _reduce_17(g: Graph, x: str, name: str) -> str:
    three = g.conv(x, f"{name}.branch3x3_1", 192)
    three = g.conv(three, f"{name}.branch3x3_2", 320, (3, 3), stride=2)
    seven = g.conv(x, f"{name}.branch7x7x3_1", 192)
    seven = g.conv(seven, f"{name}.branch7x7x3_2", 192, (1, 7))
    seven = g.conv(seven, f"{name}.branch7x7x3_3", 192, (7, 1))
    seven = g.conv(seven, f"{name}.branch7x7x3_4", 192, (3, 3), stride=2)
    return g.join(name, three, seven, g.pool(x, f"{name}.pool", "Max", stride=2))


def _block_8(g: Graph, x: str, name: str, pool_kind: str) -> str:
    """Figure 7 of the paper."""
    one = g.conv(x, f"{name}.branch1x1", 320)
    three = g.conv(x, f"{name}.branch3x3_1", 384)
    wide = g.conv(three, f"{name}.branch3x3_2a", 384, (1, 3))
    tall = g.conv(three, f"{name}.branch3x3_2b", 384, (3, 1))
    double = g.conv(x, f"{name}.branch3x3dbl_1", 448)
    double = g.conv(double, f"{name}.branch3x3dbl_2", 384, (3, 3))
    double_wide = g.conv(double, f"{name}.branch3x3dbl_3a", 384, (1, 3))
    double_tall = g.conv(double, f"{name}.branch3x3dbl_3b", 384, (3, 1))
    pool = g.conv(g.pool(x, f"{name}.pool", pool_kind), f"{name}.branch_pool", 192)
    return g.join(name, one, wide, tall, double_wide, double_tall, pool)


def to_onnx(weights: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> bytes:
    """The network with its weights, as an ONNX file.

    Args:
        weights: name -> float32 array, as `build_graph().shapes` says. `fc.bias` and counts of batches are not used.
        metadata: of the file.

    Returns:
        a file from `images` uint8 (N, H, W, 3) of any size to `features` (N, 2048) and `logits` (N, 1008), float32.

    Raises:
        ModelFileError: weights that are missing, too many, or of another shape.
        MissingPackageError: `onnx` is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingPackageError("writing the inception network needs onnx; pip install onnx") from error
    graph = build_graph()
    _check_weights(weights, graph.shapes)
    helper, numpy_helper, types = onnx.helper, onnx.numpy_helper, onnx.TensorProto
    constants = {
        "side": np.array([SIDE_PX, SIDE_PX], np.int64),
        "grey": np.array(128, np.float32),
        "scale": np.array(1 / 128, np.float32),
    }
    used = constants | {name: np.asarray(weights[name], np.float32) for name in graph.shapes}
    body = helper.make_graph(
        [helper.make_node(op, inputs, [output], name=output, **more) for op, inputs, output, more in graph.nodes],
        "inception-2015-12-05",
        [helper.make_tensor_value_info("images", types.UINT8, ["N", "H", "W", 3])],
        [
            helper.make_tensor_value_info("features", types.FLOAT, ["N", FEATURES]),
            helper.make_tensor_value_info("logits", types.FLOAT, ["N", LOGITS]),
        ],
        [numpy_helper.from_array(values, name) for name, values in used.items()],
    )
    proto = helper.make_model(body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    helper.set_model_props(proto, dict(metadata))
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString(deterministic=True))


def _check_weights(weights: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]]) -> None:
    unused = {name for name in weights if name == "fc.bias" or name.endswith(".num_batches_tracked")}
    wrong = sorted((weights.keys() ^ shapes.keys()) - unused)
    wrong += [name for name, shape in shapes.items() if name in weights and weights[name].shape != shape]
    if wrong:
        raise ModelFileError(
            f"these are not the weights of the 2015 Inception network: {len(wrong)} are missing, too many or of "
            f"another shape, {wrong[0]!r} among them"
        )
