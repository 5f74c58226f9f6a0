"""`make release-check` in small checkouts: silent where all agree, and a line for each kind of mistake."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from local.cluster import CHECKOUT
from scripts import changelog, release_check, versions

Change = Callable[[Path], None]
RELEASE = "7.1.0"
CHANGELOG = f"# Changelog\n\n## {RELEASE} - 2026-11-28\n\n- A field.\n\n## 7.0.0 - 2026-10-01\n\n- The first.\n"
CHART = "charts/runai-nim-operator/Chart.yaml"
FROZEN = f"tests/upgrade/{RELEASE}"
FREEZE = "run `.venv/bin/python -m tests.upgrade.freeze`"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository that has what is looked at, and is ready to release RELEASE."""
    for name in versions.FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    (tmp_path / versions.SOURCE).parent.mkdir(parents=True)
    set_version(RELEASE)(tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / FROZEN).mkdir(parents=True)
    for name in release_check.FROZEN:
        (tmp_path / FROZEN / name).write_text(f'app.kubernetes.io/version: "{RELEASE}"\n')
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def set_version(version: str) -> Change:
    """Declare it, and `make generate`."""

    def change(root: Path) -> None:
        (root / versions.SOURCE).write_text(f'"""The operator."""\n\n__version__ = "{version}"\n')
        for name in versions.FILES:
            (root / name).write_text(versions.versioned(root, name, version))

    return change


def edit(name: str, old: str, new: str) -> Change:
    def change(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new))

    return change


def remove(name: str) -> Change:
    def change(root: Path) -> None:
        path = root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def git(root: Path, *arguments: str) -> None:
    somebody = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *somebody, *arguments], cwd=root, check=True, capture_output=True)


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "--message=Change")


def checked(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "scripts.release_check", f"--root={root}", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


def found(root: Path, tag: str | None = None) -> list[str]:
    return list(release_check.problems(root, tag))


def test_a_checkout_where_all_agree_is_ready(checkout: Path) -> None:
    ended = checked(checkout)
    assert (ended.returncode, ended.stdout) == (0, f"release-check: {RELEASE} is ready to be released\n")
    assert ended.stderr == ""

    git(checkout, "tag", f"v{RELEASE}")
    assert found(checkout) == []
    assert found(checkout, f"v{RELEASE}") == []


@pytest.mark.parametrize(
    ("mistake", "problem"),
    [
        (
            set_version("7.1.0.dev0"),
            f"{versions.SOURCE}: 7.1.0.dev0 is a development version; set 7.1.0 and run `make generate`",
        ),
        (
            edit(CHART, "\nversion: 7.1.0", "\nversion: 7.0.0"),
            f"{CHART}: has another version than 7.1.0; run `make generate`",
        ),
        (
            edit(CHART, "appVersion: 7.1.0", "appVersion: 7.0.0"),
            f"{CHART}: has another version than 7.1.0; run `make generate`",
        ),
        (
            edit("docs/guide/install.md", ":7.1.0", ":7.0.0"),
            "docs/guide/install.md: has another version than 7.1.0; run `make generate`",
        ),
        (
            edit(CHART, "appVersion: 7.1.0\n", ""),
            rf"{CHART} has no match of ^appVersion: (.+)$; restore it, or correct scripts/versions.py",
        ),
        (
            edit("CHANGELOG.md", "## 7.1.0 - 2026-11-28", "## Unreleased"),
            'CHANGELOG.md: no section is about 7.1.0; make "## 7.1.0 - YYYY-MM-DD" of what is under Unreleased',
        ),
        (
            remove("CHANGELOG.md"),
            'CHANGELOG.md: no section is about 7.1.0; make "## 7.1.0 - YYYY-MM-DD" of what is under Unreleased',
        ),
        (
            edit("CHANGELOG.md", "## 7.1.0 - 2026-11-28", "## 7.1.0"),
            'CHANGELOG.md: "## 7.1.0" has no date; write "## 7.1.0 - YYYY-MM-DD"',
        ),
        (
            edit("CHANGELOG.md", "- A field.\n", ""),
            "CHANGELOG.md: the section of 7.1.0 is empty; say what changed",
        ),
        (
            edit("CHANGELOG.md", "# Changelog\n", "# Changelog\n\n## Unreleased\n\n- More.\n"),
            "CHANGELOG.md: there is a section Unreleased beside 7.1.0; move what is in it, and remove it",
        ),
        (
            edit("CHANGELOG.md", "# Changelog\n", "# Changelog\n\n## 7.2.0 - 2026-11-29\n\n- More.\n"),
            "CHANGELOG.md: 7.2.0 - 2026-11-29 stands above 7.1.0; the newest comes first",
        ),
        (remove(FROZEN), f"{FROZEN}: this release's outputs are not frozen; {FREEZE}"),
        (
            remove(f"{FROZEN}/stored.jsonl"),
            f"{FROZEN}: lacks stored.jsonl; delete the folder and {FREEZE}",
        ),
        (
            edit(f"{FROZEN}/manifests.yaml", "7.1.0", "7.1.0.dev0"),
            f"{FROZEN}: was frozen from 7.1.0.dev0, not from 7.1.0; delete the folder and {FREEZE}",
        ),
        (
            edit(f"{FROZEN}/manifests.yaml", "app.kubernetes.io/version", "version"),
            f"{FROZEN}: was frozen from no version, not from 7.1.0; delete the folder and {FREEZE}",
        ),
    ],
)
def test_a_mistake_that_is_committed_is_one_line(checkout: Path, mistake: Change, problem: str) -> None:
    mistake(checkout)
    commit(checkout)

    assert found(checkout) == [problem]


def test_a_version_of_another_form_is_refused(checkout: Path) -> None:
    set_version("7.1")(checkout)
    commit(checkout)

    assert f"{versions.SOURCE}: 7.1 is not of the form X.Y.Z; correct it and run `make generate`" in found(checkout)


def test_what_is_not_committed_is_named(checkout: Path) -> None:
    (checkout / "new.md").write_text("x")
    assert found(checkout) == ["tree: new.md differs from the last commit; commit or remove it"]

    edit("CHANGELOG.md", "A field", "Two fields")(checkout)
    problem = "tree: CHANGELOG.md and 1 more differs from the last commit; commit or remove it"
    assert found(checkout) == [problem]


def test_another_tag_than_the_version_s_is_refused(checkout: Path) -> None:
    git(checkout, "tag", "v7.2.0")

    problem = "tag: v7.2.0 is not v7.1.0, the tag of 7.1.0; delete it, and tag this commit v7.1.0"
    assert found(checkout, "v7.2.0") == [problem]


def test_a_version_that_is_out_is_refused(checkout: Path) -> None:
    git(checkout, "tag", f"v{RELEASE}")
    out = subprocess.run(["git", "rev-parse", "HEAD"], cwd=checkout, check=True, capture_output=True, text=True).stdout
    commit(checkout)

    problem = f"tag: v7.1.0 is at {out[:12]}, another commit: 7.1.0 is out; choose a later version"
    assert found(checkout) == [problem]
    assert found(checkout, "v7.1.0") == [problem]


def test_a_tag_that_the_clone_lacks_is_asked_for(checkout: Path) -> None:
    problem = "tag: there is no v7.1.0 in this clone; fetch it (`git fetch --tags`)"
    assert found(checkout, "v7.1.0") == [problem]


def test_several_mistakes_are_a_line_each(checkout: Path) -> None:
    for mistake in (set_version("7.1.0.dev0"), remove(FROZEN), remove("CHANGELOG.md")):
        mistake(checkout)

    ended = checked(checkout, "--tag=v1")

    files = [line.split(": ")[1] for line in ended.stderr.splitlines()]
    assert (ended.returncode, files) == (1, [versions.SOURCE, "CHANGELOG.md", FROZEN, "tree", "tag"])


def test_where_there_is_nothing_to_judge_it_says_so_with_a_code_of_its_own(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    without_git = checked(checkout)
    remove(versions.SOURCE)(checkout)
    without_version = checked(checkout)

    assert (without_git.returncode, without_version.returncode) == (2, 2)
    assert without_git.stderr.endswith("run it in a clone\n")
    assert without_version.stderr.startswith(f"release-check: {versions.SOURCE}: there is no line __version__")


def test_the_notes_of_a_release_are_its_section() -> None:
    assert changelog.section_of(CHANGELOG, "7.0.0") == changelog.Section("7.0.0 - 2026-10-01", "- The first.")
    assert changelog.section_of(CHANGELOG, "7.1") is None
    assert [found.title for found in changelog.sections("# Changelog\n")] == []


def test_make_passes_the_tag_on_as_it_is() -> None:
    """A workflow gives the name of what was pushed, whatever that is."""
    command = ["make", "--silent", "release-check"]
    environment = os.environ | {"TAG": "v0.0.0-`id`"}
    ended = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)

    assert ended.returncode != 0
    assert "release-check: tag: v0.0.0-`id` is not v" in ended.stderr
