"""Training of the shipped classifiers: what they are built of, what data they take and how pictures are moved."""

import gzip

import numpy as np
import pytest

from tfgan_kit.errors import DataError
from tfgan_kit.extractors import open_extractor, train_cnn
from tfgan_kit.extractors.train_cnn import TASKS, Augmentation, augment, load

PICTURES = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), np.uint8)


def test_mirror_turns_about_every_other_picture():
    moved = augment(PICTURES, np.random.default_rng(0), Augmentation(rotation_deg=0.0, shift_px=0.0, mirror=True))
    same = [np.array_equal(a, b) for a, b in zip(moved, PICTURES, strict=True)]
    turned = [np.array_equal(a, b[:, ::-1]) for a, b in zip(moved, PICTURES, strict=True)]
    assert all(a != b for a, b in zip(same, turned, strict=True))
    assert 10 < sum(turned) < 30


@pytest.mark.parametrize("mirror", [False, True])
def test_shift_is_at_most_what_it_says(mirror):
    dot = np.zeros((200, 28, 28, 1), np.uint8)
    dot[:, 14, 13:15] = 100  # its centre is that of the columns, so a mirror leaves it
    moved = augment(dot, np.random.default_rng(0), Augmentation(rotation_deg=0.0, shift_px=2.0, mirror=mirror)).numpy()
    mass = moved[..., 0] / moved.sum(axis=(1, 2, 3))[:, None, None]
    for centre, axis in ((14, 1), (13.5, 2)):
        shift = (mass.sum(axis=3 - axis) * np.arange(28)).sum(axis=1) - centre
        assert 1.5 < np.abs(shift).max() <= 2.0 + 1e-4
        assert abs(shift.mean()) < 0.3


def test_networks_have_features_and_logits():
    for task in TASKS.values():
        model = task.build()
        features, logits = model(PICTURES[:2].astype(np.float32) / 255)
        assert features.shape == (2, 128)
        assert logits.shape == (2, 10) == (2, len(task.classes))
        assert model.count_params() < 100_000


def idx(array):
    return b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def test_idx_folders_are_read_and_others_refused(tmp_path):
    labels = np.arange(40, dtype=np.uint8) % 10
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(PICTURES[..., 0])))
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    images, found = load(f"idx:{tmp_path}", "test")
    np.testing.assert_array_equal(images, PICTURES)
    np.testing.assert_array_equal(found, labels)
    with pytest.raises(DataError, match="holds no train-images"):
        load(f"idx:{tmp_path}", "train")
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx(labels[1:]))
    with pytest.raises(DataError, match=r"has images \(40, 28, 28\) and labels \(39,\)"):
        load(f"idx:{tmp_path}", "test")
    for data in ("", "folder:x"):
        with pytest.raises(DataError, match="legal: mnist, idx:FOLDER"):
            load(data, "test")


def test_a_trained_classifier_is_written_with_parity(tmp_path, monkeypatch, capsys):
    images = np.repeat(PICTURES[:10], 26, axis=0)
    labels = np.repeat(np.arange(10, dtype=np.int32), 26)
    monkeypatch.setattr(train_cnn, "load", lambda data, split: (images, labels))
    monkeypatch.setattr(train_cnn, "real_against_real", lambda *_: 0.0)
    task = train_cnn.Task(
        build=train_cnn.build_digits,
        classes=tuple("abcdefghij"),
        epochs=1,
        augmentation=Augmentation(rotation_deg=0.0, shift_px=0.0),
        min_accuracy=0.0,
    )
    monkeypatch.setitem(TASKS, "fashion-cnn", task)
    out = tmp_path / "mine.onnx"
    train_cnn.main(["fashion-cnn", "--data", "idx:anywhere", "--out", str(out)])
    assert "parity error" in capsys.readouterr().out
    extractor = open_extractor(f"onnx:{out}")
    assert extractor.attributes == {"class": tuple("abcdefghij")}
    assert extractor.info["training"] == {"epochs": 1, "seed": 0, "images": 260}
    assert [path.name for path in tmp_path.iterdir()] == ["mine.onnx"]
