import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from tfgan_kit.data import open_source
from tfgan_kit.data.source import Source
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

tfds = pytest.importorskip("tensorflow_datasets")

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8)


class TinyPets(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc]
    VERSION = tfds.core.Version("1.2.3")
    BUILDER_CONFIGS: ClassVar[list[Any]] = [
        tfds.core.BuilderConfig(name=name) for name in ("even", "uneven", "wide", "float", "pairs", "hidden")
    ]

    def _info(self) -> Any:
        kind = self.builder_config.name
        features: dict[str, Any] = {"image": tfds.features.Image(shape=(None, None, 3))}
        if kind == "wide":
            features = {"scan": tfds.features.Image(shape=(8, 8, 1), dtype=np.uint16, encoding_format="png")}
        elif kind == "float":
            features = {"image": tfds.features.Image(shape=(8, 8, 1), dtype=np.float32)}
        elif kind == "pairs":
            features = {"left": features["image"], "right": features["image"]}
        else:
            features["species"] = tfds.features.ClassLabel(names=["cat", "dog", "newt"])
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features), description="Tiny.")

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        return {"train": self._generate_examples(24), "test": self._generate_examples(6)}

    def _generate_examples(self, count: int) -> Iterator[tuple[int, dict[str, Any]]]:
        kind = self.builder_config.name
        for index, pixels in enumerate(PIXELS[-count:]):
            if kind == "wide":
                yield index, {"scan": pixels[..., :1].astype(np.uint16) * 257}
            elif kind == "float":
                yield index, {"image": pixels[..., :1].astype(np.float32)}
            elif kind == "pairs":
                yield index, {"left": pixels, "right": pixels}
            else:
                image = pixels[: 8 - index % 2] if kind == "uneven" else pixels
                yield index, {"image": image, "species": -1 if kind == "hidden" else index % 2}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folder of each prepared config."""
    root = tmp_path_factory.mktemp("tfds")
    tfds.disable_progress_bar()
    folders = {}
    for config in TinyPets.BUILDER_CONFIGS:
        builder = TinyPets(config=config.name, data_dir=root)
        builder.download_and_prepare()
        folders[config.name] = Path(builder.data_dir)
    return folders


def opened(spec: str, **fields: object) -> Source:
    return open_source(Recipe(data=spec, kimg=1, batch_size=2).replace(**fields))


@pytest.mark.parametrize("memory_mb", [0, 1])
def test_prepared_folder(prepared: dict[str, Path], memory_mb: int) -> None:
    spec = f"tfds:{prepared['even']}"
    source = opened(spec, memory_mb=memory_mb)
    assert (len(source), source.shape, source.attributes) == (24, (8, 8, 3), {"class": ("cat", "dog", "newt")})
    assert source.labels is not None
    assert source.labels.shape == (24, 1)
    assert np.bincount(source.labels[:, 0]).tolist() == [12, 12]
    images = source.read(np.arange(24))
    assert isinstance(images, np.ndarray)
    for pixels, label in zip(images, source.labels[:, 0], strict=True):
        index = np.flatnonzero((PIXELS[-24:] == pixels).all(axis=(1, 2, 3)))
        assert index % 2 == label
    assert source.digest == opened(spec, memory_mb=1 - memory_mb).digest
    unlabelled = opened(spec, conditional=False)
    assert (unlabelled.labels, unlabelled.attributes) == (None, {})


def test_by_name_with_config_version_and_split(prepared: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(prepared["even"].parents[2]))
    assert len(opened("tfds:tiny_pets/even:1.2.3@test")) == 6
    assert len(opened("tfds:tiny_pets/even:1.2.3@train[:50%]")) == 12


def test_resized_and_other_features(prepared: dict[str, Path]) -> None:
    assert opened(f"tfds:{prepared['uneven']}", resolution=(5, 7), channels=1).shape == (5, 7, 1)
    wide = opened(f"tfds:{prepared['wide']}@test")
    assert (wide.shape, wide.labels) == ((8, 8, 1), None)
    assert sorted(map(bytes, wide.read(np.arange(6)))) == sorted(map(bytes, PIXELS[-6:, ..., :1]))


def test_refused(prepared: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"differ in size, .*: set --resolution HxW"):
        opened(f"tfds:{prepared['uneven']}")
    with pytest.raises(DataError, match=r"has pictures of float32; legal: uint8, uint16"):
        opened(f"tfds:{prepared['float']}")
    with pytest.raises(DataError, match=r"not just one other picture .found: left, right."):
        opened(f"tfds:{prepared['pairs']}")
    with pytest.raises(DataError, match=r"hides its labels"):
        opened(f"tfds:{prepared['hidden']}")
    with pytest.raises(DataError, match=r"has no labels and conditional is true"):
        opened(f"tfds:{prepared['wide']}", conditional=True)
    with pytest.raises(DataError, match=r"has no split 'tran': did you mean 'train'. legal: test, train"):
        opened(f"tfds:{prepared['even']}@tran")
    with pytest.raises(DataError, match=r"is no prepared TFDS data set: give the folder that holds dataset_info.json"):
        opened(f"tfds:{tmp_path}")
    with pytest.raises(DataError, match=r"needs the name of a data set"):
        opened("tfds:")


def test_unknown_names() -> None:
    with pytest.raises(DataError, match=r"TFDS has no data set 'fashion_mnis': nearest: fashion_mnist"):
        opened("tfds:fashion_mnis")
    with pytest.raises(DataError, match=r"TFDS cannot open 'mnist/large'"):
        opened("tfds:mnist/large")


def test_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path))
    for variable in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.upper(), raising=False)
    with pytest.raises(
        DataError, match=rf"tfds:fashion_mnist is not prepared in {tmp_path}/.* and could not be downloaded .*Name or"
    ):
        opened("tfds:fashion_mnist")


def test_mock_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [])
    with tfds.testing.mock_data(num_examples=9):
        source = opened("tfds:mnist@test", resolution=(32, 32))
    assert (len(source), source.shape) == (9, (32, 32, 1))
    assert source.attributes == {"class": tuple("0123456789")}


def test_full_disk(prepared: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with pytest.raises(DataError, match=r"spooling it to .* failed .*No space left on device.*: set TMPDIR"):
        opened(f"tfds:{prepared['even']}")
