"""Where programs are: those of the control plane and those of the chart, built from `local/go` and `local/chart`.

This module only finds and builds; it starts nothing but the Go tool chain.
"""

import os
import re
import sys
from pathlib import Path

from local.building import ProgramsMissingError, built, compile_go, find_go

NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
SOURCES = Path(__file__).with_name("go")
CHART_SOURCES = Path(__file__).with_name("chart")
CHECKOUT = Path(__file__).resolve().parents[1]
BUILT = CHECKOUT / ".local" / "programs"
CHART_BUILT = CHECKOUT / ".local" / "chart-programs"
MINIMUM_GO = (1, 24)

__all__ = ["ProgramsMissingError", "chart_programs", "programs"]


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
            f"KUBEBUILDER_ASSETS={assets} lacks {', '.join(missing)}: using programs built from source instead.",
            file=sys.stderr,
        )
    return built(SOURCES, BUILT, _build)


def chart_programs() -> Path:
    """Return a folder that holds helm and kubeconform, built from source; raises ProgramsMissingError."""
    return built(CHART_SOURCES, CHART_BUILT, _build_chart_programs)


def _build(folder: Path) -> None:
    """Build the one binary that is all four programs."""
    kubernetes = _kubernetes_version()
    go = find_go(
        MINIMUM_GO,
        "the local control plane",
        ", or set KUBEBUILDER_ASSETS to a folder with " + ", ".join(NAMES),
    )
    major, minor, _ = kubernetes.split(".")
    version = {"gitVersion": f"v{kubernetes}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    stamps = [
        f"-X k8s.io/{package}.{key}={value}"
        for package in ("component-base/version", "client-go/pkg/version")
        for key, value in version.items()
    ]
    saying = (
        f"Building etcd, kube-apiserver, kube-controller-manager and kubectl {kubernetes} from source "
        "(the first time downloads Go modules and takes 2 to 10 minutes; later runs reuse it)."
    )
    compile_go(go, SOURCES, folder / "control-plane", stamps, ".", saying)
    for program in NAMES:
        (folder / program).symlink_to("control-plane")


def _build_chart_programs(folder: Path) -> None:
    """Build the tools that the module names."""
    go = find_go(MINIMUM_GO, "helm and kubeconform", "")
    saying = "Building helm and kubeconform from source (the first time takes some minutes; later runs reuse it)."
    compile_go(go, CHART_SOURCES, folder, [], "tool", saying)


def _kubernetes_version() -> str:
    """Version in go.mod; the programs don't know theirs unless it is stamped into them."""
    found = re.search(r"^\s*k8s\.io/kubernetes v(\S+)$", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    if found is None:
        raise ProgramsMissingError(f"{SOURCES / 'go.mod'} requires no k8s.io/kubernetes")
    return found[1]
