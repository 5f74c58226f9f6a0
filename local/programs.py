"""Locates and builds the programs of control plane, node and chart, from `local/go` and `local/chart`.

This module only finds and builds; it starts nothing but the Go tool chain.
"""

import json
import os
import re
import shutil
import subprocess
import sys
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

__all__ = ["ProgramsMissingError", "chart_programs", "node_programs", "programs"]


def programs() -> Path:
    """Return a folder that holds etcd, kube-apiserver, kube-controller-manager and kubectl.

    Raises ProgramsMissingError if they have to be built and can't be.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        missing = [name for name in NAMES if not os.access(Path(assets) / name, os.X_OK)]
        if not missing:
            return Path(assets).absolute()
        print(
            f"KUBEBUILDER_ASSETS={assets} lacks {', '.join(missing)}: using programs that are built from source.",
            file=sys.stderr,
        )
    folder = built(SOURCES, BUILT, _build)
    if not os.access(folder / KUBECTL, os.X_OK):  # it was one of PATH, and is gone
        _add_kubectl(folder)
    return folder


def node_programs() -> Path:
    """Return a folder that holds NODE_NAMES and `pause`, built from source; raises ProgramsMissingError."""
    return built(SOURCES, NODE_BUILT, _build_node)


def chart_programs() -> Path:
    """Return a folder that holds helm and kubeconform, built from source; raises ProgramsMissingError."""
    return built(CHART_SOURCES, CHART_BUILT, _build_chart_programs)


def _build(folder: Path) -> None:
    """Build the one binary that is all programs of the control plane, and kubectl where there is none."""
    kubectl = _kubectl_in_path()
    packages = ["./control-plane", *(() if kubectl else ("./kubectl",))]
    names = ", ".join(CONTROL_PLANE if kubectl else NAMES)
    print(f"Building {names} {kubernetes_version()} from source, once.", file=sys.stderr)
    compile_go(_find_go("the local control plane"), SOURCES, folder, *packages, stamps=_stamps())
    for program in CONTROL_PLANE:
        (folder / program).symlink_to("control-plane")
    if kubectl:
        (folder / KUBECTL).symlink_to(kubectl)


def _add_kubectl(folder: Path) -> None:
    (folder / KUBECTL).unlink(missing_ok=True)
    if kubectl := _kubectl_in_path():
        (folder / KUBECTL).symlink_to(kubectl)
    else:
        compile_go(_find_go(KUBECTL), SOURCES, folder, "./kubectl", stamps=_stamps())


def _kubectl_in_path() -> str | None:
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
    wanted = tuple(int(part) for part in kubernetes_version().split(".")[:2])
    return kubectl if major == wanted[0] and abs(minor - wanted[1]) <= 1 else None


def _build_node(folder: Path) -> None:
    """Build the one binary that is all programs of a node, and `pause`."""
    print(f"Building {', '.join(NODE_NAMES)} {kubernetes_version()} from source, once.", file=sys.stderr)
    compile_go(_find_go("the node"), SOURCES, folder, "./node", "./pause", stamps=_stamps())
    for program in NODE_NAMES:
        (folder / program).symlink_to("node")


def _build_chart_programs(folder: Path) -> None:
    """Build the tools that the module names."""
    go = find_go(MINIMUM_GO, "helm and kubeconform", "")
    print("Building helm and kubeconform from source, once.", file=sys.stderr)
    compile_go(go, CHART_SOURCES, folder, "tool")


def _find_go(what: str) -> str:
    return find_go(MINIMUM_GO, what, ", or set KUBEBUILDER_ASSETS to a folder with " + ", ".join(NAMES))


def _stamps() -> list[str]:
    """Linker flags with Kubernetes' version: the programs don't know theirs otherwise."""
    major, minor, _ = kubernetes_version().split(".")
    version = {"gitVersion": f"v{kubernetes_version()}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return [
        f"-X k8s.io/{package}.{key}={value}"
        for package in ("component-base/version", "client-go/pkg/version")
        for key, value in version.items()
    ]


def kubernetes_version() -> str:
    """Version in go.mod, such as 1.34.4."""
    found = re.search(r"^\s*k8s\.io/kubernetes v(\S+)$", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise ProgramsMissingError(f"{SOURCES / 'go.mod'} requires no k8s.io/kubernetes")
    return found[1]
