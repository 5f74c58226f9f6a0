"""Transition from stopped to autoscaled.

A HorizontalPodAutoscaler ignores a Deployment with 0 replicas, and it depends on the NIM Operator's version whether
enabling scaling sets replicas. So the operator first starts the service, and enables scaling once it has replicas.
"""

from typing import Any

from runai_nim.api import well_known
from runai_nim.domain.observed import ObservedState


def start_before_autoscaling(manifest: dict[str, Any], observed: ObservedState) -> dict[str, Any]:
    """`manifest`, or for a service with 0 replicas a version with minReplicas and without autoscaling."""
    spec = manifest["spec"]
    workload = observed.workload
    if not spec.get("scale", {}).get("enabled") or workload is None or workload.spec_replicas > 0:
        return manifest
    # The hash differs from that of the final spec, so the operator applies the final spec later.
    seal = {well_known.SPEC_HASH: manifest["metadata"]["annotations"][well_known.SPEC_HASH] + "-waking"}
    service = spec["expose"]["service"]
    metadata = {**manifest["metadata"], "annotations": manifest["metadata"]["annotations"] | seal}
    awake = {key: value for key, value in spec.items() if key != "scale"}
    awake["replicas"] = spec["scale"]["hpa"]["minReplicas"]
    awake["expose"] = spec["expose"] | {"service": service | {"annotations": service["annotations"] | seal}}
    return {**manifest, "metadata": metadata, "spec": awake}
