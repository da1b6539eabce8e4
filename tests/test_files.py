"""Files are whole or not there, and the cache is the user's own."""

import pytest

from tfgan_kit.files import cache_folder, write_atomic, write_json


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    file = tmp_path / "file.json"
    write_json(file, {"a": 1})

    def half(path):
        path.write_text("half")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        write_atomic(file, half)
    assert file.read_text() == '{\n  "a": 1\n}\n'
    assert list(tmp_path.iterdir()) == [file]


def test_cache_folder_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.setenv("TFGAN_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("TFGAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "there"))
    assert cache_folder() == tmp_path / "there" / "tfgan-kit"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder().parts[-2:] == (".cache", "tfgan-kit")
