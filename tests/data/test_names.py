import random
import threading

import pytest

from tfgan_kit.data import names as module
from tfgan_kit.data.names import Names


def test_names_are_sorted_as_a_list_of_them_is(monkeypatch):
    monkeypatch.setattr(module, "_RUN", 7)
    given = [f"{i % 13}/{i * 7919 % 1000:03}.png" for i in range(100)] + ["ä.png", "z\n.png", "", "字.png", "a b.png"]
    random.Random(0).shuffle(given)
    names = Names(iter(given))
    assert list(names) == sorted(given)
    assert [names[i] for i in range(len(names))] == sorted(given)
    assert names[3:9] == sorted(given)[3:9]
    assert names[-1] == max(given)
    assert all(name in names for name in given)
    assert "12/9999.png" not in names
    assert 3 not in names
    with pytest.raises(IndexError):
        names[len(given)]


def test_no_names():
    assert list(Names([])) == []
    assert "a" not in Names([])


def test_names_of_a_file_system_that_are_no_utf8_come_back():
    odd = b"\xff\xfe.png".decode(errors="surrogateescape")
    assert list(Names([odd])) == [odd]


def test_threads_read_beside_each_other():
    given = [f"{i:05}" for i in range(3000)]
    names, wrong = Names(given), []

    def read(seed: int) -> None:
        order = random.Random(seed).sample(range(3000), 500)
        wrong.extend(i for i in order if names[i] != given[i])

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
