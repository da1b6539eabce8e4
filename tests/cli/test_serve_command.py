"""`tfgan serve`: from the command line to a picture, and to a clean end."""

import http.client
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tfgan_kit.cli.main import app
from tfgan_kit.errors import MissingPackageError, ModelFileError, SampleError, ServeError
from tfgan_kit.export import Sampler
from tfgan_kit.export.serve import server

MODEL = Path(__file__).parents[2] / "artifacts/gallery/mnist/generator.onnx"


def run_cli(*args):
    result = CliRunner().invoke(app, ["serve", *map(str, args)], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return result


@pytest.fixture
def not_served(monkeypatch):
    """What would be served, instead of serving it."""
    calls = []
    monkeypatch.setattr(server, "run_server", lambda served, listener: (calls.append(listener), listener.close()))
    return calls


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 0), ("SIGTERM", -15)])
def test_a_picture_and_a_clean_end(name, code):
    program = "from tfgan_kit.cli.main import run; run()"
    command = [sys.executable, "-c", program, "serve", str(MODEL), "--port", "0", "--threads", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            port = int(re.search(r" at http://127\.0\.0\.1:(\d+) ", line).group(1))
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/sample?seed=3&format=npy")
            content = connection.getresponse().read()
            connection.close()
            assert content.endswith(Sampler(MODEL, threads=1).sample([3]).tobytes())
            process.send_signal(getattr(signal, name))
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == code
    assert err == ""
    assert out == ("stopped\n" if name == "SIGINT" else "")


def test_a_run_folder_is_its_model(not_served):
    result = run_cli(MODEL.parent, "--port", 0)
    assert f"serving {MODEL} at http://127.0.0.1:" in result.stdout
    assert "warning" not in result.stderr
    assert len(not_served) == 1


def test_without_a_model_the_newest_one(not_served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFileError, match="tfgan export --onnx"):
        run_cli("--port", 0)
    (tmp_path / "artifacts/0001-mnist").mkdir(parents=True)
    (tmp_path / "artifacts/0001-mnist/generator.onnx").write_bytes(MODEL.read_bytes())
    assert "serving artifacts/0001-mnist/generator.onnx at" in run_cli("--port", 0).stdout


def test_other_machines_are_warned_of(not_served):
    result = run_cli(MODEL, "--port", 0, "--host", "0.0.0.0")
    assert result.stderr == "warning: 0.0.0.0 is reached by other machines, without encryption or passwords\n"


def test_a_port_that_is_taken(not_served):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServeError, match=rf"127\.0\.0\.1 port {port} cannot be had .*: give another --port"):
            run_cli(MODEL, "--port", port)
    assert not not_served


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["no.onnx"], ModelFileError, "there is no model file"),
        ([__file__], ModelFileError, "test_serve_command.py"),
        ([MODEL, "--host", "256.0.0.1"], ServeError, "no address '256.0.0.1' here"),
        ([MODEL, "--max-n", 64, "--queue", 63], SampleError, "--queue 63 would refuse a request of --max-n 64"),
    ],
)
def test_what_cannot_be_served(not_served, arguments, error, message):
    with pytest.raises(error, match=message):
        run_cli(*arguments, "--port", 0) if "--port" not in arguments else run_cli(*arguments)
    assert not not_served


def test_without_the_packages(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("tfgan_kit.export.serve.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fastapi", None)
    with pytest.raises(MissingPackageError, match=r"serving needs fastapi: pip install 'tfgan-kit\[serve\]'"):
        run_cli(MODEL)


def test_hosts_and_addresses():
    for host, known in (("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)):
        with server.bind(host, 0) as listener:
            assert server.is_loopback(listener) == known
            assert bool(server.hosts_of(listener, host)) == known
            assert server.url_of(listener).startswith("http://")
