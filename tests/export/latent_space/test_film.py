"""Films: the frames that go in are the frames that come out, at the speed that was asked for."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.errors import MissingPackageError, SampleError
from tfgan_kit.export.latent_space import film
from tfgan_kit.export.latent_space.film import check_film, durations_ms, write_film


def frames(count, channels=1, shape=(6, 9)):
    rng = np.random.default_rng(0)
    return list(rng.integers(0, 256, (count, *shape, channels), dtype=np.uint8))


def played(path):
    with Image.open(path) as picture:
        for i in range(picture.n_frames):
            picture.seek(i)
            yield np.asarray(picture.convert("RGB")), picture.info.get("duration")


def pixels(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_film_shows_its_frames_for_ever(tmp_path, suffix, channels):
    given = frames(7, channels)
    out = tmp_path / f"x{suffix}"
    assert write_film(iter(given), out, fps=12.5) == 7
    shown = list(played(out))
    assert len(shown) == 7
    for frame, (seen, duration) in zip(given, shown, strict=True):
        np.testing.assert_array_equal(seen, np.broadcast_to(frame, (6, 9, 3)))
        assert duration == 80
    with Image.open(out) as picture:
        assert picture.info["loop"] == 0


@pytest.mark.parametrize("suffix", [".GIF", ".WebP", ".PNG"])
def test_a_suffix_in_capitals_is_the_same(tmp_path, suffix):
    paths = [tmp_path / f"x{suffix}", tmp_path / f"y{suffix.lower()}"]
    for out in paths:
        assert write_film(frames(3), out, fps=20) == 3
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with pytest.raises(SampleError, match="at most 50"):
        check_film(tmp_path / "x.GIF", 60)


def test_zoom_makes_squares_of_pixels(tmp_path):
    (given,) = frames(1)
    write_film([given], tmp_path / "x.gif", zoom=3)
    ((seen, _),) = played(tmp_path / "x.gif")
    np.testing.assert_array_equal(seen[..., 0], np.kron(given[..., 0], np.ones((3, 3), np.uint8)))


def test_durations_add_up():
    assert durations_ms(6, 30, 10) == [30, 40, 30, 30, 40, 30]
    for fps in (7, 12, 24, 29.97, 50):
        for unit in (1, 10):
            assert sum(durations_ms(500, fps, unit)) == pytest.approx(500_000 / fps, abs=unit)


def test_a_sheet_and_a_folder(tmp_path):
    given = frames(5, 3)
    assert write_film(iter(given), tmp_path / "x.png", columns=3) == 5
    sheet = pixels(tmp_path / "x.png")
    assert sheet.shape == (2 * 6 + 2, 3 * 9 + 4, 3)
    np.testing.assert_array_equal(sheet[8:14, 11:20], given[4])
    assert write_film(iter(given), tmp_path / "new" / "frames") == 5
    files = sorted((tmp_path / "new" / "frames").iterdir())
    assert [file.name for file in files] == [f"frame-{i:05d}.png" for i in range(5)]
    np.testing.assert_array_equal(pixels(files[3]), given[3])


@pytest.mark.parametrize("channels", [1, 3])
def test_an_mp4_shows_its_frames(tmp_path, channels):
    pytest.importorskip("imageio_ffmpeg")
    # Slow changes, for the format is not exact; and an odd size, which it does not have.
    y, x = np.mgrid[:33, :41]
    given = [np.repeat((y + x + 4 * i)[..., None].astype(np.uint8), channels, axis=2) for i in range(9)]
    assert write_film(iter(given), tmp_path / "x.mp4", fps=25) == 9
    command = [film.find_ffmpeg(), "-i", tmp_path / "x.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    seen = np.frombuffer(done.stdout, np.uint8).reshape(-1, 34, 42, 3)
    assert len(seen) == 9
    assert np.abs(seen[:, :33, :41].astype(int) - np.stack(given)).max() <= 12
    for word in (b"h264", b"yuv420p", b"42x34", b"25 fps"):
        assert word in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]


def test_without_ffmpeg_an_mp4_is_refused_and_others_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPackageError, match=r"pip install 'tfgan-kit\[video\]', or write a \.webp or \.gif"):
        check_film(tmp_path / "x.mp4", 30)
    check_film(tmp_path / "x.gif", 30)


def test_an_ffmpeg_of_the_path_is_taken_and_its_failure_is_one_line(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho no such encoder >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert film.find_ffmpeg() == str(program)
    with pytest.raises(SampleError, match=r"ffmpeg cannot write .*no such encoder"):
        write_film(iter(frames(400, 3, (64, 64))), tmp_path / "x.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["ffmpeg"]


@pytest.mark.parametrize(("name", "fps"), [("x.gif", 51), ("x.gif", 0), ("x.webp", 241), ("x.mp4", -1), ("x", np.nan)])
def test_impossible_speeds_are_refused(tmp_path, name, fps):
    with pytest.raises(SampleError, match="pictures a second"):
        check_film(tmp_path / name, fps)


@pytest.mark.parametrize("name", ["x.gif", "x.mp4", "x.png"])
def test_a_film_that_breaks_off_leaves_nothing(tmp_path, name):
    if name == "x.mp4":
        pytest.importorskip("imageio_ffmpeg")

    def broken():
        yield from frames(2)
        raise RuntimeError("model gone")

    with pytest.raises(RuntimeError, match="model gone"):
        write_film(broken(), tmp_path / name)
    assert not list(tmp_path.iterdir())
