"""Which spec the NIMService, its Service and its pods come from, proved by the hashes in their annotations."""

from collections.abc import Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.observed import ObservedState
from runai_nim.domain.translate import Desired


def carries_spec(desired: Desired, live: Mapping[str, Any]) -> bool:
    """Whether the NIMService was written from the current spec."""
    if desired.nimservice is None:
        return False
    wanted: str = desired.nimservice["metadata"]["annotations"][well_known.SPEC_HASH]
    return mapping(mapping(live.get("metadata")).get("annotations")).get(well_known.SPEC_HASH) == wanted


def is_spec_applied(desired: Desired, observed: ObservedState) -> bool:
    """Whether the NIM Operator made Service and workload from the current spec.

    It writes the Service first and may stop before the workload, so each carries its own proof: the Service the hash of
    the whole NIMService, the workload the hash of the pod template. (The workload's `nvidia.com/parent-spec-hash`
    proves nothing: it stays when a change doesn't affect the workload.)
    """
    live = observed.nimservice
    service = observed.service
    workload = observed.workload
    if desired.nimservice is None or live is None or service is None or workload is None:
        return False
    wanted_hash = desired.nimservice["metadata"]["annotations"][well_known.SPEC_HASH]
    replicas: int = desired.nimservice["spec"].get("replicas", workload.spec_replicas)
    return bool(
        # Children of a deleted NIMService with this name prove nothing.
        service.owner_uid == workload.owner_uid == live["metadata"]["uid"]
        and service.spec_hash == wanted_hash
        and workload.pod_hash == pod_hash(desired)
        and workload.spec_replicas == replicas
    )


def pod_hash(desired: Desired) -> str:
    """The hash of the pod template that the current spec leads to; empty for a rejected spec."""
    return "" if desired.nimservice is None else str(desired.nimservice["spec"]["annotations"][well_known.POD_HASH])
