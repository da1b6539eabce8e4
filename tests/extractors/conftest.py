"""PyTorch files made by hand, so that reading them is tested where PyTorch is not."""

import pickle
import zipfile

import numpy as np
import pytest


def _text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def _program(tensors, *, legacy):
    """A pickle, of protocol 2 and as torch.save writes it, of a dictionary of 1-D float32 tensors."""
    items = b""
    for key, (name, values) in enumerate(tensors.items()):
        view = b"N" if legacy else b""
        storage = b"(" + _text("storage") + b"ctorch\nFloatStorage\n" + _text(str(key)) + _text("cpu")
        count = b"K" + bytes([len(values)])
        items += _text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + count + view + b"tQ"
        items += b"K\x00" + count + b"\x85" + b"K\x01\x85" + b"\x89" + b"ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02}(" + items + b"u."


@pytest.fixture
def write_pth():
    """A function that writes name -> 1-D float32 array as `torch.save` does, into either container."""

    def write(path, tensors, *, legacy=False):
        program = _program(tensors, legacy=legacy)
        content = [np.asarray(values, "<f4").tobytes() for values in tensors.values()]
        if legacy:
            head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
            keys = [str(key) for key in range(len(content))]
            parts = [*(pickle.dumps(value, 2) for value in head), program, pickle.dumps(keys, 2)]
            parts += [(len(values) // 4).to_bytes(8, "little") + values for values in content]
            path.write_bytes(b"".join(parts))
        else:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("archive/data.pkl", program)
                for key, values in enumerate(content):
                    archive.writestr(f"archive/data/{key}", values)
        return path

    return write
