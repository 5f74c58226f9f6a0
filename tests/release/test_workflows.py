"""The workflows of GitHub: what actionlint and zizmor can't know of this repository, and that `make lint` asks both."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from local.cluster import CHECKOUT

FOLDER = CHECKOUT / ".github" / "workflows"
TEXTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.iterdir())}
# PyYAML takes the key `on` for a boolean.
WORKFLOWS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
MAKEFILE = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^\.PHONY: (\S+)$", MAKEFILE, re.MULTILINE))
USES = re.compile(r"uses: (\S+)(?: # (.*))?$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
READ = {"contents": "read"}
SIGNING = {"id-token": "write", "attestations": "write"}
ALLOWED_MORE = {
    ("release.yaml", "image"): READ | SIGNING | {"packages": "write"},
    ("release.yaml", "chart"): SIGNING | {"packages": "write"},
    ("release.yaml", "release"): SIGNING | {"contents": "write"},
}
OF_ROOT = {"packages", "node-programs", "image-check"}
"""What takes root, which a runner's user is not: there `make e2e` has a cluster of kind in place of a node."""
JOBS = [pytest.param(name, job, id=f"{name}-{job}") for name in WORKFLOWS for job in WORKFLOWS[name]["jobs"]]


class Command(NamedTuple):
    """A line that a job runs, without variables that have one value in it."""

    workflow: str
    job: str
    line: str


def commands() -> Iterator[Command]:
    for workflow, described in WORKFLOWS.items():
        for job, made in described["jobs"].items():
            for step in made.get("steps", []):
                for line in expanded(step, made):
                    yield Command(workflow, job, line)


def expanded(step: dict[str, Any], job: dict[str, Any]) -> list[str]:
    """The lines that a step runs; one that names a variable of the matrix, once for each of its values."""
    lines: list[str] = step.get("run", "").strip().splitlines()
    for variable, value in step.get("env", {}).items():
        if named := re.fullmatch(r"\$\{\{ matrix\.([\w-]+) \}\}", value):
            values = job["strategy"]["matrix"][named[1]]
            lines = [re.sub(rf'"?\$\{{?{variable}\}}?"?', one, line) for line in lines for one in values]
    return lines


def targets(lines: Iterator[str]) -> Iterator[str]:
    """What make is asked for in them."""
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            yield from (word for word in words[1:] if "=" not in word)


def test_what_they_make_there_is() -> None:
    made = set(targets(command.line for command in commands()))

    assert made - TARGETS == set()
    assert {"test", "chart", "dist", "release-check"} <= made


@pytest.mark.parametrize("name", ["audit.yaml", "ci.yaml", "e2e.yaml"])
def test_they_run_nothing_but_make(name: str) -> None:
    """But for a look whether there is Docker."""
    programs = {shlex.split(command.line)[0] for command in commands() if command.workflow == name}

    assert programs - {"make"} == ({"docker"} if name == "e2e.yaml" else set())


def test_ci_makes_all_that_ci_makes_elsewhere() -> None:
    script = (CHECKOUT / ".ci" / "run").read_text(encoding="utf-8")
    elsewhere = set(re.findall(r"^(?:run|while_there_is_time) ([a-z0-9-]+)", script, re.MULTILINE))
    ours = set(targets(command.line for command in commands() if command.workflow in ("ci.yaml", "e2e.yaml")))

    assert len(elsewhere) > 10
    assert elsewhere - ours - OF_ROOT == set(), "add them to .github/workflows/ci.yaml"


def test_actions_are_pinned_by_digest_and_say_their_version() -> None:
    digests: dict[str, set[str]] = {}
    for text in TEXTS.values():
        for used, comment in USES.findall(text):
            if not used.startswith("./"):
                assert PINNED.fullmatch(used), used
                assert re.fullmatch(r"v\d+\.\d+\.\d+", comment), f"{used} # {comment}"
                digests.setdefault(used.split("@")[0], set()).add(f"{used} # {comment}")

    assert {action: pins for action, pins in digests.items() if len(pins) != 1} == {}
    assert len(digests) > 10


@pytest.mark.parametrize("name", WORKFLOWS)
def test_nothing_is_allowed_to_all_jobs(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_may_do_what_it_needs_and_no_more(name: str, job: str) -> None:
    described = WORKFLOWS[name]["jobs"][job]

    assert described["permissions"] == ALLOWED_MORE.get((name, job), READ)
    # Whoever may write waits for the people who guard the environment.
    assert ("environment" in described) == ((name, job) in ALLOWED_MORE)
    assert "uses" in described or described["timeout-minutes"] <= 90


def test_a_repository_needs_no_secret() -> None:
    assert [name for name, text in TEXTS.items() if re.search(r"secrets[.\[]", text)] == []


def test_nothing_is_published_before_all_was_tried() -> None:
    jobs = WORKFLOWS["release.yaml"]["jobs"]

    def before(job: str) -> set[str]:
        needed = jobs[job].get("needs", [])
        direct = {needed} if isinstance(needed, str) else set(needed)
        return direct.union(*(before(one) for one in direct))

    assert all({"check", "ci"} <= before(job) for name, job in ALLOWED_MORE if name == "release.yaml")
    assert WORKFLOWS["release.yaml"][True] == {"push": {"tags": ["v*"]}}


def test_what_the_image_is_built_with_is_asked_for_by_the_dockerfile() -> None:
    steps = WORKFLOWS["release.yaml"]["jobs"]["image"]["steps"]
    (build,) = (step["with"] for step in steps if step.get("uses", "").startswith("docker/build-push-action@"))
    given = {line.split("=")[0] for line in build["build-args"].splitlines()}
    asked = set(re.findall(r"^ARG (\w+)=", (CHECKOUT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))

    assert given == {"VERSION", "REVISION"}
    assert given <= asked
    assert build["platforms"] == "linux/amd64,linux/arm64"


def test_make_leaves_files_where_the_release_takes_them_from() -> None:
    taken = set(re.findall(r"build/[\w.-]+\w", TEXTS["release.yaml"]))

    assert taken == {"build/sbom.json", "build/release-notes.md"}
    assert [name for name in taken if name not in MAKEFILE] == []


def test_the_oldest_nim_operator_that_is_served_is_tried_too() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    oldest = re.search(r"^\| NVIDIA NIM Operator \| (\S+) and newer", readme, re.MULTILINE)

    assert oldest is not None
    assert WORKFLOWS["e2e.yaml"]["jobs"]["e2e"]["strategy"]["matrix"]["nim-operator"][0] == oldest[1]


def test_the_page_on_releases_names_what_there_is() -> None:
    page = (CHECKOUT / "docs" / "release.md").read_text(encoding="utf-8")
    asked = set(re.findall(r"(?:`|^ *)make ([a-z-]+)", page, re.MULTILINE))
    workflows = set(re.findall(r"\.github/workflows/([\w.]+)", page))

    assert {"generate", "release-check"} <= asked <= TARGETS
    assert "release.yaml" in workflows
    assert workflows <= set(WORKFLOWS)


def test_dependabot_looks_at_every_go_module() -> None:
    described = yaml.safe_load((CHECKOUT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))
    (modules,) = (one for one in described["updates"] if one["package-ecosystem"] == "gomod")
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*go.mod"]
    found = subprocess.run(listed, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.split()

    assert {f"/{Path(name).parent}" for name in found} == set(modules["directories"])


BAD = """
name: bad
on: push
jobs:
  bad:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.evnt.issue.title }}
"""


def recipe(target: str) -> str:
    """What make would run for a target."""
    command = ["make", "--always-make", "--dry-run", target]
    return subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout


def test_lint_asks_both_linters_and_they_find_what_is_wrong(tmp_path: Path) -> None:
    ran = recipe("lint")
    zizmor = next(shlex.split(line) for line in ran.splitlines() if "zizmor" in line)
    (workflow := tmp_path / "bad.yaml").write_text(BAD)
    assert re.search(r"^\.local/actionlint ", ran, re.MULTILINE)

    arguments = [*zizmor[1:-1], "--color=never", str(workflow)]  # CI's environment asks for colours
    ended = subprocess.run([Path(sys.executable).with_name("zizmor"), *arguments], capture_output=True, text=True)
    assert ended.returncode != 0
    assert {"error[unpinned-uses]", "error[template-injection]"} <= set(
        re.findall(r"^\w+\[[\w-]+\]", ended.stdout, re.MULTILINE)
    )

    subprocess.run(["make", ".local/actionlint"], cwd=CHECKOUT, check=True, capture_output=True)
    ended = subprocess.run([CHECKOUT / ".local" / "actionlint", workflow], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert 'property "evnt" is not defined' in ended.stdout
