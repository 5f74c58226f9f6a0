"""A claim that is Pending, by what its events say."""

from dataclasses import replace

import pytest

from runai_nim.domain.observed import ObservedClaim, ObservedEvent
from runai_nim.domain.status import row_for
from runai_nim.domain.status.model_store import storage_ready_condition
from tests.support.observations import CLAIM, NOW, a_workload, facts

PENDING = replace(CLAIM, phase="Pending", storage_class="fast")
BARE = replace(PENDING, storage_class="")
MADE_BY = replace(PENDING, annotations={**CLAIM.annotations, "volume.kubernetes.io/storage-provisioner": "csi.example"})


@pytest.mark.parametrize(
    ("claim", "event", "status", "reason", "says"),
    [
        (
            PENDING,
            ObservedEvent("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found', NOW),
            "False",
            "StorageClassNotFound",
            "waits for StorageClass fast, which does not exist; create it",
        ),
        (
            BARE,
            ObservedEvent(
                "FailedBinding", "no persistent volumes available for this claim and no storage class is set", NOW
            ),
            "False",
            "StorageClassNotFound",
            "no default StorageClass",
        ),
        (
            PENDING,
            ObservedEvent("ProvisioningFailed", "rpc error: code = ResourceExhausted desc = pool is full", NOW),
            "False",
            "ClaimNotProvisioned",
            "pool is full",
        ),
        (
            PENDING,
            ObservedEvent("WaitForFirstConsumer", "waiting for first consumer to be created before binding", NOW),
            "Unknown",
            "ClaimPending",
            "(WaitForFirstConsumer)",
        ),
        (
            PENDING,
            ObservedEvent("ExternalProvisioning", "Waiting for a volume to be created by 'csi.example'", NOW),
            "Unknown",
            "ClaimPending",
            "waits for its provisioner: Waiting for a volume to be created by 'csi.example'; see whether it runs",
        ),
        (
            PENDING,
            ObservedEvent("Odd", "?", NOW),
            "Unknown",
            "ClaimPending",
            "of StorageClass fast, or for its first pod",
        ),
        (MADE_BY, None, "Unknown", "ClaimPending", "waits for provisioner csi.example"),
        (BARE, None, "Unknown", "ClaimPending", "without a default StorageClass in the cluster it waits for ever"),
    ],
)
def test_what_a_claim_waits_for(
    claim: ObservedClaim, event: ObservedEvent | None, status: str, reason: str, says: str
) -> None:
    events = {"c1": (event,)} if event else {}
    condition = storage_ready_condition(facts(claim=claim, events=events))
    assert (condition.status, condition.reason) == (status, reason)
    assert says in condition.message


def test_ready_tells_of_a_storage_class_that_is_missing() -> None:
    event = ObservedEvent("ProvisioningFailed", 'storageclass.storage.k8s.io "fast" not found', NOW)
    starting = a_workload(available_replicas=0)
    found = facts(nim={"state": "NotReady"}, claim=PENDING, events={"c1": (event,)}, workload=starting)
    assert (row_for(found).phase, storage_ready_condition(found).reason) == ("Pending", "StorageClassNotFound")
    assert "StorageClass fast" in row_for(found).message(found)
