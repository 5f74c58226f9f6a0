"""`python -m local e2e`: the real NIM Operator and our chart on a kind cluster, and the scenarios against it.

NIM_OPERATOR_CHART says where the NIM Operator's chart is: a folder, an archive or an address, as `helm install` takes
it; KEEP=1 leaves the cluster. Where there is no Docker or no kind, one line says that nothing was proven.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE
from local.processes import StartError
from local.programs import chart_programs

CLUSTER = "runai-nim-e2e"
IMAGE = "runai-nim-operator"
KUBECONFIG = CHECKOUT / "build" / "kind.kubeconfig"
KIND = CHECKOUT / "deploy" / "kind"
# Nothing schedules as Run:ai does in there.
SETTINGS = ("settings.scheduler_name=default-scheduler",)
SCENARIOS = ("tests/cluster/scenarios", "tests/cluster/test_taking_away.py")


def obstacle() -> str:
    """Why there can be no kind cluster here; empty where there can."""
    for program in ("docker", "kind"):
        if shutil.which(program) is None:
            return f"there is no {program}"
    asked = subprocess.run(["docker", "info"], capture_output=True, check=False)
    return "Docker does not run" if asked.returncode else ""


def run(*command: str | Path) -> None:
    """Run a command, shown first; raises CalledProcessError."""
    print("+", *command, flush=True)
    subprocess.run([str(part) for part in command], cwd=CHECKOUT, check=True)


@contextmanager
def cluster() -> Iterator[None]:
    """A new kind cluster with the images that its pods need, which can't be pulled."""
    KUBECONFIG.parent.mkdir(exist_ok=True)
    where = (f"--name={CLUSTER}", f"--kubeconfig={KUBECONFIG}")
    run("kind", "create", "cluster", *where, f"--config={KIND / 'cluster.yaml'}", "--wait=120s")
    try:
        run("docker", "build", f"--tag={IMAGE}:e2e", ".")
        models = sorted(images_of_samples())
        run("docker", "build", *(f"--tag={model}" for model in models), KIND / "nim")
        run("kind", "load", "docker-image", f"--name={CLUSTER}", f"{IMAGE}:e2e", *models)
        yield
    finally:
        if not os.environ.get("KEEP"):
            run("kind", "delete", "cluster", *where)


def images_of_samples() -> set[str]:
    """Images of the models in deploy/samples."""
    samples = (CHECKOUT / "deploy" / "samples").glob("*.yaml")
    return {yaml.safe_load(sample.read_text(encoding="utf-8"))["spec"]["image"] for sample in samples}


def install(nim_operator_chart: str) -> None:
    """Install the NIM Operator and our chart, and wait for both."""
    helm = (chart_programs() / "helm", f"--kubeconfig={KUBECONFIG}", "install", "--create-namespace", "--wait")
    run(*helm, "nim-operator", nim_operator_chart, "--namespace=nim-operator")
    image = (f"--set=image.repository={IMAGE}", "--set=image.tag=e2e", "--set=image.pullPolicy=Never")
    settings = (f"--set={setting}" for setting in SETTINGS)
    ours = CHECKOUT / "charts" / "runai-nim-operator"
    run(*helm, IMAGE, ours, f"--namespace={OPERATOR_NAMESPACE}", *image, *settings)


def run_scenarios() -> None:
    """Skip with a line, or run everything; raises StartError, or CalledProcessError of what failed."""
    if why := obstacle():
        print(f"make e2e: skipped, nothing is proven: {why}.")
        return
    chart = os.environ.get("NIM_OPERATOR_CHART")
    if not chart:
        raise StartError("make e2e: where is the NIM Operator's chart? NIM_OPERATOR_CHART=<folder, archive or address>")
    with cluster():
        install(chart)
        os.environ["TEST_CLUSTER_KUBECONFIG"] = str(KUBECONFIG)
        run(sys.executable, "-m", "pytest", *SCENARIOS)
