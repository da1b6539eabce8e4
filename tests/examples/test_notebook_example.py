"""The notebook, run from the first cell to the last; what it shows in the repository is what it shows here."""

import base64
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.export import Sampler
from tfgan_kit.training.run_folder import DataFacts, RunFolder

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
manager = pytest.importorskip("jupyter_client.manager")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples/notebook.ipynb"
MODEL = ROOT / "artifacts/gallery/mnist/generator.onnx"


@pytest.fixture(scope="module")
def committed():
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The notebook's cells with their outputs, in a folder as the repository is, with a run."""
    tree = tmp_path_factory.mktemp("tree")
    (tree / "examples").mkdir()
    (tree / "artifacts/gallery/mnist").mkdir(parents=True)
    (tree / "artifacts/gallery/mnist/generator.onnx").write_bytes(MODEL.read_bytes())
    from tfgan_kit.recipes import RECIPES

    facts = DataFacts(spec="mnist", images=60000, shape=(28, 28, 1), attributes={}, digest="0123")
    run = RunFolder(tree / "artifacts/0007-tiny")
    run.path.mkdir()
    run.create(RECIPES["mnist"].recipe, facts, "mnist")

    notebook = nbformat.read(NOTEBOOK, as_version=4)
    # This very Python, whatever kernels are installed on the machine.
    kernel = manager.AsyncKernelManager(kernel_name="python3")
    kernel.kernel_spec.argv[0] = sys.executable
    client = nbclient.NotebookClient(
        notebook, km=kernel, timeout=120, resources={"metadata": {"path": str(tree / "examples")}}
    )
    # A kernel that is given is not ended otherwise, nor are its sockets closed.
    client.execute(cleanup_kc=True)
    return notebook


def outputs(notebook):
    """What each cell of code shows, by type."""
    return [[output["data"] for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def picture(data):
    with Image.open(io.BytesIO(base64.b64decode(data["image/png"]))) as opened:
        return np.asarray(opened).astype(int)


def test_every_cell_runs_and_shows_one_thing(executed):
    assert all(len(shown) == 1 for shown in outputs(executed))
    assert all(output.output_type == "execute_result" for cell in executed.cells for output in cell.get("outputs", []))


def test_the_sampler_and_the_run_show_themselves(executed):
    first, *_, last = (shown[0] for shown in outputs(executed))
    assert base64.b64decode(first["image/png"]) == Sampler(MODEL)._repr_png_()
    assert "data:image/png" in first["text/html"]
    assert "0007-tiny" in last["text/html"]


def test_what_is_committed_is_what_comes_out(committed, executed):
    *known, _ = outputs(committed)
    *found, _ = outputs(executed)
    assert len(known) == len(found) >= 6
    for (before,), (after,) in zip(known, found, strict=True):
        assert before["text/plain"] == after["text/plain"]
        if "image/png" in before:
            # Machines round to neighbouring grey levels.
            assert np.abs(picture(before) - picture(after)).max() <= 1


def test_the_file_is_small_and_says_nothing_of_a_machine(committed):
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 200_000
    assert "/home/" not in text
    assert "/tmp/" not in text
    assert [cell.execution_count for cell in committed.cells if cell.cell_type == "code"] == [1, 2, 3, 4, 5, 6, 7]


def test_it_needs_no_tensorflow():
    assert "tensorflow" not in NOTEBOOK.read_text(encoding="utf-8").lower().replace("nothing here needs tensorflow", "")
