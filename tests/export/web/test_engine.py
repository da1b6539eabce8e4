"""onnxruntime-web: pinned, checked, and asked for in words."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tfgan_kit.errors import MissingPackageError, ModelFileError
from tfgan_kit.export.web import engine

HERE = Path(engine.__file__).parent


def test_the_version_is_that_of_the_lock():
    package = json.loads((HERE / "package.json").read_text())
    lock = json.loads((HERE / "package-lock.json").read_text())
    assert package["dependencies"] == {"onnxruntime-web": engine.VERSION}
    assert lock["packages"]["node_modules/onnxruntime-web"]["version"] == engine.VERSION
    assert engine.VERSION in engine.CDN


@pytest.mark.parametrize("folder", ["export/web", "examples/browser", "examples/node"])
def test_a_lock_has_hashes_and_no_addresses(folder):
    lock = json.loads((HERE.parents[1] / folder / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert len(packages) > 1
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


def test_a_hash_is_that_of_the_standard():
    # echo -n "alert('Hello, world.');" | openssl dgst -sha384 -binary | base64
    expected = "sha384-H8BRh8j48O9oYatfu5AZzq6A9RINhZO5H16dQZngK7T62em8MUt1FLm52t+eX6xO"
    assert engine.integrity(b"alert('Hello, world.');") == expected


def test_npm_gives_it_once(ort_web, monkeypatch):
    names = {file.name for file in engine.engine_files(webgpu=True)}
    assert {path.name for path in ort_web.iterdir()} == names
    assert len({file.name for file in engine.engine_files(webgpu=False)}) == 2
    monkeypatch.setattr(engine, "_from_npm", lambda cached: pytest.fail("fetched again"))
    assert engine.find_engine(None) == ort_web


def test_a_folder_is_taken_where_its_files_are_right(ort_web, tmp_path):
    dist = tmp_path / "node_modules/onnxruntime-web/dist"
    dist.mkdir(parents=True)
    for file in engine.engine_files(webgpu=True):
        shutil.copyfile(ort_web / file.name, dist / file.name)
    assert engine.find_engine(dist) == dist
    assert engine.find_engine(tmp_path) == dist
    module = dist / "ort.wasm.bundle.min.mjs"
    content = module.read_bytes()
    module.unlink()
    module.write_bytes(content[:-1] + b" ")
    with pytest.raises(ModelFileError, match=r"no ort\.wasm\.bundle\.min\.mjs of onnxruntime-web 1\.30\.0"):
        engine.find_engine(dist)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="or take --ort-web cdn"):
        engine.find_engine(tmp_path)


def test_without_npm_the_other_ways_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine.shutil, "which", lambda name: None)
    with pytest.raises(MissingPackageError, match="there is no npm to fetch it: give --ort-web DIR"):
        engine.find_engine(None)


def failed(command, **options):
    return subprocess.CompletedProcess(command, 1, "", "npm error code ENOTFOUND\nnpm error no network\n")


def stuck(command, **options):
    raise subprocess.TimeoutExpired(command, options["timeout"])


def other(command, *, cwd, **options):
    (cwd / "node_modules/onnxruntime-web/dist").mkdir(parents=True)
    return subprocess.CompletedProcess(command, 0, "", "")


@pytest.mark.parametrize(
    ("run", "reason"), [(failed, "npm error no network"), (stuck, "timed out"), (other, "not the known ones")]
)
def test_a_failure_of_npm_leaves_nothing(tmp_path, monkeypatch, run, reason):
    monkeypatch.setenv("TFGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine.shutil, "which", lambda name: "/bin/npm")
    monkeypatch.setattr(engine.subprocess, "run", run)
    with pytest.raises(MissingPackageError, match=reason):
        engine.find_engine(None)
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("TFGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine.shutil, "which", lambda name: "/bin/npm")
    with pytest.raises(MissingPackageError, match=r"cannot be kept in .*cache .*: set TFGAN_CACHE .* --ort-web DIR"):
        engine.find_engine(None)


def test_another_process_is_first(ort_web, tmp_path, monkeypatch):
    monkeypatch.setenv("TFGAN_CACHE", str(tmp_path))

    def late(cached):
        cached.mkdir()
        for file in engine.engine_files(webgpu=True):
            shutil.copyfile(ort_web / file.name, cached / file.name)
        raise OSError(39, "Directory not empty")

    monkeypatch.setattr(engine, "_from_npm", late)
    assert engine.find_engine(None) == tmp_path / ort_web.name
