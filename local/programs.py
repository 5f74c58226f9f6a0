"""Locates and builds the programs of control plane, node and chart, from `local/go` and `local/chart`.

This module only finds and builds; it starts nothing but the Go tool chain.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from local.building import ProgramsMissingError, built, compile_go, find_go

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
KUBECTL = "kubectl"
NAMES = (*CONTROL_PLANE, KUBECTL)
NODE_NAMES = ("coredns", "kube-controller-manager", "kube-proxy", "kube-scheduler", "kubelet", "metrics-server")
SOURCES = Path(__file__).with_name("go")
CHART_SOURCES = Path(__file__).with_name("chart")
CHECKOUT = Path(__file__).resolve().parents[1]
BUILT = CHECKOUT / ".local" / "programs"
NODE_BUILT = CHECKOUT / ".local" / "node-programs"
CHART_BUILT = CHECKOUT / ".local" / "chart-programs"
MINIMUM_GO = (1, 24)
VERSION_VARIABLE = "LOCAL_KUBERNETES"
"""Environment variable with the minor version of the control plane, such as 1.37; `make … KUBERNETES=1.37` sets it."""

__all__ = ["ProgramsMissingError", "chart_programs", "node_programs", "programs"]


@dataclass(frozen=True)
class Release:
    """A Kubernetes release that the control plane can be built from."""

    version: str
    """Such as `1.34.4`."""
    module: Path
    """The Go module file that requires it; a go.sum file with the hashes lies beside it."""

    @property
    def minor(self) -> str:
        """Such as `1.34`."""
        return self.version.rpartition(".")[0]


def releases() -> dict[str, Release]:
    """The releases by minor version, oldest first: that of `go.mod`, and one for each file of `kubernetes/`."""
    found = [_release(path) for path in (SOURCES / "go.mod", *(SOURCES / "kubernetes").glob("*.mod"))]
    found.sort(key=lambda release: [int(part) for part in release.version.split(".")])
    return {release.minor: release for release in found}


def programs() -> Path:
    """Return a folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl.

    They are of the version that VERSION_VARIABLE names, by default that of `go.mod`. Raises ProgramsMissingError for an
    unknown version, or if they have to be built and can't be.
    """
    if minor := os.environ.get(VERSION_VARIABLE):
        return _programs_of(minor)
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        missing = [name for name in NAMES if not os.access(Path(assets) / name, os.X_OK)]
        if not missing:
            return Path(assets).absolute()
        print(
            f"KUBEBUILDER_ASSETS={assets} lacks {', '.join(missing)}: using programs that are built from source.",
            file=sys.stderr,
        )
    return _built_from(_release(SOURCES / "go.mod"), BUILT)


def _programs_of(minor: str) -> Path:
    known = releases()
    if minor not in known:
        raise ProgramsMissingError(f"{VERSION_VARIABLE} is {minor}, but must be one of {', '.join(known)}.")
    return _built_from(known[minor], BUILT.with_name(f"{BUILT.name}-{minor}"))


def _built_from(release: Release, place: Path) -> Path:
    folder = built(SOURCES, place, lambda unfinished: _build(unfinished, release), release.module)
    if not os.access(folder / KUBECTL, os.X_OK):  # it was one of PATH, and is gone
        _add_kubectl(folder, release)
    return folder


def node_programs() -> Path:
    """Return a folder that holds NODE_NAMES and `pause`, built from source; raises ProgramsMissingError."""
    return built(SOURCES, NODE_BUILT, _build_node)


def chart_programs() -> Path:
    """Return a folder that holds helm and kubeconform, built from source; raises ProgramsMissingError."""
    return built(CHART_SOURCES, CHART_BUILT, _build_chart_programs)


def _build(folder: Path, release: Release) -> None:
    """Build the one binary that is all programs of the control plane, and kubectl where there is none."""
    kubectl = _kubectl_in_path(release)
    packages = ["./control-plane", *(() if kubectl else ("./kubectl",))]
    names = ", ".join(CONTROL_PLANE if kubectl else NAMES)
    print(f"Building {names} {release.version} from source, once.", file=sys.stderr)
    _compile(release, "the local control plane", folder, *packages)
    for program in CONTROL_PLANE:
        (folder / program).symlink_to("control-plane")
    if kubectl:
        (folder / KUBECTL).symlink_to(kubectl)


def _add_kubectl(folder: Path, release: Release) -> None:
    (folder / KUBECTL).unlink(missing_ok=True)
    if kubectl := _kubectl_in_path(release):
        (folder / KUBECTL).symlink_to(kubectl)
    else:
        _compile(release, KUBECTL, folder, "./kubectl")


def _kubectl_in_path(release: Release) -> str | None:
    """A kubectl of PATH that suits the control plane: at most one minor version apart, as Kubernetes supports it."""
    kubectl = shutil.which(KUBECTL)
    if kubectl is None:
        return None
    asked = subprocess.run([kubectl, "version", "--client", "--output=json"], capture_output=True, check=False)
    try:
        found = json.loads(asked.stdout)["clientVersion"]
        major = int(found["major"])
        minor = int(re.sub(r"\D", "", found["minor"]))
    except (ValueError, KeyError, TypeError):
        return None
    wanted = tuple(int(part) for part in release.minor.split("."))
    return kubectl if major == wanted[0] and abs(minor - wanted[1]) <= 1 else None


def _build_node(folder: Path) -> None:
    """Build the one binary that is all programs of a node, and `pause`."""
    release = _release(SOURCES / "go.mod")
    print(f"Building {', '.join(NODE_NAMES)} {release.version} from source, once.", file=sys.stderr)
    _compile(release, "the node", folder, "./node", "./pause")
    for program in NODE_NAMES:
        (folder / program).symlink_to("node")


def _build_chart_programs(folder: Path) -> None:
    """Build the tools that the module names."""
    go = find_go(MINIMUM_GO, "helm and kubeconform", "")
    print("Building helm and kubeconform from source, once.", file=sys.stderr)
    compile_go(go, CHART_SOURCES, folder, "tool")


def _compile(release: Release, what: str, folder: Path, *packages: str) -> None:
    go = find_go(MINIMUM_GO, what, ", or set KUBEBUILDER_ASSETS to a folder with " + ", ".join(NAMES))
    module = None if release.module.name == "go.mod" else release.module
    compile_go(go, SOURCES, folder, *packages, stamps=_stamps(release.version), module=module)


def _stamps(version: str) -> list[str]:
    """Linker flags with Kubernetes' version: the programs don't know theirs otherwise."""
    major, minor, _ = version.split(".")
    values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return [
        f"-X k8s.io/{package}.{key}={value}"
        for package in ("component-base/version", "client-go/pkg/version")
        for key, value in values.items()
    ]


def _release(module: Path) -> Release:
    """The release that a module file requires."""
    found = re.search(r"^\s*k8s\.io/kubernetes v(\S+)$", module.read_text(), re.MULTILINE)
    if found is None:
        raise ProgramsMissingError(f"{module} requires no k8s.io/kubernetes")
    return Release(found[1], module)
