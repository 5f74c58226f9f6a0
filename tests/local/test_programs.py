"""Finding the programs, and the words when they can't be had."""

import shutil
from pathlib import Path

import pytest

from local import programs


@pytest.fixture
def assets(tmp_path: Path) -> Path:
    """A folder with the shape of KUBEBUILDER_ASSETS."""
    folder = tmp_path / "assets"
    folder.mkdir()
    for name in programs.NAMES:
        (folder / name).symlink_to("/bin/sh")
    return folder


def test_kubebuilder_assets_are_used_as_they_are(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert programs.programs() == assets


def test_incomplete_kubebuilder_assets_are_named_and_not_mixed_with_ours(
    assets: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    built = programs.programs()
    (assets / "kube-controller-manager").unlink()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    assert programs.programs() == built
    assert "lacks kube-controller-manager" in capsys.readouterr().err


def test_a_second_call_builds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    built = programs.programs()
    monkeypatch.setenv("PATH", "")
    assert programs.programs() == built


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, "no `go` was found in PATH"),
        ("go version go1.23.4 linux/amd64", "says 'go version go1.23.4 linux/amd64'"),
    ],
)
def test_without_a_recent_go_one_line_says_what_to_install(
    said: str | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said:
        (tmp_path / "go").write_text(f"#!/bin/sh\necho {said}\n")
        (tmp_path / "go").chmod(0o755)
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr(programs, "BUILT", tmp_path / "built")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(programs.ProgramsMissingError) as caught:
        programs.programs()
    message = str(caught.value)
    assert "Go 1.24 or newer is needed" in message
    assert reason in message
    assert "KUBEBUILDER_ASSETS" in message
    assert "\n" not in message


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go")
def test_a_failed_build_tells_what_go_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "go"
    shutil.copytree(programs.SOURCES, sources)
    (sources / "main.go").write_text("package main\n\nfunc main() { undefined() }\n")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr(programs, "SOURCES", sources)
    monkeypatch.setattr(programs, "BUILT", tmp_path / "built")
    with pytest.raises(programs.ProgramsMissingError, match="undefined: undefined"):
        programs.programs()
    assert list((tmp_path / "built").iterdir()) == []


def test_a_changed_source_gives_another_folder_and_the_old_one_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "go"
    sources.mkdir()
    (sources / "go.mod").write_text("module tiny\n\ngo 1.24\n\n// k8s.io/kubernetes\nrequire (\n)\n")
    (sources / "go.sum").write_text("")
    (sources / "main.go").write_text("package main\n\nfunc main() {}\n")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr(programs, "SOURCES", sources)
    monkeypatch.setattr(programs, "BUILT", tmp_path / "built")
    monkeypatch.setattr(programs, "_kubernetes_version", lambda: "1.34.4")
    first = programs.programs()
    (sources / "main.go").write_text("package main\n\nfunc main() { println() }\n")
    second = programs.programs()
    assert first != second
    assert [path.name for path in (tmp_path / "built").iterdir()] == [second.name]
    assert sorted(path.name for path in second.iterdir()) == sorted(["control-plane", *programs.NAMES])
