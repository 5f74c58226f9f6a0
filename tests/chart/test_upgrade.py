"""From a released version to this one, with resources that had converged: no pod is replaced.

The release is installed of the frozen manifests. The resources are written as the released operator left them in the
API server: what it had applied, under its own field manager, and the status.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.audit import WRITES
from local.cluster import OPERATOR_NAMESPACE, OPERATOR_USER, LocalCluster
from local.objects import wait_for
from tests.chart.conftest import CHART, RELEASE, Helm
from tests.support.prometheus import scrape
from tests.upgrade.frozen_outputs import FOLDER, OPERATOR_ENVIRONMENT, VERSIONS, records
from tests.upgrade.leftovers import KINDS, everything, make, without_marks

pytestmark = pytest.mark.chart
SETTINGS = json.dumps(
    {
        name.removeprefix("RUNAI_NIM_").lower(): json.loads(value) if value.startswith("[") else value
        for name, value in OPERATOR_ENVIRONMENT.items()
    }
)

Upgrade = Callable[..., None]


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def upgrade(version: str, bare_cluster: LocalCluster, helm: Helm, tmp_path: Path) -> Iterator[Upgrade]:
    """The released version is installed; upgrade(chart, "--set=…") brings the release to another one."""
    folder = tmp_path / RELEASE
    (folder / "templates").mkdir(parents=True)
    about = {"apiVersion": "v2", "name": RELEASE, "version": version}
    (folder / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    text = (FOLDER / version / "manifests.yaml").read_text(encoding="utf-8")
    assert "{{" not in text
    (folder / "templates" / "all.yaml").write_text(text, encoding="utf-8")
    where = (f"--kubeconfig={bare_cluster.control_plane.kubeconfig}", f"--namespace={OPERATOR_NAMESPACE}")

    def run(chart: Path, *arguments: str) -> None:
        helm("upgrade", RELEASE, str(chart), "--install", "--create-namespace", *where, *arguments)

    run(folder)
    bare_cluster.kubectl("wait", "--for=condition=Established", "crd", "runainimservices.runai-nim.io")
    bare_cluster.stand_in.start()
    yield run
    bare_cluster.operator.stop()
    namespaces = [record["name"] for record in records(version, "stored.jsonl")]
    bare_cluster.kubectl("delete", "namespace", *namespaces, "--timeout=60s")
    bare_cluster.stand_in.stop()
    helm("uninstall", RELEASE, *where)


def test_an_upgrade_marks_claims_and_routes_and_replaces_no_pod(
    version: str, bare_cluster: LocalCluster, upgrade: Upgrade, tmp_path: Path
) -> None:
    """What 0.1.0 made gets the uid of its RunaiNimService and a hash, in one write each. Nothing else is written."""
    cluster = bare_cluster
    stored = records(version, "stored.jsonl")
    for record in stored:
        cluster.kubectl("create", "namespace", record["name"])
        make(cluster, record)
    before = {record["name"]: everything(cluster, record["name"]) for record in stored}
    assert {obj["kind"] for found in before.values() for obj in found} == {kind.split()[1] for kind in KINDS}
    mark = cluster.audit_log.mark()
    upgrade(CHART, "--set=image.repository=registry.example.com/runai-nim-operator", f"--set-json=settings={SETTINGS}")
    made = cluster.kubectl("get", "configmap", RELEASE, f"--namespace={OPERATOR_NAMESPACE}", "--output=json")
    settings = tmp_path / "settings.yaml"
    settings.write_text(json.loads(made)["data"]["settings.yaml"], encoding="utf-8")
    cluster.operator.start(environment={"RUNAI_NIM_SETTINGS_FILE": str(settings)})
    wait_for(lambda: passes(cluster) >= len(stored))
    time.sleep(3)

    requests = cluster.audit_log.requests(mark, OPERATOR_USER)
    writes = [request for request in requests if request.verb in WRITES and request.namespace in before]
    kinds = Counter(child["kind"] for record in stored for child in record["children"])
    marked = {"persistentvolumeclaims": kinds["PersistentVolumeClaim"], "ingresses": kinds["Ingress"]}
    # Conditions have other messages, warnings, and Scaling is a new one: a status write each.
    statuses = Counter(request.namespace for request in writes if request.subresource == "status")
    assert set(statuses.values()) <= {1}
    told = Counter(request.namespace for request in writes if request.resource == "events")
    assert told.keys() <= {name for name in before if _has_warnings(cluster, name)}
    others = (
        request.resource for request in writes if request.subresource != "status" and request.resource != "events"
    )
    assert Counter(others) == (marked if version == "0.1.0" else {})
    for namespace, found in before.items():
        now = everything(cluster, namespace)
        assert [_without_words(obj) for obj in now] == [_without_words(obj) for obj in found]


def _has_warnings(cluster: LocalCluster, namespace: str) -> bool:
    conditions = (
        condition
        for obj in everything(cluster, namespace)
        if obj["kind"] == "RunaiNimService"
        for condition in obj["status"]["conditions"]
    )
    return any(condition["reason"] == "TranslatedWithWarnings" for condition in conditions)


def _without_words(obj: dict[str, Any]) -> dict[str, Any]:
    """Without marks, and of a RunaiNimService without what rewording, new warnings and new fields change."""
    found = without_marks(obj)
    if found["kind"] == "RunaiNimService":
        found["metadata"].pop("resourceVersion")
        found["status"].pop("gpusInUse", None)  # 0.1.0 had none
        found["status"]["conditions"] = [
            {key: value for key, value in condition.items() if key != "message"}
            for condition in found["status"]["conditions"]
            if condition["type"] not in ("Translated", "Scaling")
        ]
    return found


def passes(cluster: LocalCluster) -> float:
    """RunaiNimServices that the operator has looked at to the end."""
    return scrape(cluster)("controller_runtime_reconcile_total", result="success")
