import subprocess
import sys

import pytest

from tfgan_kit import __version__
from tfgan_kit.cli import main as cli
from tfgan_kit.errors import RunError

COMMANDS = (
    "train",
    "launch",
    "recipes",
    "export",
    "sample",
    "inspect",
    "interpolate",
    "arithmetic",
    "project",
    "serve",
    "demo",
    "bench",
    "evaluate",
    "compare",
    "probe",
    "ablate",
    "toy",
    "report",
    "doctor",
)
SUBCOMMANDS = (("data", "prepare"), ("data", "check"))


def tfgan(*arguments: str, cwd=None) -> subprocess.CompletedProcess:
    code = "from tfgan_kit.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, check=False
    )


def run_in_process(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["tfgan", *arguments])
    with pytest.raises(SystemExit) as exit_:
        cli.run()
    return exit_.value.code


def test_version(monkeypatch, capsys):
    assert run_in_process(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"tfgan-kit {__version__}\n"


def test_without_a_command_the_help_is_shown(monkeypatch, capsys):
    assert run_in_process(monkeypatch) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)


def test_the_list_of_commands_is_not_cut(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert run_in_process(monkeypatch, "--help") == 0
    assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(monkeypatch, capsys, command):
    assert run_in_process(monkeypatch, command, "--help") == 0
    assert f"Example: tfgan {command}" in capsys.readouterr().out


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_every_subcommand_has_help_with_an_example(monkeypatch, capsys, command):
    assert run_in_process(monkeypatch, *command, "--help") == 0
    assert f"Example: tfgan {' '.join(command)}" in capsys.readouterr().out


def test_every_subcommand_is_documented():
    groups = {group.name: group.typer_instance.registered_commands for group in cli.app.registered_groups}
    names = {(name, info.name or info.callback.__name__) for name, infos in groups.items() for info in infos}
    assert names == set(SUBCOMMANDS)


def test_every_command_is_documented():
    names = {info.name or info.callback.__name__ for info in cli.app.registered_commands}
    assert names == set(COMMANDS)
    assert all(info.callback.__doc__ for info in cli.app.registered_commands)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["frobnicate"], "frobnicate"),
        (["train", "--bogus"], "--bogus"),
        (["train", "--seed", "x"], "--seed"),
        (["train", "--kimg", "many"], "--kimg"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_1(monkeypatch, capsys, arguments, message):
    assert run_in_process(monkeypatch, *arguments) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert shown.err.count("\n") == 1
    assert message in shown.err


def test_an_error_of_the_kit_is_one_line_and_exit_code_1(monkeypatch, capsys):
    def fail(**options):
        raise RunError("the folder\nis gone")

    monkeypatch.setattr(cli, "app", fail)
    assert run_in_process(monkeypatch, "train") == 1
    assert capsys.readouterr().err == "error: the folder is gone\n"


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    def interrupt(**options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupt)
    assert run_in_process(monkeypatch, "train") == 1
    assert capsys.readouterr().err == "error: interrupted\n"


def test_help_and_recipes_import_neither_tensorflow_nor_numpy():
    code = (
        "import sys; from tfgan_kit.cli.main import app\n"
        "for arguments in (['--help'], ['train', '--help'], ['recipes'], ['recipes', 'mnist']):\n"
        "    app(arguments, standalone_mode=False)\n"
        "print(sorted({'tensorflow', 'keras', 'numpy', 'onnxruntime', 'PIL'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


def test_completion_can_be_shown(monkeypatch):
    # The shell is named, as the one that runs the tests may not be recognised.
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    shown = tfgan("--show-completion", "bash")
    assert shown.returncode == 0
    assert "_TFGAN_COMPLETE" in shown.stdout or "complete" in shown.stdout
