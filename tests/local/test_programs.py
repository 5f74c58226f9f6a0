"""Finding the programs, and the words when they can't be had."""

import os
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
        (None, "PATH has no `go`"),
        ("go version go1.23.4 linux/amd64", "reports 'go version go1.23.4 linux/amd64'"),
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


def folders(place: Path) -> list[str]:
    return [path.name for path in place.iterdir() if path.is_dir()]


def write_main(folder: Path, body: str) -> None:
    """A Go program in a folder of its own."""
    folder.mkdir(exist_ok=True)
    (folder / "main.go").write_text(f"package main\n\nfunc main() {{ {body} }}\n")


def fake_kubectl(folder: Path, minor: str) -> Path:
    """A program that says that it is a kubectl of Kubernetes 1.<minor>."""
    folder.mkdir()
    said = f'{{"clientVersion": {{"major": "1", "minor": "{minor}"}}}}'
    (folder / "kubectl").write_text(f"#!/bin/sh\necho '{said}'\n")
    (folder / "kubectl").chmod(0o755)
    return folder / "kubectl"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sources of programs that do nothing, for Kubernetes 1.34 and 1.30, in place of the real ones."""
    sources = tmp_path / "go"
    (sources / "kubernetes").mkdir(parents=True)
    for name, version in (("go", "1.34.4"), ("kubernetes/1.30", "1.30.14")):
        module = f"module tiny\n\ngo 1.24\n\nrequire (\n\tk8s.io/kubernetes v{version}\n)\n"
        (sources / f"{name}.mod").write_text(module)
        (sources / f"{name}.sum").write_text("")
    for folder in ("control-plane", "kubectl"):
        write_main(sources / folder, "")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr(programs, "SOURCES", sources)
    monkeypatch.setattr(programs, "BUILT", tmp_path / "built")
    monkeypatch.delenv(programs.VERSION_VARIABLE, raising=False)
    return sources


@pytest.mark.parametrize(("minor", "taken"), [("32", False), ("33", True), ("35+", True), ("36", False), ("x", False)])
def test_a_kubectl_of_path_is_used_where_it_suits_the_control_plane(
    minor: str, taken: bool, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl = fake_kubectl(tmp_path / "bin", minor)
    monkeypatch.setenv("PATH", f"{kubectl.parent}:{os.environ['PATH']}")

    assert ((programs.programs() / "kubectl").resolve() == kubectl) == taken


def test_a_kubectl_of_path_that_has_gone_is_replaced(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl = fake_kubectl(tmp_path / "bin", "34")
    monkeypatch.setenv("PATH", f"{kubectl.parent}:{os.environ['PATH']}")
    folder = programs.programs()
    kubectl.unlink()

    assert programs.programs() == folder
    assert os.access(folder / "kubectl", os.X_OK)


@pytest.mark.skipif(shutil.which("go") is None, reason="needs Go")
def test_a_failed_build_tells_what_go_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "go"
    shutil.copytree(programs.SOURCES, sources)
    for folder in ("control-plane", "kubectl"):
        shutil.rmtree(sources / folder)
        write_main(sources / folder, "undefined()")
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setattr(programs, "SOURCES", sources)
    monkeypatch.setattr(programs, "BUILT", tmp_path / "built")
    with pytest.raises(programs.ProgramsMissingError, match="undefined: undefined"):
        programs.programs()
    assert folders(tmp_path / "built") == []


def test_a_changed_source_gives_another_folder_and_the_old_one_is_removed(tiny: Path, tmp_path: Path) -> None:
    first = programs.programs()
    write_main(tiny / "control-plane", "println()")
    second = programs.programs()

    assert first != second
    assert folders(tmp_path / "built") == [second.name]
    assert {"control-plane", *programs.NAMES} <= {path.name for path in second.iterdir()}


def test_another_version_is_built_into_a_folder_of_its_own(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = programs.programs()
    monkeypatch.setenv(programs.VERSION_VARIABLE, "1.30")
    old = programs.programs()

    assert old.parent == tmp_path / "built-1.30"
    assert os.access(old / "kube-apiserver", os.X_OK)
    assert folders(tmp_path / "built") == [default.name]


def test_an_unknown_version_is_refused_with_the_known_ones(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(programs.VERSION_VARIABLE, "1.29")
    with pytest.raises(programs.ProgramsMissingError, match=r"is 1\.29, but must be one of 1\.30, 1\.34\."):
        programs.programs()


def test_each_version_file_is_named_after_its_version() -> None:
    names = {release.module.stem: minor for minor, release in programs.releases().items()}
    del names["go"]
    assert names == {minor: minor for minor in names}
    assert names
