"""Policies in a real cluster: their bodies, their statuses, and waiting for their condition Valid."""

from typing import Any

from local.objects import Objects, wait_for
from tests.support.services import present

POLICY = "runai-nim.io/v1alpha1 RunaiNimPolicy"
CLUSTER_POLICY = "runai-nim.io/v1alpha1 ClusterRunaiNimPolicy"
Policy = dict[str, Any]


def policy(name: str = "gpu-team", kind: str = POLICY, **spec: Any) -> Policy:
    """A policy with this spec."""
    version, kind = kind.split()
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def cap(portion: float) -> dict[str, Any]:
    """Rules that bound the portion of a GPU."""
    return {"compute": {"gpuPortionRequest": {"max": portion}}}


def status(objects: Objects, name: str = "gpu-team", kind: str = POLICY) -> dict[str, Any]:
    """The status of a policy; empty before the operator has written it."""
    found: dict[str, Any] = present(objects, kind, name).get("status", {})
    return found


def valid(objects: Objects, want: str, name: str = "gpu-team", kind: str = POLICY) -> dict[str, Any]:
    """Wait until the condition Valid of the current generation has this status, and return it."""

    def found() -> dict[str, Any] | None:
        obj = present(objects, kind, name)
        conditions = obj.get("status", {}).get("conditions", [])
        one: dict[str, Any] = next((c for c in conditions if c["type"] == "Valid"), {})
        is_so = one.get("status") == want and one["observedGeneration"] == obj["metadata"]["generation"]
        return one if is_so else None

    return wait_for(found)


def counted(objects: Objects, name: str = "gpu-team", kind: str = POLICY, **want: int | None) -> bool:
    """Wait until the status of a policy has these numbers; None: it has none."""

    def so() -> bool:
        found = status(objects, name, kind)
        return all(found.get(field) == number for field, number in want.items())

    try:
        return wait_for(so, 10)
    except TimeoutError as error:
        raise TimeoutError(f"no status with {want}: {status(objects, name, kind)}") from error
