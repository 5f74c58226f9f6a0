"""RunaiNimServices in tests: samples, their objects and conditions, and waiting for a reason."""

from pathlib import Path
from typing import Any

import yaml

from local.cluster import CHECKOUT
from local.objects import Objects, wait_for

CR = "runai-nim.io/v1alpha1 RunaiNimService"
NIMSERVICE = "apps.nvidia.com/v1alpha1 NIMService"
CLAIM = "v1 PersistentVolumeClaim"
DEPLOYMENT = "apps/v1 Deployment"
HPA = "autoscaling/v2 HorizontalPodAutoscaler"
LWS = "leaderworkerset.x-k8s.io/v1 LeaderWorkerSet"


def sample(name: str, **spec: Any) -> dict[str, Any]:
    """The sample of that name, with fields of its spec replaced; None takes one away."""
    text = Path(CHECKOUT / "deploy" / "samples" / f"{name}.yaml").read_text(encoding="utf-8")
    body: dict[str, Any] = yaml.safe_load(text)
    body["spec"] = {field: value for field, value in (body["spec"] | spec).items() if value is not None}
    return body


def present(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    """The object, which must exist."""
    found = objects.get(kind, name)
    assert found is not None
    return found


def condition(objects: Objects, name: str, type_: str) -> dict[str, Any]:
    """The condition of that type; empty when there is none."""
    conditions = present(objects, CR, name).get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == type_), {})


def reason(objects: Objects, name: str, type_: str = "Ready") -> str:
    """The reason of a condition; empty when there is none."""
    return str(condition(objects, name, type_).get("reason", ""))


def settled(objects: Objects, name: str, want: str, seconds: float = 20, generation: int = 0) -> None:
    """Wait until Ready has this reason, about this generation of the spec or a later one."""

    def so() -> bool:
        ready = condition(objects, name, "Ready")
        return ready.get("reason") == want and ready["observedGeneration"] >= generation

    try:
        wait_for(so, seconds)
    except TimeoutError as error:
        raise TimeoutError(f"Ready is not {want}: {condition(objects, name, 'Ready')}") from error


def pod_template(objects: Objects, name: str) -> dict[str, Any]:
    """What the pods of this service are made from."""
    template: dict[str, Any] = present(objects, DEPLOYMENT, name)["spec"]["template"]
    return template


def serve(objects: Objects, **spec: Any) -> None:
    """Apply the sample gpu-portion, with fields of its spec replaced, and wait until its model is served."""
    objects.apply(sample("gpu-portion", **spec))
    settled(objects, "llama-8b", "Running")


def gone(objects: Objects, kind: str, name: str, seconds: float = 20) -> bool:
    """Wait until the object is gone."""
    return wait_for(lambda: objects.get(kind, name) is None, seconds)
