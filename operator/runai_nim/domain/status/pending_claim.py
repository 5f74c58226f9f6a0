"""A claim that is Pending: for want of a StorageClass, a provisioner or a first consumer."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from runai_nim.api.v1alpha1.status import ConditionStatus
from runai_nim.domain.observed import ObservedClaim, ObservedEvent
from runai_nim.domain.reasons import Reason

_PROVISIONERS: Final = ("volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")
"""Annotations with the provisioner of the claim's StorageClass, set by the controller of volumes once it needs it."""
_NO_CLASS: Final = re.compile(r'storageclass(\.storage\.k8s\.io)? "[^"]*" not found', re.IGNORECASE)
_NO_DEFAULT: Final = "no storage class is set"


class PendingClaim(NamedTuple):
    """Status, reason and message of condition StorageReady."""

    status: ConditionStatus
    reason: Reason
    message: str


def pending_claim(claim: ObservedClaim, events: Sequence[ObservedEvent]) -> PendingClaim:
    """What the claim waits for, by the newest of its events that says so, else by the claim itself."""
    name = f"PersistentVolumeClaim {claim.name}"
    for event in events:
        if found := _by_event(claim, name, event):
            return found
    if provisioner := next((claim.annotations[key] for key in _PROVISIONERS if key in claim.annotations), ""):
        return _waits(f"{name} waits for provisioner {provisioner} to make its volume; see whether it runs")
    if not claim.storage_class:
        return _waits(
            f"{name} waits for a volume, or for its first pod; it names no storage class: without a default"
            " StorageClass in the cluster it waits for ever"
        )
    return _waits(f"{name} waits for a volume of StorageClass {claim.storage_class}, or for its first pod")


def _by_event(claim: ObservedClaim, name: str, event: ObservedEvent) -> PendingClaim | None:
    if _NO_CLASS.search(event.message):
        remedy = "create it, or name another one in a new claim (spec.modelStore.pvc.claimInfo.storageClass, claimName)"
        message = f"{name} waits for StorageClass {claim.storage_class}, which does not exist; {remedy}"
        return PendingClaim("False", Reason.STORAGE_CLASS_NOT_FOUND, message)
    if _NO_DEFAULT in event.message:
        message = (
            f"{name} names no storage class, and the cluster has no default StorageClass; mark one as default, or name"
            " one in a new claim (spec.modelStore.pvc.claimInfo.storageClass, claimName)"
        )
        return PendingClaim("False", Reason.STORAGE_CLASS_NOT_FOUND, message)
    if event.reason == "ProvisioningFailed":
        message = f"{name} gets no volume: {event.message}; see its StorageClass and the provisioner"
        return PendingClaim("False", Reason.CLAIM_NOT_PROVISIONED, message)
    if event.reason in ("WaitForFirstConsumer", "WaitForPodScheduled"):
        return _waits(
            f"{name} waits for a pod that uses it to be scheduled, as its storage class wants (WaitForFirstConsumer)"
        )
    if event.reason in ("ExternalProvisioning", "Provisioning"):
        return _waits(f"{name} waits for its provisioner: {event.message}; see whether it runs")
    return None


def _waits(message: str) -> PendingClaim:
    return PendingClaim("Unknown", Reason.CLAIM_PENDING, message)
