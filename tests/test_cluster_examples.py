"""examples/cluster: what linters, schemas and dry runs with stand-ins for srun and tfgan can say of it."""

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tfgan_kit.cli.train import train
from tfgan_kit.clusters import parse_cluster
from tfgan_kit.strategy import check_strategy
from tfgan_kit.tf_config import read_tf_config

yaml = pytest.importorskip("yaml")

EXAMPLES = Path(__file__).parents[1] / "examples" / "cluster"
SLURM = EXAMPLES / "slurm.sh"
MANIFESTS = {each["kind"]: each for each in yaml.safe_load_all((EXAMPLES / "kubernetes.yaml").read_text("utf-8"))}
POD = MANIFESTS["Job"]["spec"]["template"]
CONTAINER = POD["spec"]["containers"][0]
pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def stand_in(folder, name):
    """A program that tells its arguments and TF_CONFIG."""
    program = folder / name
    program.write_text(
        f"#!{sys.executable}\nimport json, os, sys\nprint(json.dumps([sys.argv[1:], os.environ.get('TF_CONFIG')]))\n"
    )
    program.chmod(0o755)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def check_train(words):
    """That a command line is one that `tfgan train` takes, and its values of --strategy and --cluster."""
    assert words[:2] == ["tfgan", "train"]
    options = {words[i]: words[i + 1] for i in range(len(words) - 1) if words[i].startswith("--")}
    assert {name.removeprefix("--") for name in options} <= set(inspect.signature(train).parameters)
    return options["--strategy"], options["--cluster"]


def test_the_batch_script_passes_the_linter():
    linter = shutil.which("shellcheck") or shutil.which("shellcheck", path=Path(sys.executable).parent)
    if linter is None:
        pytest.skip("shellcheck is not installed")
    done = subprocess.run([linter, SLURM], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_batch_script_is_bash_with_options_of_sbatch():
    assert subprocess.run(["bash", "-n", SLURM], capture_output=True, check=False).returncode == 0
    options = re.findall(r"^#SBATCH --([a-z-]+)(?:=\S+)?$", SLURM.read_text(), re.MULTILINE)
    assert {"nodes", "ntasks-per-node", "time", "signal", "requeue"} <= set(options)
    assert len(options) == SLURM.read_text().count("#SBATCH")


@pytest.mark.parametrize(
    ("environment", "folder"), [({}, "artifacts/slurm"), ({"RUN": "/scratch/run 1"}, "/scratch/run 1")]
)
def test_the_batch_script_starts_train_on_all_nodes(tmp_path, environment, folder):
    done = subprocess.run(
        ["bash", SLURM, "mnist", "--minutes", "60"], env=stand_in(tmp_path, "srun") | environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (option, *words), _ = json.loads(done.stdout)
    assert option == "--kill-on-bad-exit=1"
    assert words[2:5] == ["mnist", "--minutes", "60"]
    assert words[words.index("--out") + 1] == folder
    strategy, cluster = check_train(words)
    assert (strategy, parse_cluster(cluster).kind) == ("multiworker", "slurm")
    check_strategy(strategy, cluster)


@pytest.mark.parametrize("version", ["1.31", None])
def test_the_manifests_pass_kubernetes_own_schemas(version):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    for manifest in MANIFESTS.values():
        kubernetes_validate.validate(manifest, version or kubernetes_validate.latest_version(), strict=True)


def test_the_schemas_would_find_a_mistake():
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    wrong = json.loads(json.dumps(MANIFESTS["Job"]))
    wrong["spec"]["completion"] = wrong["spec"].pop("completions")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("index", [0, 1])
def test_each_pod_finds_itself_in_one_cluster(tmp_path, index):
    workers = {each["name"]: each["value"] for each in CONTAINER["env"]}["WORKERS"]
    done = subprocess.run(
        [*CONTAINER["command"], *CONTAINER["args"]], capture_output=True, text=True, check=True,
        env=stand_in(tmp_path, "tfgan") | {"WORKERS": workers, "JOB_COMPLETION_INDEX": str(index)},
    )  # fmt: skip
    words, config = json.loads(done.stdout)
    cluster = read_tf_config(config)
    assert cluster.workers == ("tfgan-0.tfgan:2222", "tfgan-1.tfgan:2222")
    assert cluster.task_index == index
    strategy, resolver = check_train(["tfgan", *words])
    assert (strategy, resolver) == ("multiworker", "tf_config")


def test_the_parts_of_the_manifest_fit():
    job, service = MANIFESTS["Job"], MANIFESTS["Service"]
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 2
    assert job["spec"]["completionMode"] == "Indexed"
    # The names of pods are JOB-INDEX.SUBDOMAIN, and the subdomain is the headless service.
    assert job["metadata"]["name"] == POD["spec"]["subdomain"] == service["metadata"]["name"] == "tfgan"
    assert service["spec"]["clusterIP"] == "None"
    labels = POD["metadata"]["labels"]
    policy = MANIFESTS["NetworkPolicy"]["spec"]
    assert service["spec"]["selector"] == labels == policy["podSelector"]["matchLabels"]
    assert policy["ingress"] == [{"from": [{"podSelector": {"matchLabels": labels}}]}]
    assert CONTAINER["ports"][0]["containerPort"] == service["spec"]["ports"][0]["port"] == 2222
    assert (
        POD["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"]
        == (MANIFESTS["PersistentVolumeClaim"]["metadata"]["name"])
    )
