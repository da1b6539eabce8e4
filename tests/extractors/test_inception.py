"""The weights of inception: only those of the right hash, fetched only when asked, kept whole; on a small stand-in."""

import functools
import hashlib
import http.server
import json
import re
import threading

import numpy as np
import pytest
from onnx import TensorProto, helper

from tfgan_kit.errors import DataError, ModelFileError
from tfgan_kit.extractors import inception, open_extractor


def small_network(weights, metadata):
    """In place of the network: features (N, 3) of `images`, times a weight."""
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["float"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("Mul", ["mean", "w"], ["features"]),
            helper.make_node("Identity", ["features"], ["logits"]),
        ],
        "small",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["N", "H", "W", 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 3]) for name in ("features", "logits")],
        [helper.make_tensor("w", TensorProto.FLOAT, [3], weights["w"])],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(proto, dict(metadata))
    return proto.SerializeToString()


@pytest.fixture
def weights(tmp_path, write_pth):
    return write_pth(tmp_path / "weights.pth", {"w": [1.0, 2.0, 3.0]})


@pytest.fixture
def sha256(weights):
    return hashlib.sha256(weights.read_bytes()).hexdigest()


@pytest.fixture(autouse=True)
def stand_in(monkeypatch, tmp_path):
    monkeypatch.setattr(inception, "to_onnx", small_network)
    monkeypatch.setenv("TFGAN_CACHE", str(tmp_path / "cache"))


IMAGES = np.full((2, 4, 5, 3), 10, np.uint8)


def test_the_hash_is_that_of_the_published_weights():
    assert inception.WEIGHTS_SHA256.startswith(re.search(r"-([0-9a-f]{8})\.pth", inception.WEIGHTS_NAME)[1])
    assert len(inception.WEIGHTS_SHA256) == 64
    assert inception.WEIGHTS_URL.startswith("https://")


def test_cache_is_where_the_user_says(monkeypatch, tmp_path):
    assert inception.cached() == tmp_path / "cache" / "extractors" / "inception.onnx"
    monkeypatch.delenv("TFGAN_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert inception.cached() == tmp_path / ".cache" / "tfgan-kit" / "extractors" / "inception.onnx"


def test_without_weights_it_says_what_to_do_and_fetches_nothing(monkeypatch):
    monkeypatch.setattr(inception, "_fetch", None)
    with pytest.raises(DataError, match=r"inception --download` fetches them once .* as inception:FILE"):
        open_extractor("inception")


def test_weights_are_converted_once_and_found_again(weights, sha256, monkeypatch):
    first = inception.open_inception(str(weights), weights_sha256=sha256)
    assert first.name == "inception"
    assert first.resize == "bilinear, in the network (TensorFlow 1, not antialiased)"
    np.testing.assert_array_equal(first.features(IMAGES), [[10, 20, 30]] * 2)
    monkeypatch.setattr(inception, "to_onnx", None)
    for location in ("", str(weights), str(inception.cached())):
        again = inception.open_inception(location, weights_sha256=sha256)
        assert again.digest == first.digest
    assert [path.name for path in inception.cached().parent.iterdir()] == ["inception.onnx"]


def test_refuses_other_weights(weights):
    with pytest.raises(ModelFileError, match=r"weights.pth \(sha256 .*\) is neither pt_inception-2015-12-05"):
        open_extractor(f"inception:{weights}")
    with pytest.raises(ModelFileError, match=r"has the sha256 .* get it again"):
        inception.convert(weights, inception.cached())
    assert not inception.cached().exists()


def test_refuses_a_network_of_other_weights_or_a_damaged_one(weights, sha256, tmp_path):
    out = tmp_path / "mine.onnx"
    inception.convert(weights, out, weights_sha256=sha256)
    with pytest.raises(ModelFileError, match="is neither"):
        open_extractor(f"inception:{out}")
    content = bytearray(out.read_bytes())
    content[content.index(np.float32(2).tobytes())] ^= 1
    out.write_bytes(content)
    with pytest.raises(ModelFileError, match=r"nor a whole \.onnx"):
        inception.open_inception(str(out), weights_sha256=sha256)
    with pytest.raises(ModelFileError, match=r"no\.pth cannot be read"):
        open_extractor(f"inception:{tmp_path / 'no.pth'}")


def test_the_seal_is_metadata_that_onnx_reads(weights, sha256, tmp_path):
    out = tmp_path / "mine.onnx"
    inception.convert(weights, out, weights_sha256=sha256)
    extractor = open_extractor(f"onnx:{out}")
    metadata = extractor._session.get_modelmeta().custom_metadata_map
    assert metadata["tfgan_sha256"] == hashlib.sha256(out.read_bytes()[:-82]).hexdigest()
    assert json.loads(metadata["tfgan_extractor"])["weights_sha256"] == sha256


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path != "/cut":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"too little")


@pytest.fixture
def server(tmp_path):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=tmp_path)) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def test_download_fetches_checks_converts_and_keeps_only_the_network(server, weights, sha256):
    seen = []
    out = inception.cached()
    inception.download(
        out, url=f"{server}/weights.pth", weights_sha256=sha256, progress=lambda *numbers: seen.append(numbers)
    )
    assert seen[-1] == (weights.stat().st_size, weights.stat().st_size)
    assert [path.name for path in out.parent.iterdir()] == ["inception.onnx"]
    np.testing.assert_array_equal(inception.open_inception(weights_sha256=sha256).features(IMAGES), [[10, 20, 30]] * 2)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("weights.pth", "gave a file with the sha256 .* it is not used"),
        ("no.pth", "could not be fetched .HTTP Error 404"),
        ("cut", "could not be fetched .it broke off after 10 of 1,000 bytes"),
    ],
)
def test_a_download_that_fails_leaves_nothing(server, weights, path, words):
    out = inception.cached()
    with pytest.raises(DataError, match=words):
        inception.download(out, url=f"{server}/{path}")
    assert list(out.parent.iterdir()) == []


def test_a_download_from_where_nothing_answers():
    with pytest.raises(DataError, match="could not be fetched"):
        inception.download(inception.cached(), url="http://127.0.0.1:9/weights.pth")


def test_command_converts(weights, sha256, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(inception, "convert", functools.partial(inception.convert, weights_sha256=sha256))
    out = tmp_path / "out" / "mine.onnx"
    inception.main([str(weights), "--out", str(out)])
    assert capsys.readouterr().out == f"{out}\n"
    assert out.is_file()


def test_command_downloads_only_when_told(server, sha256, monkeypatch, capsys):
    url = f"{server}/weights.pth"
    monkeypatch.setattr(inception, "download", functools.partial(inception.download, url=url, weights_sha256=sha256))
    inception.main(["--download"])
    printed = capsys.readouterr()
    assert printed.out == f"{inception.cached()}\n"
    assert "(100%)" in printed.err


@pytest.mark.parametrize("arguments", [[], ["weights.pth", "--download"]])
def test_command_needs_one_of_both(arguments, capsys):
    with pytest.raises(SystemExit, match="2"):
        inception.main(arguments)
    assert "give the .pth, or --download" in capsys.readouterr().err


def test_command_says_in_a_line_what_is_wrong(weights, capsys):
    with pytest.raises(SystemExit, match="1"):
        inception.main([str(weights)])
    assert capsys.readouterr().err.count("\n") == 1
