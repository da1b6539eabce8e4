import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Two processes of tests stand beside each other: a thread each is faster than two that wait for one another.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tfgan_kit.recipe import Recipe


@pytest.fixture(scope="session")
def tiny_recipe():
    """Seconds of work on one core: 8x8 pictures, a handful of channels, nothing jitted."""
    return Recipe(
        kimg=1, z_dim=4, batch_size=4, jit=False, g_width=4, d_width=4, g_start_px=4, d_end_px=4, kernel_px=3,
        g_hidden=(8,), d_hidden=(8,), g_lr=1e-2, d_lr=1e-2,
    )  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def cache_of_its_own(tmp_path_factory):
    """What the tests keep of real pictures stays out of the user's cache; their subprocesses inherit it."""
    before = os.environ.get("TFGAN_CACHE")
    os.environ["TFGAN_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["TFGAN_CACHE"]
    else:
        os.environ["TFGAN_CACHE"] = before
