"""From a released version to this one, with resources that had converged: nothing is written, and no pod is replaced.

The release is installed of the frozen manifests. The resources are written as the released operator left them in the
API server: what it had applied, under its own field manager, and the status.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from local.audit import WRITES
from local.cluster import OPERATOR_NAMESPACE, OPERATOR_USER, LocalCluster
from local.objects import Object, Objects, wait_for
from runai_nim import keys
from tests.chart.conftest import CHART, RELEASE, Helm
from tests.cluster.services import CLAIM, CR, DEPLOYMENT, LWS, NIMSERVICE
from tests.scraped import scrape
from tests.upgrade.frozen import FOLDER, OPERATOR_ENVIRONMENT, VERSIONS, Record, cache_ready, records

pytestmark = pytest.mark.chart
SETTINGS = json.dumps({name.removeprefix("RUNAI_NIM_").lower(): value for name, value in OPERATOR_ENVIRONMENT.items()})
INGRESS = "networking.k8s.io/v1 Ingress"
KINDS = (CR, NIMSERVICE, CLAIM, INGRESS, DEPLOYMENT, LWS)

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


def make(cluster: LocalCluster, record: Record) -> None:
    """Write what the released operator had written, and let the NIM Operator act on it."""
    namespace, name = record["name"], record["cr"]["metadata"]["name"]
    cluster.kubectl("create", "namespace", namespace)
    cluster.kubectl("label", "namespace", namespace, "runai/queue=team-a")
    with Objects(Path(cluster.control_plane.kubeconfig), namespace) as objects:
        cache_ready(objects)
        uid = objects.apply(record["cr"])["metadata"]["uid"]
        for child in record["children"]:
            for owner in child["metadata"].get("ownerReferences", ()):
                owner["uid"] = uid
        manager = f"--field-manager={keys.FIELD_MANAGER}"
        children = "---\n".join(yaml.safe_dump(child) for child in record["children"])
        cluster.kubectl("apply", "--server-side", manager, "--filename=-", stdin=children)
        wanted = "Ready" if record["status"]["phase"] == "Running" else "NotReady"
        wait_for(lambda: (objects.get(NIMSERVICE, name) or {}).get("status", {}).get("state") == wanted)
        cluster.kubectl(
            *("patch", "rnim", name, f"--namespace={namespace}", "--subresource=status", "--type=merge"),
            *(manager, f"--patch={json.dumps({'status': record['status']})}"),
        )


def everything(cluster: LocalCluster, namespace: str) -> list[Object]:
    with Objects(Path(cluster.control_plane.kubeconfig), namespace) as objects:
        return [found for kind in KINDS for found in objects.list(kind)]


def versions(found: list[Object]) -> dict[tuple[str, str], str]:
    return {(obj["kind"], obj["metadata"]["name"]): obj["metadata"]["resourceVersion"] for obj in found}


def test_an_upgrade_writes_nothing_and_replaces_no_pod(
    version: str, bare_cluster: LocalCluster, upgrade: Upgrade, tmp_path: Path
) -> None:
    cluster, stored = bare_cluster, records(version, "stored.jsonl")
    for record in stored:
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
    assert [request for request in requests if request.verb in WRITES and request.namespace in before] == []
    for namespace, found in before.items():
        now = everything(cluster, namespace)
        assert versions(now) == versions(found)
        assert [obj["spec"].get("template") for obj in now] == [obj["spec"].get("template") for obj in found]


def passes(cluster: LocalCluster) -> float:
    """RunaiNimServices that the operator has looked at to the end."""
    return scrape(cluster)("controller_runtime_reconcile_total", result="success")
