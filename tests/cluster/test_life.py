"""The life of a RunaiNimService beside restarts, absences and hands that reach in, on a real API server."""

import time
from collections.abc import Callable, Iterator

import pytest

from local.audit import WRITES, AuditLog
from local.cluster import CHECKOUT, OPERATOR_USER, LocalCluster, Program
from local.loopback import answers
from local.objects import Objects, wait_for
from tests.support.services import CLAIM, CR, DEPLOYMENT, NIMSERVICE, condition, present, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

QUIET_SECONDS = 60


@pytest.mark.long
def test_a_converged_service_is_left_alone(
    objects: Objects, namespace: str, audit_log: AuditLog, operator_process: Program
) -> None:
    serve(objects)
    # The Kubernetes event that tells of it follows the status.
    wait_for(lambda: any(event["reason"] == "Running" for event in objects.list("v1 Event")))
    mark = audit_log.mark()
    time.sleep(QUIET_SECONDS)
    operator_process.start()
    time.sleep(3)
    ours = [r for r in audit_log.requests(mark, OPERATOR_USER) if r.namespace == namespace and r.verb in WRITES]
    assert ours == []


def test_no_request_of_the_operator_is_forbidden(
    objects: Objects, namespace: str, audit_log: AuditLog, operator_process: Program
) -> None:
    mark = audit_log.mark()
    operator_process.start()
    serve(objects)
    # In the namespaces of earlier tests, which are being deleted, nothing may be made: that is a 403 too.
    ours = [r for r in audit_log.requests(mark, OPERATOR_USER) if r.namespace in ("", namespace)]
    assert len(ours) > 10
    assert [r for r in ours if r.code in (401, 403)] == []


def test_it_says_that_it_is_alive(cluster: LocalCluster) -> None:
    assert answers(cluster.healthz_url)


def test_deleting_it_takes_the_nimservice_and_keeps_the_claim(objects: Objects) -> None:
    serve(objects)
    objects.delete(CR, "llama-8b")
    wait_for(lambda: objects.get(NIMSERVICE, "llama-8b") is None and objects.get(DEPLOYMENT, "llama-8b") is None, 60)
    assert present(objects, CLAIM, "llama-8b-model-store")["metadata"].get("deletionTimestamp") is None


def test_a_claim_grows_and_never_shrinks(objects: Objects) -> None:
    objects.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", **GROWING})
    store = {"pvc": {"claimInfo": {"size": "10Gi", "storageClass": "growing"}}}
    serve(objects, modelStore=store)
    bigger = {"pvc": {"claimInfo": {"size": "20Gi", "storageClass": "growing"}}}
    objects.apply(sample("gpu-portion", modelStore=bigger))
    wait_for(lambda: _requested(objects) == "20Gi")
    objects.apply(sample("gpu-portion", modelStore=store))
    settled(objects, "llama-8b", "ClaimCannotShrink")
    assert "20Gi of claim llama-8b-model-store" in condition(objects, "llama-8b", "Stalled")["message"]
    assert _requested(objects) == "20Gi"


def test_a_class_that_is_not_asked_for_any_more_does_not_stand_in_the_way(objects: Objects) -> None:
    objects.apply({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", **GROWING})
    serve(objects, modelStore={"pvc": {"claimInfo": {"size": "10Gi", "storageClass": "growing"}}})
    objects.apply(sample("gpu-portion", modelStore={"pvc": {"claimInfo": {"size": "20Gi"}}}))
    wait_for(lambda: _requested(objects) == "20Gi")
    settled(objects, "llama-8b", "Running", generation=2)
    assert present(objects, CLAIM, "llama-8b-model-store")["spec"]["storageClassName"] == "growing"


GROWING = {"metadata": {"name": "growing"}, "provisioner": "example.com/none", "allowVolumeExpansion": True}


def _requested(objects: Objects) -> str:
    return str(present(objects, CLAIM, "llama-8b-model-store")["spec"]["resources"]["requests"]["storage"])


def test_an_edit_by_hand_is_put_back_and_what_is_not_ours_stays(objects: Objects) -> None:
    serve(objects)
    edit = {"spec": {"schedulerName": "default-scheduler", "labels": {"theirs": "stays"}}}
    objects.patch(NIMSERVICE, "llama-8b", edit)
    wait_for(lambda: present(objects, NIMSERVICE, "llama-8b")["spec"]["schedulerName"] == "runai-scheduler")
    settled(objects, "llama-8b", "Running")
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["labels"]["theirs"] == "stays"


def test_a_nimservice_that_was_deleted_comes_back(objects: Objects) -> None:
    serve(objects)
    before = present(objects, NIMSERVICE, "llama-8b")["metadata"]["uid"]
    objects.delete(NIMSERVICE, "llama-8b")
    wait_for(
        lambda: (objects.get(NIMSERVICE, "llama-8b") or {"metadata": {"uid": before}})["metadata"]["uid"] != before
    )
    settled(objects, "llama-8b", "Running")


def test_stopped_and_started_again(objects: Objects) -> None:
    serve(objects)
    objects.apply(sample("gpu-portion", desiredPhase="Stopped"))
    settled(objects, "llama-8b", "Stopped")
    status = present(objects, CR, "llama-8b")["status"]
    assert (status["phase"], status["replicas"], condition(objects, "llama-8b", "Ready")["status"]) == (
        "Stopped",
        0,
        "True",
    )
    serve(objects)


@pytest.mark.long
def test_what_happens_while_the_operator_is_away_is_made_up_for(objects: Objects, operator_process: Program) -> None:
    serve(objects)
    operator_process.kill()
    objects.delete(CR, "llama-8b")
    objects.apply(sample("mistake"))
    operator_process.start()
    settled(objects, "mixtral", "LimitBelowRequest")
    wait_for(lambda: objects.get(NIMSERVICE, "llama-8b") is None, 60)


@pytest.mark.long
def test_an_api_server_that_was_away_is_found_again(objects: Objects, cluster: LocalCluster) -> None:
    cluster.control_plane.kill_program("kube-apiserver")
    time.sleep(1)
    cluster.control_plane.start_program("kube-apiserver")
    cluster.control_plane.wait_ready()
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "Running", 60)


@pytest.mark.long
def test_the_kai_dialect(objects: Objects, kubectl: Callable[..., str], namespace: str, kai: Program) -> None:
    kubectl("label", "namespace", namespace, "kai/project=team-b")
    serve(objects, compute={"gpuRequestType": "portion", "gpuPortionRequest": 0.5})
    live = present(objects, NIMSERVICE, "llama-8b")
    assert live["spec"]["schedulerName"] == "kai-scheduler"
    assert (
        live["spec"]["labels"]["kai.scheduler/queue"] == live["metadata"]["labels"]["kai.scheduler/queue"] == "team-b"
    )


@pytest.fixture
def kai(operator_process: Program) -> Iterator[Program]:
    """The operator for a cluster with the KAI scheduler alone."""
    operator_process.start(environment={"RUNAI_NIM_DIALECT": "kai"})
    yield operator_process
    operator_process.start()


@pytest.mark.long
def test_a_kind_that_comes_later_is_taken_up(
    objects: Objects, cluster: LocalCluster, kubectl: Callable[..., str]
) -> None:
    kubectl("delete", "crd", "nimservices.apps.nvidia.com", "--timeout=60s")
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "NIMOperatorNotInstalled", 30)
    kubectl("apply", "--server-side", f"--filename={CHECKOUT / 'local' / 'crds'}")
    settled(objects, "llama-8b", "Running", 60)
