"""The installed command: both its names, its start, its help, and what never reaches it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import MINIMAL, Run

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]


def start(
    *arguments: str, name: str = "runai-nim", stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / name), *arguments],
        input=stdin,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )


@pytest.mark.parametrize("name", ["runai-nim", "kubectl-runai_nim"])
def test_it_is_installed_under_both_names(name: str) -> None:
    answer = start("--version", name=name)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert re.fullmatch(r"runai-nim \d+\.\d+\.\S+\n", answer.stdout)


@pytest.mark.parametrize("command", ["render", "validate", "diff", "explain", "convert", "import", "list"])
def test_every_command_has_help_with_an_example(run: Run, command: str) -> None:
    answer = run(command, "--help")

    assert answer.code == 0
    assert f"  runai-nim {command}" in answer.out


def test_without_a_command_it_shows_help(run: Run) -> None:
    answer = run()

    assert answer.code == 2
    assert "Usage: " in answer.out + answer.err


def test_a_wrong_option_is_wrong_use() -> None:
    answer = start("render", "--nosuch")

    assert (answer.returncode, answer.stdout) == (2, "")
    assert "No such option: --nosuch" in answer.stderr


VALIDATE = ["validate", "-f", "deploy/samples/mistake.yaml"]
RENDER = ["render", "-f", "deploy/samples/gpu-portion.yaml"]


@pytest.mark.parametrize("files", ["/nonexistent/a", "/nonexistent/a:/nonexistent/b"])
def test_a_kubeconfig_that_does_not_exist_is_one_line(files: str) -> None:
    answer = start("list", KUBECONFIG=files)

    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("the cluster can't be read: ")
    assert f"no usable kubeconfig: {files} doesn't exist; name one in the environment" in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "cause"),
    [(None, "PLACE: Is a directory;"), (b"\xd0\xff", "the file is no kubeconfig;"), (b"a: [1", "while parsing a flow")],
)
def test_what_is_no_kubeconfig_is_one_line(tmp_path: Path, content: bytes | None, cause: str) -> None:
    place = tmp_path / "given"
    if content is None:
        place.mkdir()
    else:
        place.write_bytes(content)

    answer = start("list", "--kubeconfig", str(place))

    assert (answer.returncode, answer.stdout) == (2, "")
    assert f"no usable kubeconfig: {cause.replace('PLACE', str(place))}" in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("validate -f EMPTY", '-f is "" but must be a file, a directory, or - for stdin: give one, or remove it'),
        ("render -f a.yaml -f EMPTY", '-f is ""'),
        ("validate -f a.yaml --settings EMPTY", '--settings is "" but must be a file'),
        ("render -f a.yaml --nim-operator EMPTY", '--nim-operator is "" but must be a version or a file'),
        ("validate -f a.yaml --policies EMPTY", '--policies is "" but must be a file or a directory'),
        ("diff EMPTY b.yaml", 'A is "" but must be a file or a directory'),
        ("diff a.yaml EMPTY", 'B is ""'),
        ("diff -f a.yaml --new-settings EMPTY", '--new-settings is ""'),
        ("diff -f a.yaml --new-nim-operator EMPTY", '--new-nim-operator is ""'),
        ("policy check -f EMPTY --live", '-f is "" but must be a file or a directory'),
        ("policy check -f a.yaml EMPTY", 'FILE is ""'),
        ("convert -f EMPTY", '-f is "" but must be a file, or - for stdin'),
        ("import EMPTY", 'FILE is ""'),
        ("import a.yaml --output-directory EMPTY", '--output-directory is ""'),
        ("doctor --bundle EMPTY", '--bundle is ""'),
    ],
)
def test_an_empty_file_is_named(run: Run, arguments: str, message: str) -> None:
    answer = run(*("" if word == "EMPTY" else word for word in arguments.split()))

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(message)


def in_shell(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`"$@"` in the command stands for the command line."""
    shell = ["bash", "-c", command, "bash", str(BIN / "runai-nim"), *arguments]
    return subprocess.run(shell, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.parametrize("arguments", [VALIDATE, [*VALIDATE, "-o", "json"], RENDER, ["explain"], ["--help"]])
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ('"$@" > /dev/full', "No space left on device"),
        ('"$@" >&-', "it is closed"),
    ],
)
def test_output_that_can_t_be_written_is_one_line(command: str, reason: str, arguments: list[str]) -> None:
    answer = in_shell(command, *arguments)

    # What was said beside the output before that is no part of it.
    said = [line for line in answer.stderr.splitlines() if " checked: " not in line]
    assert (answer.returncode, said) == (2, [f"standard output can't be written: {reason}"])


@pytest.mark.parametrize("arguments", [VALIDATE, RENDER, ["explain"], ["--help"]])
def test_nothing_is_said_of_a_pipe_that_the_reader_has_closed(arguments: list[str]) -> None:
    answer = in_shell('exec 3> >(exec true); sleep 0.1; "$@" >&3', *arguments)

    said = [line for line in answer.stderr.splitlines() if " checked: " not in line]
    assert (answer.returncode, said) == (2, [])


@pytest.mark.parametrize("command", ['"$@" 2> /dev/full', '"$@" > /dev/full 2>&1'])
def test_where_nothing_can_be_said_the_exit_code_says_it(command: str) -> None:
    answer = in_shell(command, *VALIDATE)

    assert (answer.returncode, answer.stderr) == (2, "")


def test_closed_streams() -> None:
    assert in_shell('"$@" 2>&-', *VALIDATE).returncode == 1
    assert in_shell('"$@" >&- 2>&-', *VALIDATE).returncode == 2
    answer = in_shell('"$@" <&-', "validate", "-f", "-")
    assert (answer.returncode, answer.stdout) == (2, "<stdin>: error: can't be read: it is closed\n")
    for command in ('"$@" 0> /dev/null', '"$@" < /proc/self/mem'):
        answer = in_shell(command, "validate", "-f", "-")
        assert (answer.returncode, len(answer.stdout.splitlines())) == (2, 1), answer.stderr


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["--help"], ["kopf", "kubernetes", "rich", "pydantic", "yaml"]),
        (["render", "-f", "deploy/samples/gpu-portion.yaml"], ["kopf", "kubernetes", "aiohttp", "rich"]),
        (["explain", "spec.image"], ["kopf", "kubernetes", "aiohttp", "rich"]),
    ],
)
def test_it_loads_only_what_it_needs(arguments: list[str], forbidden: list[str]) -> None:
    code = (
        "import sys, atexit\n"
        f"sys.argv = ['runai-nim', *{arguments!r}]\n"
        "atexit.register(lambda: print([name for name in sys.modules if '.' not in name], file=sys.stderr))\n"
        "from runai_nim.cli import main\n"
        "main()\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    loaded = set(re.findall(r"'(\w+)'", answer.stderr.splitlines()[-1]))
    assert loaded & set(forbidden) == set()
    assert "typer" in loaded


def test_the_environment_sets_nothing() -> None:
    answer = start("render", "-f", "-", stdin=MINIMAL, RUNAI_NIM_SCHEDULER_NAME="other", RUNAI_NIM_LOG_LEVEL="nonsense")

    assert answer.returncode == 0
    assert "schedulerName: runai-scheduler" in answer.stdout


def test_any_locale_and_any_file_name(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(MINIMAL + "  category: é\n  replicas: -1\n")

    answer = subprocess.run(
        [os.fsencode(BIN / "runai-nim"), b"validate", b"-f", path],
        env={"LC_ALL": "POSIX"},
        capture_output=True,
        check=False,
    )

    assert answer.returncode == 1
    assert answer.stdout.endswith(b": correct or remove it\n")


def test_control_characters_do_not_reach_the_terminal(run: Run) -> None:
    answer = run("validate", "-f", "-", stdin=MINIMAL + '  priorityClass: "\\e[31mred"\n')

    assert answer.code == 1
    assert "\x1b" not in answer.out
    assert 'spec.priorityClass is "\\x1b[31mred"' in answer.out


def test_it_completes_commands_and_options() -> None:
    words = {"COMP_WORDS": "runai-nim ren", "COMP_CWORD": "1", "_RUNAI_NIM_COMPLETE": "complete_bash"}
    options = {"COMP_WORDS": "runai-nim diff --li", "COMP_CWORD": "2", "_RUNAI_NIM_COMPLETE": "complete_bash"}

    assert start(**words).stdout.split() == ["render"]
    assert start(**options).stdout.split() == ["--live"]


def test_output_that_nobody_reads_is_no_failure() -> None:
    command = ["sh", "-c", f"{BIN / 'runai-nim'} explain | head -1"]

    answer = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (answer.stdout.split(), answer.stderr) == (["spec", "object"], "")
