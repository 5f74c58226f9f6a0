"""The main job on a real API server: a RunaiNimService is applied, becomes a NIMService and a claim, and runs."""

import time
from collections.abc import Callable

import pytest

from local.audit import READS, WRITES, AuditLog, Request
from local.cluster import OPERATOR_USER, Program
from local.objects import Objects, wait_for
from runai_nim.api import well_known
from runai_nim.kube import name_lookup
from tests.support.services import CLAIM, CR, NIMSERVICE, present, reason, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process")


def test_it_runs(objects: Objects, kubectl: Callable[..., str], namespace: str, stand_in: Program) -> None:
    kubectl("label", "namespace", namespace, "runai/queue=team-a")
    objects.apply(sample("gpu-portion"))
    kubectl("wait", "--for=condition=Ready", "rnim", "--all", "--timeout=30s", f"--namespace={namespace}")
    status = present(objects, CR, "llama-8b")["status"]
    assert status["phase"] == "Running"
    assert (status["project"], status["gpu"], status["readyReplicas"]) == ("team-a", "0.5", 1)
    assert status["gpusInUse"] == "0.5"
    assert present(objects, CLAIM, "llama-8b-model-store")["status"]["phase"] == "Bound"
    owner = present(objects, NIMSERVICE, "llama-8b")["metadata"]["ownerReferences"][0]
    assert (owner["kind"], owner["controller"], owner["blockOwnerDeletion"]) == ("RunaiNimService", True, True)


def test_it_is_written_once(
    objects: Objects, namespace: str, audit_log: AuditLog, operator_process: Program, stand_in: Program
) -> None:
    stand_in.start("--never-act")
    mark = audit_log.mark()
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "NIMServiceNotSeen")
    time.sleep(2)

    def ours(since: int) -> list[Request]:
        requests = audit_log.requests(since, OPERATOR_USER)
        return [r for r in requests if r.namespace == namespace and r.resource != "events"]

    writes = sorted((r.verb, r.resource, r.subresource) for r in ours(mark) if r.verb in WRITES)
    assert writes == [
        ("patch", "nimservices", ""),
        ("patch", "persistentvolumeclaims", ""),
        ("patch", "runainimservices", "status"),
    ]
    # Whose names the NIM Operator will take, and whether the resource is still there, each once; the rest is known.
    reads = [(r.verb, r.resource, r.name) for r in ours(mark) if r.verb in READS and r.verb != "watch"]
    asked = {(kind.plural, "llama-8b") for kind in name_lookup.NAMED_KINDS}
    asked |= {(kind.plural, "llama-8b-epp") for kind in name_lookup.PICKER_KINDS}
    asked.add((well_known.PLURAL, "llama-8b"))
    assert (len(reads), {read[1:] for read in reads}) == (len(asked), asked)
    assert {read[0] for read in reads} == {"get"}
    mark = audit_log.mark()
    operator_process.start()
    time.sleep(3)
    assert [r for r in ours(mark) if r.verb in WRITES] == []


def test_ready_waits_for_this_spec_s_deployment(objects: Objects, stand_in: Program) -> None:
    serve(objects)
    delay = {"metadata": {"annotations": {"stand-in.runai-nim.io/delay-deployment": "3"}}}
    objects.patch(NIMSERVICE, "llama-8b", delay)
    objects.apply(sample("gpu-portion", image="nvcr.io/nim/meta/llama-3.1-8b-instruct:9.9.9"))
    settled(objects, "llama-8b", "NIMServiceNotSeen")
    assert present(objects, CR, "llama-8b")["status"]["phase"] == "Updating"
    settled(objects, "llama-8b", "Running")
    deployment = present(objects, "apps/v1 Deployment", "llama-8b")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":9.9.9")


def test_a_change_of_the_service_alone_is_seen(objects: Objects, stand_in: Program) -> None:
    serve(objects)
    serving = {**sample("gpu-portion")["spec"]["servingPort"], "serviceType": "NodePort"}
    objects.apply(sample("gpu-portion", servingPort=serving))
    wait_for(lambda: present(objects, "v1 Service", "llama-8b")["spec"]["type"] == "NodePort")
    settled(objects, "llama-8b", "Running", generation=2)


def test_a_mistake_is_named_and_its_correction_heals(objects: Objects, stand_in: Program) -> None:
    objects.apply(sample("mistake"))
    settled(objects, "mixtral", "LimitBelowRequest")
    assert reason(objects, "mixtral", "Stalled") == "LimitBelowRequest"
    assert objects.list(NIMSERVICE) == []
    assert objects.list(CLAIM) == []
    compute = {**sample("mistake")["spec"]["compute"], "cpuMemoryLimit": "64Gi"}
    objects.apply(sample("mistake", compute=compute))
    settled(objects, "mixtral", "Running")
    assert reason(objects, "mixtral", "Stalled") == ""


def test_a_later_mistake_leaves_the_last_good_nimservice_alone(objects: Objects, stand_in: Program) -> None:
    serve(objects)
    before = present(objects, NIMSERVICE, "llama-8b")["metadata"]["resourceVersion"]
    objects.apply(sample("gpu-portion", compute={"cpuMemoryRequest": "10 GB"}))
    settled(objects, "llama-8b", "InvalidQuantity")
    assert present(objects, CR, "llama-8b")["status"]["phase"] == "Degraded"
    assert present(objects, NIMSERVICE, "llama-8b")["metadata"]["resourceVersion"] == before


def test_a_foreign_nimservice_is_never_overwritten(objects: Objects, stand_in: Program) -> None:
    foreign = {
        "apiVersion": "apps.nvidia.com/v1alpha1",
        "kind": "NIMService",
        "metadata": {"name": "llama-8b", "annotations": {"stand-in.runai-nim.io/never-act": "true"}},
        "spec": {"image": {"repository": "r", "tag": "t"}, "authSecret": "s", "storage": {"pvc": {"name": "p"}}},
    }
    objects.apply(foreign)
    before = present(objects, NIMSERVICE, "llama-8b")["metadata"]["resourceVersion"]
    objects.apply(sample("gpu-portion"))
    settled(objects, "llama-8b", "NameConflict")
    assert present(objects, NIMSERVICE, "llama-8b")["metadata"]["resourceVersion"] == before
    objects.delete(NIMSERVICE, "llama-8b")
    settled(objects, "llama-8b", "Running")


def test_from_claim_to_cache_and_back(objects: Objects, stand_in: Program) -> None:
    serve(objects)
    claim = sample("gpu-portion")["spec"]["modelStore"]
    replaced = sample("gpu-portion")
    replaced["spec"]["modelStore"] = {"nimCache": {"name": "cache"}}
    objects.apply(replaced)
    settled(objects, "llama-8b", "NIMCacheNotFound")
    assert present(objects, NIMSERVICE, "llama-8b")["spec"]["storage"]["nimCache"]["name"] == "cache"
    serve(objects, modelStore=claim)
