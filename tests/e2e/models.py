"""Models of the scenarios: a RunaiNimService called `nim` in a namespace of its own, and what became of it."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from local.objects import Object, Objects, wait_for
from tests.support.services import CR, DEPLOYMENT, NIMSERVICE

__all__ = ["CR", "DEPLOYMENT", "NIMSERVICE", "Case", "Model", "Status"]

T = TypeVar("T")
NAME = "nim"
SECONDS = 180
"""Longer than anything takes on a slow machine, with the half minute that NVIDIA's NIM Operator gives each model."""
COMPUTE = {"cpuCoreRequest": 0.05, "cpuMemoryRequest": "32Mi", "cpuMemoryLimit": "128Mi"}
SECRET = "ngc"  # noqa: S105 (its name)


@dataclass(frozen=True)
class Case:
    """A model that a scenario begins with; all models of a run are made at its beginning, and start side by side.

    key: part of its namespace's name. environment: of our own NIM, deploy/kind/nim/serve.py says which. spec: fields
    that differ from those of a model that runs. labels: of the namespace. others: made before it. auth: name of the
    Secret with the key.
    """

    key: str
    environment: Mapping[str, str] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    others: tuple[Object, ...] = ()
    auth: str = SECRET

    def manifests(self, image: str, namespace: str) -> list[Object]:
        """The Secret, the others and the RunaiNimService, in which `{namespace}` is the name of the namespace."""
        spec = {
            "image": image,
            "ngcAuthSecret": SECRET,
            "compute": COMPUTE,
            "modelStore": {"pvc": {"claimInfo": {"size": "1Gi"}}},
            "servingPort": {"port": 8000},
            "environmentVariables": [{"name": name, "value": value} for name, value in self.environment.items()],
            **self.spec,
        }
        about = {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimService", "metadata": {"name": NAME}}
        key = {"stringData": {"NGC_API_KEY": "none"}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": self.auth}, **key}
        text = json.dumps([secret, *self.others, {**about, "spec": spec}])
        found: list[Object] = json.loads(text.replace("{namespace}", namespace))
        return found


@dataclass(frozen=True)
class Status:
    """Phase, and Ready's reason and message."""

    phase: str
    reason: str
    message: str

    @classmethod
    def of(cls, cr: Object) -> "Status":
        """From a RunaiNimService; empty where there is no status yet."""
        status: Object = cr.get("status", {})
        ready: Object = next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), {})
        return cls(status.get("phase", ""), ready.get("reason", ""), ready.get("message", ""))


class Model:
    """What became of a RunaiNimService."""

    def __init__(self, objects: Objects, name: str = NAME) -> None:
        self.objects = objects
        self.namespace = objects.namespace
        self._name = name

    @property
    def cr(self) -> Object:
        """The RunaiNimService."""
        found = self.objects.get(CR, self._name)
        assert found is not None
        return found

    @property
    def is_gone(self) -> bool:
        """Whether there is none."""
        return self.objects.get(CR, self._name) is None

    @property
    def status(self) -> Status:
        """Its status now."""
        return Status.of(self.cr)

    def becomes(self, phase: str, reason: str, message: str = "", seconds: float = SECONDS) -> Status:
        """Wait for a status whose message matches, and return it."""

        def so() -> Status | None:
            found = self.status
            fits = (found.phase, found.reason) == (phase, reason) and re.search(message, found.message)
            return found if fits else None

        return self.wait(so, seconds)

    def running(self, seconds: float = SECONDS) -> Status:
        """Wait until it runs."""
        return self.becomes("Running", "Running", seconds=seconds)

    def wait(self, what: Callable[[], T | None], seconds: float = SECONDS) -> T:
        """Wait until `what()` is true and return it; TimeoutError has the status that there is instead."""
        try:
            return wait_for(what, seconds, pause=0.25)
        except TimeoutError as error:
            there = "" if self.is_gone else f"; {self.status}; pods {[pod['status'] for pod in self.pods]}"
            raise TimeoutError(f"{error}{there}") from None

    @property
    def pods(self) -> list[Object]:
        """Its pods that are not being deleted."""
        found = self.objects.list("v1 Pod", f"app={self._name}")
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def said(self, kind: str, reason: str, message: str) -> str:
        """Wait until somebody has said this of an object of this kind, and return it.

        In an Event, or in a pod's condition: the scheduler counts up its first Event of a pod, and says there alone
        what it finds later.
        """

        def words() -> str | None:
            events = [(e["involvedObject"]["kind"], e) for e in self.objects.list("v1 Event")]
            conditions = [("Pod", found) for pod in self.pods for found in pod["status"].get("conditions", ())]
            for about, found in (*events, *conditions):
                text = found.get("message", "")
                if (about, found.get("reason")) == (kind, reason) and re.search(message, text):
                    return str(text)
            return None

        return self.wait(words)

    def change(self, **spec: Any) -> None:
        """Change fields of its spec."""
        self.objects.patch(CR, self._name, {"spec": spec})
