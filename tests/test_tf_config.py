import json
import socket

import pytest

from tfgan_kit.errors import StrategyError
from tfgan_kit.tf_config import Cluster, bindable, read_tf_config

TWO = ["host0:2222", "host1:2222"]


def text(cluster, task):
    return json.dumps({"cluster": cluster, "task": task})


def test_workers_alone():
    cluster = read_tf_config(text({"worker": TWO}, {"type": "worker", "index": 1}))
    assert cluster.addresses == ("host0:2222", "host1:2222")
    assert cluster.own_address == "host1:2222"
    assert cluster.jobs == {"worker": TWO}


def test_a_chief_comes_first():
    cluster = read_tf_config(text({"worker": TWO, "chief": ["boss:1"]}, {"type": "worker", "index": 0}))
    assert cluster.addresses == ("boss:1", "host0:2222", "host1:2222")
    assert cluster.own_address == "host0:2222"
    assert cluster.jobs == {"chief": ["boss:1"], "worker": TWO}


def test_a_chief_may_be_alone():
    assert read_tf_config(text({"chief": ["boss:1"]}, {"type": "chief", "index": 0})).own_address == "boss:1"


def test_an_index_as_a_word_is_a_number():
    assert read_tf_config(text({"worker": TWO}, {"type": "worker", "index": "1"})).task_index == 1


def test_addresses_of_version_6_are_legal():
    worker = ["[fd00::1]:2222", "[fd00::2]:2222"]
    assert read_tf_config(text({"worker": worker}, {"type": "worker", "index": 1})).own_address == "[fd00::2]:2222"


def test_what_is_written_is_what_is_read():
    cluster = Cluster(workers=("a:1", "b:2"), chief="c:3", task_type="worker", task_index=1)
    assert read_tf_config(cluster.to_tf_config()) == cluster


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "not set"),
        ("{", "no JSON"),
        ("[]", "no JSON object"),
        ('{"cluster": {"worker": ["a:1"]}}', "cluster and task"),
        ('{"task": {"type": "worker", "index": 0}}', "cluster and task"),
        (text({}, {"type": "worker", "index": 0}), "without a process"),
        (text({"worker": []}, {"type": "worker", "index": 0}), "without a process"),
        (text({"worker": TWO, "ps": ["p:1"]}, {"type": "worker", "index": 0}), "'ps'"),
        (text({"worker": "a:1,b:1"}, {"type": "worker", "index": 0}), "list of HOST:PORT"),
        (text({"worker": ["a"]}, {"type": "worker", "index": 0}), "'a' as an address of worker"),
        (text({"worker": ["a:0"]}, {"type": "worker", "index": 0}), "'a:0'"),
        (text({"worker": ["a:70000"]}, {"type": "worker", "index": 0}), "'a:70000'"),
        (text({"worker": ["http://a:1"]}, {"type": "worker", "index": 0}), "'http://a:1'"),
        (text({"worker": [3]}, {"type": "worker", "index": 0}), "3 as an address"),
        (text({"worker": ["a:1", "a:1"]}, {"type": "worker", "index": 0}), "a:1 twice"),
        (text({"worker": ["a:1"], "chief": ["a:1"]}, {"type": "worker", "index": 0}), "a:1 twice"),
        (text({"worker": TWO, "chief": ["c:1", "d:1"]}, {"type": "chief", "index": 0}), "2 chiefs"),
        (text({"worker": TWO}, {"type": "chief", "index": 0}), "task type 'chief'"),
        (text({"worker": TWO}, {}), "task type None"),
        (text({"worker": TWO}, {"type": "worker"}), "task index None"),
        (text({"worker": TWO}, {"type": "worker", "index": 2}), "task index 2: legal are 0 to 1"),
        (text({"worker": TWO}, {"type": "worker", "index": -1}), "task index -1"),
        (text({"worker": TWO}, {"type": "worker", "index": True}), "task index True"),
    ],
)
def test_what_makes_no_sense_is_one_line_with_an_example(content, says):
    with pytest.raises(StrategyError) as raised:
        read_tf_config(content)
    assert says in str(raised.value)
    assert '{"cluster": {"worker": ["host0:2222"' in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_port_in_use_is_told_before_tensorflow_is_asked():
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        port = other.getsockname()[1]
        cluster = Cluster(workers=(f"127.0.0.1:{port}", "b:2"))
        with pytest.raises(StrategyError, match=f"port {port} of this machine is in use"):
            cluster.check_port()
    cluster.check_port()


@pytest.mark.parametrize(
    ("host", "ours"), [("127.0.0.1", True), ("", True), ("203.0.113.77", False), ("no.such.host.invalid", False)]
)
def test_only_addresses_of_this_machine_can_be_listened_at(host, ours):
    assert bindable(host) == ours
