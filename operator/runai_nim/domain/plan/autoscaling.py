"""Transition from stopped to autoscaled.

A HorizontalPodAutoscaler ignores a Deployment with 0 replicas, and it depends on the NIM Operator's version whether
enabling scaling sets replicas. So the operator first starts the service, and enables scaling once it has replicas. With
minReplicas 0 the autoscaler itself may have taken away all replicas, which are then left to it.
"""

from collections.abc import Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.observed import ObservedState


def start_before_autoscaling(manifest: dict[str, Any], observed: ObservedState) -> dict[str, Any]:
    """`manifest`, or for a stopped service a version with minReplicas, at least 1, and without autoscaling."""
    spec = manifest["spec"]
    workload = observed.workload
    if not spec.get("scale", {}).get("enabled") or workload is None or workload.spec_replicas > 0:
        return manifest
    fewest = spec["scale"]["hpa"]["minReplicas"]
    if fewest == 0 and _is_autoscaled(observed.nimservice):
        return manifest
    # The hash differs from that of the final spec, so the operator applies the final spec later.
    seal = {well_known.SPEC_HASH: manifest["metadata"]["annotations"][well_known.SPEC_HASH] + "-waking"}
    service = spec["expose"]["service"]
    metadata = {**manifest["metadata"], "annotations": manifest["metadata"]["annotations"] | seal}
    awake = {key: value for key, value in spec.items() if key != "scale"}
    awake["replicas"] = max(fewest, 1)
    awake["expose"] = spec["expose"] | {"service": service | {"annotations": service["annotations"] | seal}}
    return {**manifest, "metadata": metadata, "spec": awake}


def _is_autoscaled(live: Mapping[str, Any] | None) -> bool:
    """Whether the NIMService has autoscaling now, so that its autoscaler took away the replicas."""
    return mapping(mapping((live or {}).get("spec")).get("scale")).get("enabled") is True
