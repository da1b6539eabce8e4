import logging
import warnings

import keras
import numpy as np
import pytest

BATCHES = (1, 3)


@pytest.fixture(scope="session")
def assert_onnx_equal():
    """A function that converts a model to opset 17, compares it with TensorFlow and returns its operators, in order.

    `feeds(n)` gives the model's inputs, a list of arrays, at batch n.
    """
    import onnx
    import onnxruntime
    import tensorflow as tf
    import tf2onnx

    def check(model, feeds, atol=1e-5):
        names = [f"x{i}" for i in range(len(model.inputs))]
        signature = [
            tf.TensorSpec((None, *one.shape[1:]), one.dtype, name=name)
            for one, name in zip(feeds(1), names, strict=True)
        ]

        def call(*inputs):
            return {"y": model(list(inputs) if len(inputs) > 1 else inputs[0], training=False)}

        logger = logging.getLogger("tf2onnx")
        level = logger.level
        logger.setLevel(logging.CRITICAL + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            function = tf.function(call, input_signature=signature)
            converted, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=17)
        logger.setLevel(level)
        onnx.checker.check_model(converted, full_check=True)
        session = onnxruntime.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
        for n in BATCHES:
            arrays = feeds(n)
            (found,) = session.run(None, dict(zip(names, arrays, strict=True)))
            expected = model(arrays if len(arrays) > 1 else arrays[0], training=False)
            np.testing.assert_allclose(found, keras.ops.convert_to_numpy(expected), atol=atol, rtol=1e-5)
        return [node.op_type for node in converted.graph.node]

    return check
