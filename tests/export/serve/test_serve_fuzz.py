"""Requests that schemathesis makes up from the service's own OpenAPI, right and wrong ones.

By hand, against any service: schemathesis run http://127.0.0.1:8000/openapi.json -n 1000
"""

import subprocess
import sys

import pytest

pytest.importorskip("schemathesis")


def fuzz(service, tmp_path, examples, *options):
    """No answer is an error of the server, and each is as the description says."""
    command = [
        sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()", "run",
        f"http://127.0.0.1:{service.port}/openapi.json", "-n", str(examples), "--seed", "1", *options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert "No issues found" in done.stdout
    figures = service.get("/metrics")[2].decode()
    assert 'path="/sample",status="200"' in figures
    assert 'path="/sample",status="422"' in figures
    assert 'status="500"' not in figures


def test_no_answer_is_an_error_of_the_server(models, serving, tmp_path):
    with serving(models["named"]) as service:
        fuzz(service, tmp_path, 20)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "spherical", "named", "several"])
def test_no_answer_is_an_error_of_the_server_at_length(models, serving, tmp_path, kind):
    # Of several attributes a list may set one twice, which no schema can forbid.
    options = ["--exclude-checks", "positive_data_acceptance"] if kind == "several" else []
    with serving(models[kind]) as service:
        fuzz(service, tmp_path, 1000, *options)
