"""nchw, uint8 and RGB is what torch-fidelity's ONNX generator input takes, as it is."""

import numpy as np
import onnxruntime
import pytest

from tfgan_kit.export.convert import export_onnx

CLASSES = {"class": ("ant", "bee", "cat")}


class Restated:
    """What torch-fidelity 0.4's GenerativeModelONNX does, in numpy: arguments by place, the first output."""

    def __init__(self, path, z_size, num_classes):
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        self.names = [value.name for value in self.session.get_inputs()]
        self.z_size, self.num_classes = z_size, num_classes

    def __call__(self, *given):
        assert len(given) == len(self.names)
        return self.session.run(None, dict(zip(self.names, given, strict=True)))[0]


def fakes_of(model, num_samples, batch_size):
    """Its loop over samples: normal float32 noise and int64 labels; the last batch is smaller."""
    rng = np.random.RandomState(0)
    for start in range(0, num_samples, batch_size):
        size = min(batch_size, num_samples - start)
        given = [rng.randn(size, model.z_size).astype(np.float32)]
        if model.num_classes:
            given.append(rng.randint(0, model.num_classes, (size,), np.int64))
        yield model(*given)


@pytest.mark.parametrize("attributes", [{}, CLASSES])
def test_its_generator_takes_the_file(make_run, tmp_path, attributes):
    run = make_run(tmp_path / "run", shape=(32, 32, 3), attributes=attributes)
    result = export_onnx(run, tmp_path / "g.onnx", layout="nchw", output="uint8")
    model = Restated(result.file, result.spec.z_dim, sum(result.spec.classes))
    found = list(fakes_of(model, num_samples=10, batch_size=4))
    assert [len(images) for images in found] == [4, 4, 2]
    for images in found:
        # What its feature extractors assert.
        assert images.dtype == np.uint8
        assert images.ndim == 4
        assert images.shape[1:] == (3, 32, 32)
    assert len(np.unique(np.concatenate(found))) > 50


def test_the_package_itself_takes_the_file(make_run, tmp_path):
    torch = pytest.importorskip("torch", exc_type=ImportError)
    package = pytest.importorskip("torch_fidelity.generative_model_onnx", exc_type=ImportError)
    run = make_run(tmp_path / "run", shape=(32, 32, 3))
    result = export_onnx(run, tmp_path / "g.onnx", layout="nchw", output="uint8")
    model = package.GenerativeModelONNX(str(result.file), result.spec.z_dim, "normal", 0)
    z = np.random.RandomState(0).randn(3, model.z_size).astype(np.float32)
    images = model(torch.from_numpy(z))
    assert images.dtype == torch.uint8
    assert tuple(images.shape) == (3, 3, 32, 32)
    np.testing.assert_array_equal(images.numpy(), Restated(result.file, model.z_size, 0)(z))
