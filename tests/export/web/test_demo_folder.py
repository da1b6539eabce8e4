"""The folder of a demo, and its server; onnxruntime-web is left at its public address."""

import http.client
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tfgan_kit.errors import ModelFileError, SampleError
from tfgan_kit.export.web import folder as demo_folder
from tfgan_kit.export.web import serving, write_demo
from tfgan_kit.export.web.engine import CDN

GALLERY = Path(__file__).parents[3] / "artifacts/gallery/mnist/generator.onnx"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return write_demo(GALLERY, tmp_path_factory.mktemp("demo") / "page", ort_web="cdn")


def test_everything_that_the_page_names_is_there(demo):
    files = {path.name for path in demo_folder.PAGE.iterdir()} | {"demo.json", "generator.onnx"}
    assert set(demo.files) == files
    assert demo.size == sum((demo.folder / name).stat().st_size for name in files)
    assert (demo.folder / "generator.onnx").read_bytes() == GALLERY.read_bytes()
    page = (demo.folder / "index.html").read_text()
    scripts = "".join(path.read_text() for path in demo.folder.glob("*.js"))
    for name in files - {"index.html"}:
        assert f'"{name}"' in page or f'"./{name}"' in scripts or f'"{name}"' in scripts + json.dumps(about(demo)), name


def about(demo):
    return json.loads((demo.folder / "demo.json").read_text())


def test_a_page_of_a_public_address_may_load_from_there_alone(demo):
    page = (demo.folder / "index.html").read_text()
    assert f"connect-src 'self' {CDN};" in page
    assert "script-src 'self' blob: 'wasm-unsafe-eval';" in page
    assert page.count("https://") == 1
    assert about(demo)["engine"]["base"] == CDN
    for build in about(demo)["engine"]["builds"].values():
        assert all(file["integrity"].startswith("sha384-") for file in build.values())


def test_the_page_itself_names_no_other_host():
    for path in demo_folder.PAGE.iterdir():
        text = path.read_text().replace("http://localhost:8000", "")
        assert "://" not in text, path


def test_a_demo_is_replaced_and_nothing_else_is(demo, tmp_path):
    out = tmp_path / "page"
    out.mkdir()
    write_demo(GALLERY, out, ort_web="cdn")
    (out / "old.js").write_text("")
    write_demo(GALLERY, out, ort_web="cdn", webgpu=False)
    assert not (out / "old.js").exists()
    assert list(json.loads((out / "demo.json").read_text())["engine"]["builds"]) == ["wasm"]
    assert [path.name for path in tmp_path.iterdir()] == ["page"]
    (out / "demo.json").unlink()
    with pytest.raises(SampleError, match="holds other files than a demo"):
        write_demo(GALLERY, out, ort_web="cdn")
    with pytest.raises(SampleError, match="is a file: name a folder"):
        write_demo(GALLERY, out / "index.html", ort_web="cdn")


def test_a_folder_that_is_there_stays(demo, tmp_path, monkeypatch):
    (tmp_path / "page").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "page")
    monkeypatch.chdir(tmp_path / "page")
    here = Path().stat().st_ino
    for out in (Path(), tmp_path / "link", tmp_path / "page"):
        assert set(write_demo(GALLERY, out, ort_web="cdn").files) == set(demo.files)
        (out / "old").mkdir()
    assert Path().stat().st_ino == here
    assert (tmp_path / "link").is_symlink()
    assert {path.name for path in tmp_path.iterdir()} == {"page", "link"}


def test_a_failure_leaves_what_was_there(demo, tmp_path, monkeypatch):
    out = write_demo(GALLERY, tmp_path / "page", ort_web="cdn").folder
    before = (out / "demo.json").read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(demo_folder, "_allow", full)
    with pytest.raises(SampleError, match="cannot be written: No space left on device; give another --out"):
        write_demo(GALLERY, out, ort_web="cdn")
    assert (out / "demo.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["page"]


def test_a_mapping_goes_along_or_is_missed(tmp_path):
    tiny_models = pytest.importorskip("tiny_models", reason="no onnx", exc_type=ImportError)
    model = tiny_models.write_tiny(tmp_path / "tiny.onnx", inputs="w")
    demo = write_demo(model, tmp_path / "page", ort_web="cdn")
    assert (demo.folder / "generator.mapping.onnx").read_bytes() == (tmp_path / "tiny.mapping.onnx").read_bytes()
    (tmp_path / "tiny.mapping.onnx").unlink()
    with pytest.raises(ModelFileError, match=r"tiny\.mapping\.onnx"):
        write_demo(model, tmp_path / "page", ort_web="cdn")


def answer(address, path, method="GET"):
    host = urlsplit(address)
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=30)
    connection.request(method, path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_the_server(demo):
    with serving(demo.folder) as address:
        assert address.startswith("http://127.0.0.1:")
        kinds = {"/": "text/html", "/app.js": "text/javascript", "/style.css": "text/css",
                 "/generator.onnx": "application/octet-stream", "/demo.json": "application/json"}  # fmt: skip
        for path, kind in kinds.items():
            response, body = answer(address, path)
            assert response.status == 200
            assert response.headers["Content-Type"].startswith(kind)
            assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert response.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
            # The worker's policy is that of its own answer.
            assert f"connect-src 'self' {CDN};" in response.headers["Content-Security-Policy"]
            assert body == (demo.folder / (path[1:] or "index.html")).read_bytes()
        for path in ("/nothing", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd"):
            assert answer(address, path)[0].status == 404
        (demo.folder / "empty").mkdir()
        assert answer(address, "/empty/")[0].status == 404
        port = urlsplit(address).port
        with pytest.raises(SampleError, match=f"port {port} cannot be had"), serving(demo.folder, port):
            pass
    with pytest.raises(ConnectionRefusedError):
        answer(address, "/")
