"""RunaiNimServices in tests: the samples, what became of them, and waiting for a reason."""

from pathlib import Path
from typing import Any

import yaml

from local.cluster import CHECKOUT
from local.objects import Objects, wait_for

CR = "runai-nim.io/v1alpha1 RunaiNimService"
NIMSERVICE = "apps.nvidia.com/v1alpha1 NIMService"
CLAIM = "v1 PersistentVolumeClaim"
DEPLOYMENT = "apps/v1 Deployment"


def sample(name: str, **spec: Any) -> dict[str, Any]:
    """The sample of that name, with fields of its spec replaced."""
    text = Path(CHECKOUT / "deploy" / "samples" / f"{name}.yaml").read_text(encoding="utf-8")
    body: dict[str, Any] = yaml.safe_load(text)
    body["spec"] |= spec
    return body


def present(objects: Objects, kind: str, name: str) -> dict[str, Any]:
    """The object, which must be there."""
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


def settled(objects: Objects, name: str, want: str, seconds: float = 20) -> None:
    """Wait until Ready has this reason."""
    wait_for(lambda: reason(objects, name) == want, seconds)
