"""What the chart makes, and every manifest that people may take from here, against the schemas of a real API server."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, LocalCluster
from local.objects import wait_for
from local.programs import chart_programs
from tests.chart.conftest import CASES, CHART, RELEASE, Helm
from tests.chart.schemas import LOCATION, write_schemas
from tests.docs.guide import PAGES, documents

pytestmark = pytest.mark.chart
OTHER_CRDS = Path(os.environ.get("OTHER_CRDS") or CHECKOUT.parent / "shared" / "other-crds")
MONITORING = sorted(OTHER_CRDS.glob("monitoring.coreos.com_*.yaml"))
# Kinds of Argo CD and Flux, whose CRDs are not at hand.
THEIRS = "Application,AppProject,GitRepository,HelmRelease,Kustomization"


@pytest.fixture(scope="module")
def schemas(bare_cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the schema of every kind of a cluster that has ours and the Prometheus Operator's."""
    kubectl = bare_cluster.kubectl
    if not MONITORING:
        pytest.skip(f"there are no monitoring.coreos.com_*.yaml in {OTHER_CRDS}: name the folder in OTHER_CRDS")
    crds = [*MONITORING, CHECKOUT / "crds"]
    # Without ours the chart could not be installed afterwards: they are deleted again.
    kubectl("apply", "--server-side", *(f"--filename={path}" for path in crds))
    kubectl("wait", "--for=condition=Established", "crd", "--all")
    document: dict[str, Any] = {}

    def published() -> bool:
        document.update(json.loads(kubectl("get", "--raw=/openapi/v2")))
        names = " ".join(document["definitions"])
        return all(
            kind in names
            for kind in ("RunaiNimService", "RunaiNimPolicy", "ServiceMonitor", "PrometheusRule", "NIMService")
        )

    wait_for(published, pause=0.5)
    folder = tmp_path_factory.mktemp("schemas")
    write_schemas(document, folder)
    kubectl("delete", f"--filename={CHECKOUT / 'crds'}")
    return folder


def kubeconform(schemas: Path, manifests: str) -> None:
    """Raises AssertionError with what it says."""
    command = [
        str(chart_programs() / "kubeconform"),
        "-strict",
        "-schema-location",
        f"{schemas}/{LOCATION}",
        "-skip",
        THEIRS,
    ]
    result = subprocess.run(command, input=manifests, text=True, capture_output=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir()))
def test_the_chart_s_objects_conform(name: str, helm: Helm, schemas: Path, bare_cluster: LocalCluster) -> None:
    values = f"--values={CASES / name / 'values.yaml'}"
    manifests = helm("template", RELEASE, str(CHART), f"--namespace={OPERATOR_NAMESPACE}", values)

    kubeconform(schemas, manifests)
    # Bounds, CEL and names too, which schemas don't have.
    named = {made["metadata"].get("namespace") for made in yaml.safe_load_all(manifests) if made}
    for namespace in {OPERATOR_NAMESPACE, *named} - {None}:
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        bare_cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(made))
    try:
        bare_cluster.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=manifests)
    except subprocess.CalledProcessError as error:
        pytest.fail(error.stderr)


@pytest.mark.parametrize(
    "folder", ["samples", "samples/shorthand", "samples/nvfractions", "samples/policies", "argocd", "flux"]
)
def test_manifests_to_take_conform(folder: str, schemas: Path) -> None:
    files = sorted((CHECKOUT / "deploy" / folder).glob("*.yaml"))

    assert files
    for path in files:
        kubeconform(schemas, path.read_text(encoding="utf-8"))


def test_the_guide_s_manifests_conform(schemas: Path) -> None:
    manifests = [document for page in PAGES for document in documents(page) if "kind" in document]

    assert {made["kind"] for made in manifests} == {"NIMCache", "Role", "RunaiNimService", "ServiceMonitor"}
    kubeconform(schemas, yaml.safe_dump_all(manifests))


@pytest.mark.parametrize(
    ("path", "value"),
    [(("spec", "replica"), 1), (("spec", "template", "spec", "enableServiceLink"), True), (("spec", "replicas"), "1")],
)
def test_what_does_not_conform_is_found(path: tuple[str, ...], value: Any, helm: Helm, schemas: Path) -> None:
    arguments = ("template", RELEASE, str(CHART), "--set=image.repository=x", "--show-only=templates/deployment.yaml")
    deployment = yaml.safe_load(helm(*arguments))
    place = deployment
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    with pytest.raises(AssertionError, match=path[-1]):
        kubeconform(schemas, yaml.safe_dump(deployment))
