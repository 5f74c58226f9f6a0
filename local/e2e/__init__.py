"""`make e2e`: installs image and chart as users do, on a cluster with nodes, and runs the scenarios.

The cluster is the one that KUBECONFIG names; or a new one of kind, where Docker and kind are; or a local node
(`local.node`). The NIM Operator is the one of NIM_OPERATOR_CHART (a folder, an archive or an address, as `helm install`
takes it), or our stand-in as a pod. KEEP=1 leaves a new cluster. PYTEST_ARGUMENTS="-k rest" chooses scenarios.
"""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from local.cluster import CHECKOUT
from local.e2e.clusters import Cluster, chosen_place
from local.e2e.images import FOLDER, Images, build_images, build_samples, images_of, require_builder
from local.e2e.installation import described, install

SCENARIOS = ("-m", "e2e", "tests/e2e")
OF_THE_REAL_ONE = ("tests/cluster/scenarios", "tests/cluster/test_taking_away.py")
"""Scenarios that also run in `make test`, with the stand-in."""


class Progress:
    """Prints each step with the seconds since the start."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self, what: str) -> None:
        """Print a step."""
        print(f"make e2e: {time.monotonic() - self._begun:4.0f} s: {what}", file=sys.stderr, flush=True)


def run_end_to_end(state: Path) -> None:
    """Create or use a cluster, install everything, and run the scenarios.

    Raises CannotRunError if the machine lacks something, CalledProcessError if a scenario fails.
    """
    say = Progress()
    chart = os.environ.get("NIM_OPERATOR_CHART", "")
    place = chosen_place(state / "e2e", keep=bool(os.environ.get("KEEP")))
    chosen = tuple(shlex.split(os.environ.get("PYTEST_ARGUMENTS", "")))
    if not place.registry:
        require_builder()
    if place.tests and not chosen:
        say("the tests of the node itself")
        _pytest(place.tests, {})
    images = images_of(place.registry) if place.registry else build_images(say)
    samples = build_samples() if chart and not place.registry else ()
    with place.cluster(say) as cluster:
        if not place.registry:
            say("taking the images into the cluster")
            for image in (*images.all, *samples):
                cluster.take(image.archive)
        install(cluster, images, chart, say)
        say("running the scenarios")
        _run_scenarios(cluster, images, chosen, say)
        if chart:
            _pytest(OF_THE_REAL_ONE, {"TEST_CLUSTER_KUBECONFIG": str(cluster.kubeconfig)})
        say("every scenario has passed")


def _run_scenarios(cluster: Cluster, images: Images, chosen: tuple[str, ...], say: Progress) -> None:
    environment = {
        "E2E_KUBECONFIG": str(cluster.kubeconfig),
        "E2E_PULL_POLICY": cluster.pull_policy,
        "E2E_OPERATOR_IMAGE": images.operator.name,
        "E2E_NIM_IMAGE": images.nim.name,
        "E2E_RELEASED_IMAGE": images.released.name,
    }
    try:
        _pytest((*SCENARIOS, *chosen), environment)
    except subprocess.CalledProcessError:
        FOLDER.mkdir(parents=True, exist_ok=True)
        left = FOLDER / "failed.txt"
        left.write_text(described(cluster.kubeconfig), encoding="utf-8")
        kept = f"; it stays: export KUBECONFIG={cluster.kubeconfig}" if os.environ.get("KEEP") else ""
        say(f"a scenario has failed; {left.relative_to(CHECKOUT)} has the cluster's pods, Events and logs{kept}")
        raise


def _pytest(arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=CHECKOUT, env=os.environ | environment, check=True)
