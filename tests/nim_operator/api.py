"""What tests of the stand-in do and look at, by kubectl, and the NIMService that they start from."""

import json
import time
from collections.abc import Callable
from typing import Any

import yaml

from local.control_plane import ControlPlane

PREFIX = "stand-in.runai-nim.io/"
# A term of node affinity.
POOL = {"matchExpressions": [{"key": "runai/node-pool", "operator": "In", "values": ["a"]}]}


class Api:
    """What a test does in its namespace, by kubectl."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self._plane = plane
        self.namespace = f"--namespace={namespace}"

    def apply(self, *wanted: dict[str, Any]) -> None:
        """Apply objects."""
        self._plane.kubectl("apply", "-f", "-", self.namespace, stdin=yaml.safe_dump_all(wanted))

    def apply_server_side(self, wanted: dict[str, Any]) -> None:
        """Apply an object as our operator does, with force; raises CalledProcessError."""
        how = ("--server-side", "--force-conflicts", "--field-manager=runai-nim-operator")
        self._plane.kubectl("apply", *how, "-f", "-", self.namespace, stdin=yaml.safe_dump(wanted))

    def get(self, kind: str, name: str = "llama") -> dict[str, Any]:
        """Return an object, empty when there is none."""
        said = self._plane.kubectl("get", kind, name, self.namespace, "-o=json", "--ignore-not-found")
        found: dict[str, Any] = json.loads(said or "{}")
        return found

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return the objects of a kind."""
        found: list[dict[str, Any]] = json.loads(self._plane.kubectl("get", kind, self.namespace, "-o=json"))["items"]
        return found

    def annotate(self, name: str, annotation: str) -> None:
        """Set or (ending in -) remove an annotation of a NIMService."""
        self._plane.kubectl("annotate", "nimservice", name, self.namespace, annotation)

    def state(self, name: str = "llama") -> str:
        """State of a NIMService, empty when it has none."""
        return str(self.get("nimservice", name).get("status", {}).get("state", ""))


def nim_service(name: str = "llama", marks: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    annotations = {PREFIX + key: value for key, value in (marks or {}).items()}
    return {
        "apiVersion": "apps.nvidia.com/v1alpha1",
        "kind": "NIMService",
        "metadata": {"name": name, "annotations": annotations},
        "spec": {
            "image": {"repository": "r", "tag": "t"},
            "authSecret": "ngc",
            "storage": {"emptyDir": {}},
            "replicas": 1,
            "expose": {"service": {"port": 8000}},
            **spec,
        },
    }


def until(told: Callable[[], bool], what: str, seconds: float = 15) -> float:
    """Wait until something is so and return the seconds that it took."""
    started = time.monotonic()
    while not told():
        assert time.monotonic() - started < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - started
