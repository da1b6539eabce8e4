"""Some hundreds of the damaged models of benchmarks/fuzz_models.py, each opened and sampled in a limited process."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tfgan_kit.export.runtime import as_pictures

FUZZ = Path(__file__).parents[2] / "benchmarks" / "fuzz_models.py"


def fuzz(models, folder, count, first=0):
    command = [sys.executable, FUZZ, *models, "--count", str(count), "--first", str(first), "--keep", folder / "kept"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=400)


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_models_are_answered_by_pictures_or_one_line(exported, tmp_path, count):
    done = fuzz(exported.values(), tmp_path, count)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "0 failures" in done.stdout
    # Both happen, or nothing was tried.
    refused, pictures = (int(re.search(rf"(\d+) {what}", done.stdout).group(1)) for what in ("refused", "pictures"))
    assert refused > count / 3
    assert pictures > count / 50


def test_values_that_are_no_numbers_are_pictures_without_a_warning():
    wild = np.array([np.nan, np.inf, -np.inf, 3e38, -3e38, -1, 0.5, 1], np.float32).reshape(1, 1, 8, 1)
    np.testing.assert_array_equal(as_pictures(wild, "nhwc").ravel(), [128, 255, 0, 255, 0, 0, 191, 255])
