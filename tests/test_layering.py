"""Who may import whom: the table below is design.md's, and every module of the package has its row."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tfgan_kit.recipe import FAMILIES

ROOT = Path(__file__).parents[1]
FOLDERS = {"tfgan_kit": ROOT / "tfgan_kit", "tfgan_kit.cli": ROOT / "cli", "tfgan_kit.export": ROOT / "export"}

# Beside itself and the ground, what a module or folder may import. The longest name that fits counts.
GROUND = {"errors", "files", "latents", "_version"}
MAY_IMPORT = {
    "": {"export.runtime", "report.view"},  # the facade, which imports when asked
    **{name: set() for name in sorted(GROUND)},
    "conflicts": set(),
    "fields": set(),
    "recipe": {"conflicts", "fields"},
    "recipes": {"recipe"},
    "rng": set(),
    "replicas": set(),
    "gradients": {"replicas", "rng"},
    "losses": {"replicas"},
    "schedules": set(),
    "ema": set(),
    "pictures": set(),
    "calling": {"rng"},
    "terms": {"gradients", "rng"},
    "penalties": {"gradients", "replicas", "terms", "rng"},
    "auxiliary": {"replicas", "terms"},
    "augment": {"gradients", "terms", "rng"},
    "stabilizers": {"gradients", "terms", "rng"},
    "plugs": {"stabilizers", "terms"},
    "batches": set(),
    "descent": set(),
    "running": set(),
    "objective": {"calling", "descent", "gradients", "losses", "plugs", "rng", "stabilizers", "terms"},
    "gan": {
        "batches", "calling", "descent", "ema", "gradients", "losses", "objective", "plugs", "replicas", "rng",
        "running", "stabilizers",
    },
    "tf_config": set(),
    "clusters": {"tf_config"},
    "strategy": {"clusters", "tf_config"},
    "launch": {"tf_config"},
    "networks": set(),
    "networks.layers": {"replicas"},
    "networks.parts": {"networks.layers"},
    "networks.karras": {"networks.layers", "networks.parts"},
    # A family stands on what all share, and on no other family.
    **{f"networks.{family}": {"networks.layers", "networks.parts", "networks.karras"} for family in FAMILIES},
    "networks.style": {"networks.layers", "networks.parts", "networks.karras", "replicas"},
    "switchboard": {
        "gan", "plugs", "networks", "penalties", "auxiliary", "augment", "stabilizers", "terms", "recipe",
    },
    "build": {"switchboard", "gan", "networks", "losses", "schedules", "recipe"},
    "data": {"recipe", "rng"},
    "doctor": {"recipe"},
    "doctor.samples": {"data"},
    "metrics": set(),
    "extractors": {"data.resize"},
    "extractors.train_cnn": {"data", "extractors", "metrics"},
    "evaluation": {"data", "extractors", "metrics"},
    "evaluation.compare_picture": {"evaluation", "pictures"},
    "training": {
        "build", "gan", "calling", "data", "doctor", "evaluation", "extractors", "pictures", "recipe", "replicas",
        "strategy",
    },
    "training.rollback": {"training.checkpoint", "training.length", "training.run_folder", "recipe"},
    "training.probe": {"build", "data", "metrics", "networks", "training"},
    "training.checkpoint": set(),
    "training.run_folder": {"data.few", "training.checkpoint", "recipe"},
    "training.length": {"recipe"},
    "report": {
        "data.mnist", "doctor", "evaluation", "metrics", "pictures", "recipe", "recipes", "training.checkpoint",
        "training.run_folder",
    },
    "export": {"build", "calling", "export.forms", "recipe", "training"},
    "export.json_part": set(),
    "export.spec": {"export.json_part"},
    "export.options": {"export.spec"},
    # What is sampled from needs numpy and onnxruntime alone.
    "export.reading": set(),
    "export.sampling": {"export.reading", "export.spec", "pictures"},
    "export.runtime": {"export.sampling"},
    "export.snippet": {"export.reading", "export.spec"},
    "export.describe": {"export.reading", "export.sampling", "export.snippet", "export.spec"},
    "export.latent_space": {"export.runtime", "export.sampling", "pictures"},
    "export.bench": {"export.runtime", "export.sampling"},
    "export.web": {"export.runtime", "export.sampling", "export.spec"},
    "export.serve": {"export.runtime", "export.sampling", "export.spec", "pictures"},
    # What is exported is made with TensorFlow and onnx.
    "export.rewrite": set(),
    "export.forms": {
        "calling", "export.options", "export.rewrite", "export.sampling", "export.source", "export.spec",
    },
    "export.forms.judge": {"data", "evaluation", "export.forms", "extractors", "metrics", "recipe"},
    "export.latent_space.project_gradient": {
        "build", "calling", "export.latent_space", "training.run_folder", "training.state",
    },
    "toy": {"build", "calling", "losses", "metrics", "recipe", "rng"},
    "toy.points": set(),
    "toy.options": {"recipe"},
    "ablation": {"build", "data", "evaluation", "extractors", "recipe", "training"},
    "ablation.switches": {"recipe"},
    "ablation.budget": {"recipe"},
    "cli": {
        "ablation", "build", "data", "doctor", "evaluation", "export", "extractors", "fields", "launch", "pictures",
        "recipe", "recipes", "report", "strategy", "toy", "training",
    },
}  # fmt: skip
GROUND_IMPORTS = {
    "conflicts": {"errors"},
    "recipe": {"errors"},
    "terms": set(),
    "calling": set(),
    "losses": set(),
    "errors": set(),
    "files": set(),
    "latents": set(),
    "_version": set(),
    "": {"_version"},
}


def module_name(package, folder, path):
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join([package, *(part for part in parts if part != "__init__")])


MODULES = {
    module_name(package, folder, path): path
    for package, folder in FOLDERS.items()
    for path in sorted(folder.rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text(encoding="utf-8"), str(path)) for name, path in MODULES.items()}


def imported(name):
    """The modules of ours that a module imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports relatively"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                found.add(whole if whole in MODULES else node.module)
    return {module for module in found if module.split(".")[0] == "tfgan_kit"}


def own(module):
    return module.removeprefix("tfgan_kit").removeprefix(".")


def row(module):
    """The most specific row of the table that the module falls under; None: it has none."""
    fits = [name for name in MAY_IMPORT if own(module) == name or (name and own(module).startswith(name + "."))]
    return max(fits, key=len) if fits else None


def is_within(module, name):
    return own(module) == name or own(module).startswith(name + ".")


@pytest.mark.parametrize("name", MODULES)
def test_every_import_goes_down(name):
    assert row(name) is not None, f"{name} has no row in MAY_IMPORT: say what it may import"
    legal = MAY_IMPORT[row(name)] | GROUND_IMPORTS.get(row(name), GROUND) | ({row(name)} if row(name) else set())
    unknown = {module for module in imported(name) if module not in MODULES}
    assert not unknown, f"{name} imports {unknown}, which is not there"
    illegal = {module for module in imported(name) if not any(is_within(module, other) for other in legal)}
    assert not illegal, f"{name} may import {sorted(legal)}, not {sorted(illegal)}"


def test_there_is_no_circle():
    finished, open_modules = set(), []

    def visit(name):
        assert name not in open_modules, " -> ".join([*open_modules[open_modules.index(name) :], name])
        if name in finished:
            return
        open_modules.append(name)
        for module in sorted(imported(name)):
            visit(module)
        finished.add(open_modules.pop())

    for name in MODULES:
        visit(name)


def test_every_row_is_of_a_module():
    # A row that no module needs is a gap in the fence.
    assert not {name for name in MAY_IMPORT if not any(is_within(module, name) for module in MODULES)}


@pytest.mark.parametrize("name", [name for name in MAY_IMPORT if not name.startswith("networks.")])
def test_no_arrow_is_legal_that_nothing_takes(name):
    # So is an arrow.
    taken = set().union(*(imported(module) for module in MODULES if row(module) == name))
    assert not {other for other in MAY_IMPORT[name] if not any(is_within(module, other) for module in taken)}


def test_only_the_top_imports_the_gan():
    users = {row(module) for module in MODULES if any(is_within(other, "gan") for other in imported(module))}
    assert users == {"switchboard", "build", "training"}


def top_level_imports(name):
    """Names of foreign packages imported when the module is."""
    nodes = [*TREES[name].body]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module.split(".")[0]
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            nodes += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


@pytest.mark.parametrize(
    "name",
    ["errors", "latents", "conflicts", "recipe", "recipes", "export.spec", "export.runtime", "export.sampling.labels"],
)
def test_the_ground_and_the_runtime_need_only_numpy_onnxruntime_and_python(name):
    foreign = set(top_level_imports(f"tfgan_kit.{name}")) - set(sys.stdlib_module_names) - {"tfgan_kit"}
    assert foreign <= ({"numpy", "onnxruntime"} if name.startswith("export") else {"numpy"})


HEAVY = ("tensorflow", "keras", "onnx", "tf2onnx", "onnxruntime", "scipy", "matplotlib")


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import tfgan_kit, tfgan_kit.errors, tfgan_kit.recipe, tfgan_kit.recipes, tfgan_kit.latents", HEAVY),
        ("import tfgan_kit.cli.main", HEAVY),
        ("import tfgan_kit.export.spec, tfgan_kit.export.runtime", ("tensorflow", "keras", "onnx", "tf2onnx")),
    ],
)
def test_what_can_do_without_tensorflow_does_not_load_it(statement, absent):
    code = f"{statement}\nimport sys\nprint(*sorted(set({absent!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


def called(node):
    """The dotted name that a call calls, as far as it is one."""
    parts, function = [], node.func
    while isinstance(function, ast.Attribute):
        parts.append(function.attr)
        function = function.value
    return ".".join([function.id if isinstance(function, ast.Name) else "?", *reversed(parts)])


@pytest.mark.parametrize("name", MODULES)
def test_no_code_is_run_from_data(name):
    for node in ast.walk(TREES[name]):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            assert not modules & {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}, where
        if isinstance(node, ast.Call):
            assert called(node) not in {"eval", "exec", "compile", "__import__", "yaml.load"}, where
            if called(node) in {"np.load", "numpy.load", "np.lib.format.read_array", "np.lib.npyio.NpzFile"}:
                keywords = {keyword.arg: keyword.value for keyword in node.keywords}
                allowed = keywords.get("allow_pickle")
                assert isinstance(allowed, ast.Constant), f"{where}: np.load without allow_pickle=False"
                assert allowed.value is False, where
