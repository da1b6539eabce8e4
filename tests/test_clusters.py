import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

from tfgan_kit import clusters
from tfgan_kit.clusters import SLURM, ClusterName, find_cluster, parse_cluster
from tfgan_kit.errors import MissingPackageError, StrategyError

HERE, ELSEWHERE, THERE = "10.1.0.2", "10.1.0.1", "10.1.0.3"


@pytest.fixture(autouse=True)
def one_address(monkeypatch):
    monkeypatch.setattr(clusters, "bindable", lambda host: host == HERE)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tf_config", ClusterName(kind="tf_config")),
        ("slurm", ClusterName(kind="slurm")),
        ("kubernetes:app=gan,run=3", ClusterName(kind="kubernetes", what="app=gan,run=3")),
        ("kubernetes:app=gan@4", ClusterName(kind="kubernetes", what="app=gan", workers=4)),
        ("gce:my-project/us-west1-a/gans", ClusterName(kind="gce", what="my-project/us-west1-a/gans")),
        ("gce:p/z/g@8", ClusterName(kind="gce", what="p/z/g", workers=8)),
    ],
)
def test_names_of_clusters(text, name):
    assert parse_cluster(text, {}) == name


@pytest.mark.parametrize(
    "text", ["", "k8s", "slurm:x", "kubernetes", "kubernetes:", "kubernetes:a=b@", "kubernetes:a=b@0", "kubernetes:a@x",
             "kubernetes:@3", "gce:", "gce:p/z", "gce:p//g", "gce:p/z/g/h"]
)  # fmt: skip
def test_other_names_are_refused_with_the_legal_ones(text):
    with pytest.raises(StrategyError, match=r"legal: auto, tf_config, slurm, kubernetes:SELECTOR"):
        parse_cluster(text, {})


def test_auto_takes_tf_config_then_slurm():
    slurm = dict.fromkeys(SLURM, "1")
    assert parse_cluster("auto", {"TF_CONFIG": "{}"} | slurm).kind == "tf_config"
    assert parse_cluster("auto", slurm).kind == "slurm"


@pytest.mark.parametrize("environment", [{}, {"TF_CONFIG": ""}, {"SLURM_PROCID": "0"}])
def test_auto_without_a_cluster_says_how_to_have_one(environment):
    with pytest.raises(StrategyError, match=r"tfgan launch --workers N -- train"):
        parse_cluster("auto", environment)


def test_tf_config_is_found(monkeypatch):
    monkeypatch.setenv(
        "TF_CONFIG", json.dumps({"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}})
    )
    assert find_cluster(ClusterName(kind="tf_config")).own_address == "b:2"


def srun(monkeypatch, nodes, tasks, node, local, total=2, job=7):
    for name, value in {
        "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": total, "SLURM_STEP_NODELIST": nodes,
        "SLURM_STEP_TASKS_PER_NODE": tasks, "SLURMD_NODENAME": node, "SLURM_LOCALID": local, "SLURM_JOB_ID": job,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(value))
    return find_cluster(ClusterName(kind="slurm"))


def test_slurm_without_gpus(monkeypatch):
    cluster = srun(monkeypatch, "n[1-2]", "1(x2)", "n2", 0)
    assert cluster.workers == ("n1:10112", "n2:10112")
    assert cluster.own_address == "n2:10112"


def test_slurm_finds_its_place_where_nodes_do_not_sort_as_words(monkeypatch):
    places = [srun(monkeypatch, "n[9-10]", "1(x2)", node, 0) for node in ("n9", "n10")]
    assert [place.own_address for place in places] == ["n9:10112", "n10:10112"]
    assert places[0].workers == places[1].workers
    assert {place.task_index for place in places} == {0, 1}


def test_slurm_with_several_tasks_a_node(monkeypatch):
    places = [srun(monkeypatch, "a,b", "2,1", node, local, total=3) for node, local in (("a", 0), ("a", 1), ("b", 0))]
    assert [place.own_address for place in places] == ["a:10112", "a:10113", "b:10112"]
    assert sorted(place.task_index for place in places) == [0, 1, 2]


def test_slurm_leaves_the_gpus_that_it_bound(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    srun(monkeypatch, "n[1-2]", "1(x2)", "n1", 0)
    assert clusters.os.environ["CUDA_VISIBLE_DEVICES"] == "3"


def test_two_jobs_on_a_node_have_ports_of_their_own(monkeypatch):
    ports = {srun(monkeypatch, "n[1-2]", "1(x2)", "n1", 0, job=job).own_address for job in range(100, 104)}
    assert len(ports) == 4


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"SLURM_LOCALID": None}, "SLURM_LOCALID is not set"),
        ({"SLURM_STEP_NODELIST": "n[1-"}, "make no cluster"),
        ({"SLURM_STEP_NUM_TASKS": "5"}, "make no cluster"),
        ({"SLURMD_NODENAME": "m1"}, "has no m1"),
    ],
)
def test_slurm_that_makes_no_sense(monkeypatch, changes, says):
    srun(monkeypatch, "n[1-2]", "1(x2)", "n1", 0)
    for name, value in changes.items():
        monkeypatch.delenv(name) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(StrategyError, match=says) as raised:
        find_cluster(ClusterName(kind="slurm"))
    assert "srun" in str(raised.value)


def pod(name, address, phase="Running"):
    return SimpleNamespace(
        metadata=SimpleNamespace(name=name),
        status=SimpleNamespace(phase=phase, pod_ip=address, host_ip="10.0.0.1"),
    )


@pytest.fixture
def kubernetes(monkeypatch):
    """A cluster whose pods are what `answers` gives, one after the other; the last one stays."""
    monkeypatch.setattr(clusters, "_POLL_SEC", 0.01)
    asked = []
    package = ModuleType("kubernetes")
    package.answers = []

    class Api:
        def list_namespaced_pod(self, namespace, label_selector):
            asked.append((namespace, label_selector))
            return SimpleNamespace(items=package.answers[min(len(asked), len(package.answers)) - 1])

    package.client = SimpleNamespace(CoreV1Api=Api)
    package.config = SimpleNamespace(load_incluster_config=lambda: None, ConfigException=OSError)
    package.asked = asked
    monkeypatch.setitem(sys.modules, "kubernetes", package)
    return package


def test_kubernetes_takes_the_addresses_of_the_pods(kubernetes):
    kubernetes.answers = [[pod("gan-1-x", HERE), pod("gan-0-y", ELSEWHERE)]]
    cluster = find_cluster(ClusterName(kind="kubernetes", what="app=gan"))
    assert cluster.workers == (f"{ELSEWHERE}:8470", f"{HERE}:8470")
    assert cluster.own_address == f"{HERE}:8470"
    assert kubernetes.asked == [("default", "app=gan")]


def test_kubernetes_waits_for_pods_that_start(kubernetes):
    both = [pod("gan-0", HERE), pod("gan-1", ELSEWHERE)]
    starting = [pod("gan-0", HERE), pod("gan-1", None, "Pending")]
    kubernetes.answers = [[], both[:1], starting, both, [*both, pod("gan-2", THERE)]]
    assert len(find_cluster(ClusterName(kind="kubernetes", what="app=gan", workers=3)).workers) == 3
    assert len(kubernetes.asked) == 5


@pytest.mark.parametrize(
    ("workers", "says"),
    [(None, "has 1 .* after 0 s, and at least 2"), (3, "has 1 .*, and 3 are wanted")],
)
def test_kubernetes_gives_up(kubernetes, workers, says):
    kubernetes.answers = [[pod("gan-0", HERE)]]
    with pytest.raises(StrategyError, match=says):
        find_cluster(ClusterName(kind="kubernetes", what="app=gan", workers=workers), wait_sec=0.05)


def test_kubernetes_says_which_pod_does_not_run(kubernetes):
    kubernetes.answers = [[pod("gan-0", HERE), pod("gan-1", None, "Pending")]]
    with pytest.raises(StrategyError, match=r'Pod "gan-1" is not running; phase: "Pending"'):
        find_cluster(ClusterName(kind="kubernetes", what="app=gan"), wait_sec=0.05)


def test_kubernetes_of_other_machines(kubernetes):
    kubernetes.answers = [[pod("gan-0", ELSEWHERE), pod("gan-1", THERE)]]
    with pytest.raises(StrategyError, match="none of them is of this machine"):
        find_cluster(ClusterName(kind="kubernetes", what="app=gan"))


def test_kubernetes_outside_a_pod(kubernetes):
    def refuse():
        raise OSError("Service host/port is not set.")

    kubernetes.config.load_incluster_config = refuse
    with pytest.raises(StrategyError, match=r"not in a pod .*Service host/port"):
        find_cluster(ClusterName(kind="kubernetes", what="app=gan"))


@pytest.mark.parametrize(
    ("kind", "module", "what"), [("kubernetes", "kubernetes", "app=gan"), ("gce", "googleapiclient", "p/z/g")]
)
def test_a_client_that_is_not_installed(monkeypatch, kind, module, what):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError, match=r"pip install 'tfgan-kit\[cluster\]'"):
        find_cluster(ClusterName(kind=kind, what=what))


def test_the_real_client_of_kubernetes_has_the_same_names():
    client = pytest.importorskip("kubernetes.client")
    status = client.V1PodStatus(pod_ip=HERE, host_ip=ELSEWHERE, phase="Running")
    assert (status.pod_ip, status.host_ip, status.phase) == (HERE, ELSEWHERE, "Running")
    assert callable(client.CoreV1Api.list_namespaced_pod)
    assert issubclass(pytest.importorskip("kubernetes.config").ConfigException, Exception)


def compute_engine(monkeypatch, *answers):
    """Compute Engine's own client, which gets these answers."""
    discovery = pytest.importorskip("googleapiclient.discovery")
    from googleapiclient.http import HttpMockSequence

    http = HttpMockSequence([({"status": "200"}, json.dumps(answer)) for answer in answers])
    service = discovery.build("compute", "v1", http=http, static_discovery=True)
    monkeypatch.setattr(discovery, "build", lambda *_: service)
    return http


def test_compute_engine_takes_the_addresses_of_the_group(monkeypatch):
    http = compute_engine(
        monkeypatch,
        {"items": [{"instance": "zones/z/instances/b"}, {"instance": "zones/z/instances/a"}]},
        {"networkInterfaces": [{"networkIP": HERE}]},
        {"networkInterfaces": [{"networkIP": ELSEWHERE}]},
    )
    cluster = find_cluster(ClusterName(kind="gce", what="my-project/my-zone/gans", workers=2))
    assert cluster.workers == (f"{ELSEWHERE}:8470", f"{HERE}:8470")
    assert cluster.task_index == 1
    assert "/projects/my-project/zones/my-zone/instanceGroups/gans/listInstances" in http.request_sequence[0][0]


def test_compute_engine_without_credentials(monkeypatch):
    discovery = pytest.importorskip("googleapiclient.discovery")
    exceptions = pytest.importorskip("google.auth.exceptions")

    def refuse(*_):
        raise exceptions.DefaultCredentialsError("no credentials were found")

    monkeypatch.setattr(discovery, "build", refuse)
    with pytest.raises(StrategyError, match="no credentials for Compute Engine"):
        find_cluster(ClusterName(kind="gce", what="p/z/g"))
