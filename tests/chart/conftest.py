"""helm and kubeconform, and the values that the chart is tried with."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, LocalCluster
from local.programs import chart_programs
from tests.support.snapshots import update_requested

CHART = CHECKOUT / "charts" / "runai-nim-operator"
CASES = Path(__file__).parent / "cases"
RELEASE = OPERATOR_SERVICE_ACCOUNT  # so that objects are called as those of deploy/rbac.yaml
IMAGE = {"image": {"repository": "registry.example.com/runai-nim-operator"}}
"""The one value without a default."""

Helm = Callable[..., str]
Render = Callable[..., list[dict[str, Any]]]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-snapshots", action="store_true", help="rewrite expected.yaml of the chart's cases")


@pytest.fixture(scope="session")
def update_snapshots(request: pytest.FixtureRequest) -> bool:
    return update_requested(request, "--update-snapshots")


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Run helm with empty settings of its own and return its output; CalledProcessError has its words in stderr."""
    home = str(tmp_path_factory.mktemp("helm"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HELM_")}
    environment |= {"HELM_CACHE_HOME": home, "HELM_CONFIG_HOME": home, "HELM_DATA_HOME": home}

    def run(*arguments: str, stdin: str | None = None) -> str:
        command = [str(chart_programs() / "helm"), *arguments]
        try:
            made = subprocess.run(command, input=stdin, env=environment, check=True, text=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            error.add_note(error.stderr)
            raise
        return made.stdout

    return run


@pytest.fixture(scope="session")
def render(helm: Helm) -> Render:
    """The objects that the chart makes of values, as of a file of them."""

    def run(values: dict[str, Any], name: str = RELEASE) -> list[dict[str, Any]]:
        text = helm(
            *("template", name, str(CHART), f"--namespace={OPERATOR_NAMESPACE}", "--values=-"),
            stdin=yaml.safe_dump(values),
        )
        return [made for made in yaml.safe_load_all(text) if made]

    return run


def case_values(name: str) -> dict[str, Any]:
    """The values of a case."""
    values: dict[str, Any] = yaml.safe_load((CASES / name / "values.yaml").read_text(encoding="utf-8"))
    return values


@pytest.fixture(scope="session")
def bare_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A control plane with the NIM Operator's kinds, and nothing of ours but what a test installs."""
    cluster = LocalCluster(tmp_path_factory.mktemp("chart"))
    with cluster.control_plane.processes.tied_to_this_process(), cluster.control_plane:
        cluster.kubectl("apply", "--server-side", f"--filename={CHECKOUT / 'local' / 'crds'}")
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        yield cluster
