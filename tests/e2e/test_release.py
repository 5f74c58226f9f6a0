"""The life of a release while models run: uninstalled, installed again, and upgraded from a released version.

The tests go on from each other, and are the last: after the first there is no operator.
"""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from local.cluster import OPERATOR_NAMESPACE
from local.e2e.images import unpack_released
from local.e2e.installation import CHART, RELEASE, values
from local.objects import Object
from runai_nim.api.kinds import KINDS
from tests.e2e.cluster import Client, Cluster
from tests.e2e.conftest import NOTE
from tests.e2e.models import Case, Model
from tests.e2e.test_operator import Note

CRDS = [kind.crd_name for kind in KINDS]
KEPT = Case("kept")
UPGRADED = Case("upgraded")
WHERE = f"--namespace={OPERATOR_NAMESPACE}"
WAIT = ("--wait", "--timeout=5m")
POD_ID = [{"name": "POD_ID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
"""What 0.1.0 needs on a real node, and its chart doesn't give it."""


def of_pods(model: Model) -> set[tuple[str, int]]:
    """Uid and restarts of the model's pods."""
    return {
        (pod["metadata"]["uid"], status["restartCount"])
        for pod in model.pods
        for status in pod["status"]["containerStatuses"]
    }


def install(cluster: Cluster, *others: str) -> None:
    installed = cluster.installed
    given = values(installed.operator_image, installed.pull_policy)
    cluster.helm("upgrade", "--install", RELEASE, str(CHART), WHERE, *given, *others, *WAIT)


@pytest.mark.parametrize("case", [KEPT], ids=["kept"])
def test_uninstalling_leaves_the_kind_and_a_model_that_answers(model: Model, cluster: Cluster, client: Client) -> None:
    model.running()
    before = of_pods(model)
    cluster.helm("uninstall", RELEASE, WHERE, *WAIT)

    assert len(cluster.kubectl("get", "crd", *CRDS, "--output=name").split()) == len(CRDS)
    model.wait(lambda: cluster.kubectl("get", "pods", WHERE, "--output=name") == "")
    assert client.ask("GET", f"{model.cr['status']['internalUrl']}/v1/models")[0] == 200
    assert of_pods(model) == before


@pytest.mark.parametrize("case", [KEPT], ids=["kept"])
def test_installing_again_takes_the_model_up_and_what_was_changed_meanwhile(model: Model, cluster: Cluster) -> None:
    before = of_pods(model)
    model.change(replicas=2)
    install(cluster)
    model.wait(lambda: model.cr["status"].get("readyReplicas") == 2)

    assert model.running()
    assert before < of_pods(model)


@pytest.mark.parametrize("case", [UPGRADED], ids=["upgraded"])
def test_upgrading_a_released_version_restarts_no_pod_of_a_model(
    model: Model, cluster: Cluster, tmp_path: Path, record_property: Note
) -> None:
    installed = cluster.installed
    cluster.helm("uninstall", RELEASE, WHERE, *WAIT)
    cluster.kubectl("delete", "crd", *CRDS, "--timeout=120s")  # and every model and policy of this run
    model.wait(lambda: model.pods == [])
    unpack_released("charts/runai-nim-operator", tmp_path)
    released = str(tmp_path / "charts" / "runai-nim-operator")
    repository, _, tag = installed.released_image.rpartition(":")
    image = (f"--set=image.repository={repository}", f"--set-string=image.tag={tag}")
    settings = (f"--set=image.pullPolicy={installed.pull_policy}", "--set=settings.scheduler_name=default-scheduler")
    cluster.helm(
        "install", RELEASE, released, WHERE, *image, *settings, f"--set-json=extraEnv={json.dumps(POD_ID)}", *WAIT
    )
    for manifest in UPGRADED.manifests(installed.nim_image, model.namespace):
        model.objects.apply(manifest)
    model.running()
    code = ("python", "-c", "import runai_nim; print(runai_nim.__file__)")
    assert "/opt/released/" in cluster.kubectl("exec", f"deployment/{RELEASE}", WHERE, "--", *code)
    before, written = of_pods(model), nimservice(model)
    begun = time.monotonic()
    install(cluster, "--reset-values")
    record_property(NOTE, f"upgraded in {time.monotonic() - begun:.0f} s")
    leads = cluster.objects(OPERATOR_NAMESPACE)

    def taken_over() -> bool:
        lease = leads.get("coordination.k8s.io/v1 Lease", RELEASE)
        pods = [pod["metadata"]["name"] for pod in leads.list("v1 Pod", f"app.kubernetes.io/name={RELEASE}")]
        return lease is not None and any(lease["spec"]["holderIdentity"].startswith(name) for name in pods)

    model.wait(taken_over)
    time.sleep(5)  # nothing is to happen
    assert model.running()
    assert nimservice(model) == written
    assert of_pods(model) == before


def nimservice(model: Model) -> Any:
    """What the operator has written: spec and generation."""
    found: Object | None = model.objects.get("apps.nvidia.com/v1alpha1 NIMService", "nim")
    assert found is not None
    return found["metadata"]["generation"], found["spec"]
