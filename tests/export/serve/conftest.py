"""Small models that need no TensorFlow, and the service around one, on a port of its own."""

import http.client
import threading
import time
from contextlib import contextmanager

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tfgan_kit.export import ModelSpec, Sampler
from tfgan_kit.export.serve.app import Limits
from tfgan_kit.export.serve.server import bind, make_server, model_digest
from tfgan_kit.export.spec import PROPERTY, Parity

CLASSES = {"class": ("ant", "bee & wasp", "2")}
SEVERAL = {"hair": ("brown", "red=ish"), "hair=dyed": ("no", "yes"), "ear": ("none", "ring", "stud")}


def write_model(path, attributes=None, channels=3, **fields):
    """Pictures of 4x5 px: a product of z, and a shade for each attribute's value."""
    attributes = attributes or {}
    spec = ModelSpec(
        z_dim=3, attributes=attributes, height=4, width=5, channels=channels, layout="nhwc", dtype="uint8",
        recipe_name="<noise>", recipe_digest="", recipe={}, data_spec="", data_digest="", data_images=0, nimg=7,
        weights="ema", parity=Parity(max_abs_error=0.0, batch_sizes=(), tolerance=0.0), tfgan_kit="0",
        **{"z_prior": "normal"} | fields,
    )  # fmt: skip
    pixels = 20 * channels
    rng = np.random.default_rng(0)
    constants = {
        "w": (60 * rng.normal(size=(3, pixels))).astype(np.float32), "low": np.float32(0), "high": np.float32(255),
        "shape": np.array([-1, *spec.image_shape]),
    }  # fmt: skip
    nodes = [helper.make_node("MatMul", ["z", "w"], ["x"])]
    inputs = [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 3])]
    if attributes:
        axes = ["N"] if len(attributes) == 1 else ["N", len(attributes)]
        inputs.append(helper.make_tensor_value_info("labels", TensorProto.INT64, axes))
    last = "x"
    for a, names in enumerate(attributes.values()):
        constants[f"t{a}"] = rng.uniform(20, 120, (len(names), pixels)).astype(np.float32)
        index = "labels"
        if len(attributes) > 1:
            constants[f"c{a}"], index = np.int64(a), f"i{a}"
            nodes.append(helper.make_node("Gather", ["labels", f"c{a}"], [index], axis=1))
        nodes += [
            helper.make_node("Gather", [f"t{a}", index], [f"e{a}"]),
            helper.make_node("Add", [last, f"e{a}"], [f"x{a}"]),
        ]
        last = f"x{a}"
    nodes += [
        helper.make_node("Clip", [last, "low", "high"], ["c"]),
        helper.make_node("Cast", ["c"], ["u"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["u", "shape"], ["images"]),
    ]
    output = helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", *spec.image_shape])
    graph = helper.make_graph(
        nodes, "tiny", inputs, [output], [numpy_helper.from_array(np.asarray(a), n) for n, a in constants.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {PROPERTY: spec.to_json()})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """Model files by kind."""
    folder = tmp_path_factory.mktemp("models")
    return {
        "plain": write_model(folder / "plain.onnx"),
        "grey": write_model(folder / "grey.onnx", channels=1),
        "named": write_model(folder / "named.onnx", CLASSES),
        "several": write_model(folder / "several.onnx", SEVERAL),
        "spherical": write_model(folder / "spherical.onnx", z_prior="spherical"),
    }


class Service:
    """A running service, and requests to it."""

    def __init__(self, server, listener, sampler, digest):
        self.server, self.listener, self.sampler, self.digest = server, listener, sampler, digest
        self.port = listener.getsockname()[1]

    def get(self, path, method="GET", body=None, **headers):
        """Status, headers by lower-case name, and content."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="session")
def serving():
    """A context manager: the service of a model file, or of anything that samples."""

    @contextmanager
    def run(path, sampler=None, **limits):
        sampler, digest = sampler or Sampler(path, threads=1), model_digest(path)
        listener = bind("127.0.0.1", 0)
        limits = {"hosts": ("127.0.0.1", "localhost")} | limits
        server = make_server(sampler, digest, Limits(**limits))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive()
                time.sleep(0.005)
            yield Service(server, listener, sampler, digest)
        finally:
            server.should_exit = True
            thread.join(timeout=30)
            listener.close()
        assert not thread.is_alive()

    return run


@pytest.fixture(scope="module")
def named(models, serving):
    """The service of a model with named classes."""
    with serving(models["named"], max_n=20, queue=100) as service:
        yield service
