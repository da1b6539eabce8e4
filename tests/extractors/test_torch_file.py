"""PyTorch files are read without running them: what torch.save wrote comes back, and anything else is refused."""

import collections
import io
import pickle
import zipfile

import numpy as np
import pytest

from tfgan_kit.errors import ModelFileError
from tfgan_kit.extractors.torch_file import read_tensors

try:
    import torch
except ImportError:
    torch = None

with_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


def state_of_a_module():
    module = torch.nn.Module()
    module.conv = torch.nn.Conv2d(3, 4, (1, 7), bias=False)
    module.bn = torch.nn.BatchNorm2d(4)
    module.fc = torch.nn.Linear(3, 2)
    return module.state_dict()


@pytest.mark.parametrize("legacy", [False, True])
def test_both_containers_are_read_without_pytorch(tmp_path, write_pth, legacy):
    tensors = {"a": np.array([1.5, -2.0], np.float32), "b.c": np.array([3.0], np.float32)}
    found = read_tensors(write_pth(tmp_path / "weights.pth", tensors, legacy=legacy))
    assert list(found) == ["a", "b.c"]
    for name, values in tensors.items():
        np.testing.assert_array_equal(found[name], values, strict=True)


@pytest.mark.parametrize("legacy", [False, True])
def test_refuses_a_storage_of_another_length(tmp_path, write_pth, legacy):
    path = write_pth(tmp_path / "weights.pth", {"a": np.array([1.5, -2.0], np.float32)}, legacy=legacy)
    if legacy:
        path.write_bytes(path.read_bytes()[:-4])
    else:
        with zipfile.ZipFile(path) as archive:
            program = archive.read("archive/data.pkl")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", program)
            archive.writestr("archive/data/0", b"1234")
    with pytest.raises(ModelFileError, match="has 1 numbers in place of 2"):
        read_tensors(path)


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def save(request, tmp_path):
    pytest.importorskip("torch")

    def write(value, **keywords):
        path = tmp_path / "weights.pth"
        torch.save(value, path, _use_new_zipfile_serialization=request.param, **keywords)
        return path

    return write


def test_a_module_s_state_comes_back(save):
    state = state_of_a_module()
    tensors = read_tensors(save(state))
    assert list(tensors) == list(state)
    for name, values in tensors.items():
        assert values.dtype == (np.int64 if name == "bn.num_batches_tracked" else np.float32)
        np.testing.assert_array_equal(values, state[name].numpy(), strict=True)


def test_views_of_one_storage_come_back(save):
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    plain = {"whole": base, "turned": base.permute(2, 0, 1), "part": base[1:, 1:], "empty": base[:0]}
    for name, values in read_tensors(save(plain)).items():
        np.testing.assert_array_equal(values, plain[name].numpy(), strict=True)
        assert values.flags.c_contiguous


class Evil:
    def __reduce__(self):
        return (print, ("this ran",))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: {"a": Evil()}, "it names builtins.print|it names __builtin__.print"),
        (Evil, "it names"),
        (lambda: {"a": torch.zeros(2, dtype=torch.float64)}, "it names torch.DoubleStorage"),
        (lambda: {"a": torch.nn.Parameter(torch.zeros(2))}, "it names torch._utils._rebuild_parameter"),
        (lambda: {"a": 1}, "entry 'a' is no tensor"),
        (lambda: [torch.zeros(1)], "it holds a list"),
        (lambda: {"a": collections.Counter()}, "it names collections.Counter"),
        (lambda: {"a": 1.5}, "it has the opcode BINFLOAT"),
    ],
)
def test_refuses_everything_else_and_runs_nothing(save, capsys, make, words):
    with pytest.raises(ModelFileError, match=f"not a plain dictionary of PyTorch tensors: .*({words})"):
        read_tensors(save(make()))
    assert capsys.readouterr().out == ""


def test_refuses_other_protocols(save):
    with pytest.raises(ModelFileError, match="protocol 4"):
        read_tensors(save({"a": torch.zeros(1)}, pickle_protocol=4))


def test_refuses_a_file_that_is_cut(save):
    path = save(state_of_a_module())
    content = path.read_bytes()
    for length in (0, 10, 200, len(content) // 2, len(content) - 60):
        path.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match=r"damaged|not a plain dictionary"):
            read_tensors(path)


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02}q\x00.",  # a dictionary, and no magic number
        b"\x80\x02R.",  # a call of nothing
        b"\x80\x02(.",  # a mark alone
        b"\x80\x02h\x05.",  # what was never remembered
        b"\x80\x02cos\nsystem\n(X\x04\x00\x00\x00echotR.",
        b"\x80\x02Q.",  # a reference to nothing
        b"cos\nsystem\n",
        b"not a pickle",
    ],
)
def test_refuses_programs(tmp_path, program):
    path = tmp_path / "weights.pth"
    path.write_bytes(program)
    with pytest.raises(ModelFileError, match=r"damaged|not a plain dictionary"):
        read_tensors(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
    if program != b"\x80\x02}q\x00.":
        with pytest.raises(ModelFileError, match=r"damaged|not a plain dictionary"):
            read_tensors(path)
    else:
        assert read_tensors(path) == {}


class Reference:
    """Pickled as a reference to a storage, and a tensor in it, of numbers that a test chooses."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return torch._utils._rebuild_tensor_v2, self.call


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ((0, (4,), (1,)), None),
        ((0, (2, 2), (1, 2)), None),
        ((1, (4,), (1,)), "lies outside its storage"),
        ((0, (3, 2), (1, 2)), "lies outside its storage"),
        ((3, (2,), (-1,)), "lies outside its storage"),
        ((-1, (2,), (1,)), "lies outside its storage"),
        ((0, (2, 2), (1,)), "it calls"),
    ],
)
@with_torch
def test_refuses_tensors_outside_their_storage(tmp_path, call, words):
    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return ("storage", torch.FloatStorage, "0", "cpu", 4) if isinstance(value, slice) else None

    stream = io.BytesIO()
    tensor = Reference(slice(0), *call, False, collections.OrderedDict())
    Pickler(stream, protocol=2).dump({"a": tensor})
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", stream.getvalue())
        archive.writestr("archive/data/0", np.arange(4, dtype="<f4").tobytes())
    if words is None:
        assert read_tensors(path)["a"].size == 4
    else:
        with pytest.raises(ModelFileError, match=words):
            read_tensors(path)


def test_refuses_big_endian_numbers(tmp_path, write_pth):
    path = write_pth(tmp_path / "weights.pth", {"a": [1.0]})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/byteorder", "big")
    with pytest.raises(ModelFileError, match="big-endian"):
        read_tensors(path)
    path = write_pth(path, {"a": [1.0]}, legacy=True)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"little_endianq\x02\x88", b"little_endianq\x02\x89"))
    assert path.read_bytes() != content
    with pytest.raises(ModelFileError, match="big-endian"):
        read_tensors(path)


def test_refuses_a_file_that_is_missing(tmp_path):
    with pytest.raises(ModelFileError, match="cannot be read"):
        read_tensors(tmp_path / "no.pth")
