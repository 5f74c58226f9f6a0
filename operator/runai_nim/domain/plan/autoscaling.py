"""From stopped to autoscaled. Pure.

A HorizontalPodAutoscaler leaves a Deployment without replicas alone, and whether the NIM Operator gives it one when
scaling is switched on depends on its version. So the service is started first, and scaled once it has replicas.
"""

from typing import Any

from runai_nim.api import well_known
from runai_nim.domain.observed import ObservedState


def start_before_autoscaling(manifest: dict[str, Any], observed: ObservedState) -> dict[str, Any]:
    """`manifest`, or what wakes the service first: as many replicas as are the fewest, and no scaling yet."""
    spec, workload = manifest["spec"], observed.workload
    if not spec.get("scale", {}).get("enabled") or workload is None or workload.spec_replicas > 0:
        return manifest
    # Another hash than the whole spec's: this is not it yet.
    seal = {well_known.SPEC_HASH: manifest["metadata"]["annotations"][well_known.SPEC_HASH] + "-waking"}
    service = spec["expose"]["service"]
    metadata = {**manifest["metadata"], "annotations": manifest["metadata"]["annotations"] | seal}
    awake = {key: value for key, value in spec.items() if key != "scale"}
    awake["replicas"] = spec["scale"]["hpa"]["minReplicas"]
    awake["expose"] = spec["expose"] | {"service": service | {"annotations": service["annotations"] | seal}}
    return {**manifest, "metadata": metadata, "spec": awake}
