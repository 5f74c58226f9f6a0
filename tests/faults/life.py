"""What a person does to a RunaiNimService, stage by stage, and how it looks when a stage is over."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.objects import Object, Objects
from runai_nim.api import well_known
from tests.support.services import CLAIM, CR, NIMSERVICE, sample

NAME = "llama-8b"
OPERATOR_ENVIRONMENT = {
    "RUNAI_NIM_EXTERNAL_MODE": "ingress",
    "RUNAI_NIM_EXTERNAL_DOMAIN": "nim.example.com",
    "RUNAI_NIM_EXTERNAL_INGRESS_CLASS": "nginx",
}
"""So that a route of the operator's own comes and goes too."""
_SLOW = "example.com/slow"
_CHANGED = {
    "replicas": 2,
    "servingPort": {"port": 8000, "exposeExternally": False},
    "environmentVariables": [{"name": "A", "value": "1"}],
}


@dataclass(frozen=True, slots=True)
class Stage:
    """`do` is done at once; `over` tells from the namespace's objects whether all has come of it that should."""

    name: str
    do: Callable[[Objects], None]
    over: Callable[[Mapping[str, Object]], bool]


def _apply(**spec: Any) -> Callable[[Objects], None]:
    def do(objects: Objects) -> None:
        objects.apply(sample("gpu-portion", **spec))

    return do


def _expose(objects: Objects, **spec: Any) -> None:
    """At a host of the namespace's own: those of other namespaces are refused."""
    url = f"https://llama.{objects.namespace}.nim.example.com/v1"
    objects.apply(sample("gpu-portion", **{"servingPort": {"port": 8000, "exposedUrl": url}, **spec}))


def _bind(value: str, **spec: Any) -> Callable[[Objects], None]:
    """A policy gives a variable, a moment before the RunaiNimService that it is for is applied."""

    def do(objects: Objects) -> None:
        variable = {"name": "TEAM", "value": value}
        defaults = {"environmentVariables": {"instances": [variable]}}
        kind = {"apiVersion": well_known.API_VERSION, "kind": "RunaiNimPolicy"}
        objects.apply({**kind, "metadata": {"name": "team"}, "spec": {"defaults": defaults}})
        _expose(objects, **spec)

    return do


def _bound(value: str, generation: int = 1) -> Callable[[Mapping[str, Object]], bool]:
    """What the policy gives is in the NIMService, and both say so."""

    def over(there: Mapping[str, Object]) -> bool:
        env = there.get(f"nimservices {NAME}", {}).get("spec", {}).get("env", ())
        is_given = {"name": "TEAM", "value": value} in env
        policy = there.get("runainimpolicies team", {})
        status = policy.get("status", {})
        is_told = status.get("observedGeneration") == policy.get("metadata", {}).get("generation")
        return _ready("Running", generation)(there) and is_given and is_told and status.get("matched") == 1

    return over


def _delete_slowly(objects: Objects) -> None:
    """In the foreground, and held, so that the operator sees it being deleted."""
    objects.patch(NIMSERVICE, NAME, {"metadata": {"finalizers": [_SLOW]}})
    objects.delete(CR, NAME, "Foreground")


def _let_go(objects: Objects) -> None:
    objects.patch(NIMSERVICE, NAME, {"metadata": {"finalizers": None}})


def _flip(objects: Objects) -> None:
    """There and back, faster than anybody acts. The route stays, or who sees only the end would keep it."""
    _expose(objects, **{field: value for field, value in _CHANGED.items() if field != "servingPort"})
    _expose(objects)


def _recreate(objects: Objects) -> None:
    objects.delete(CR, NAME)
    _expose(objects)


def _remove(objects: Objects) -> None:
    objects.delete(CR, NAME)


def _take(objects: Objects) -> None:
    """With its claim, which is held until then, so that it is gone at once and before anything else."""
    claim = f"{NAME}-model-store"
    objects.patch(CLAIM, claim, {"metadata": {"finalizers": [_SLOW]}})
    objects.delete(CLAIM, claim)
    objects.delete(CR, NAME)
    objects.patch(CLAIM, claim, {"metadata": {"finalizers": None}})


def _lose(objects: Objects) -> None:
    objects.delete(NIMSERVICE, NAME)


def _stick(objects: Objects) -> None:
    """A pod waits for its volumes. It stays Ready, so that the Deployment's counts stay as they are."""
    waits = {"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    ready = [{"type": type_, "status": "True"} for type_ in ("PodScheduled", "ContainersReady", "Ready")]
    for pod in objects.list("v1 Pod", f"{well_known.SERVICE_LABEL}={NAME}"):
        status = {"phase": "Pending", "conditions": [*ready, waits]}
        objects.patch("v1 Pod", pod["metadata"]["name"], {"status": status}, "status")


def _ready(reason: str, generation: int = 1) -> Callable[[Mapping[str, Object]], bool]:
    def over(there: Mapping[str, Object]) -> bool:
        status = there.get(f"runainimservices {NAME}", {}).get("status", {})
        ready: Object = next((c for c in status.get("conditions", ()) if c["type"] == "Ready"), {})
        return bool(ready.get("reason") == reason and ready["observedGeneration"] >= generation)

    return over


def _children_gone(there: Mapping[str, Object]) -> bool:
    """The garbage collector takes a second try for them at times."""
    return _ready("Deleting")(there) and f"deployments {NAME}" not in there and f"services {NAME}" not in there


def _gone(there: Mapping[str, Object]) -> bool:
    return not any(NAME in key for key in there if not key.startswith("persistentvolumeclaims"))


_CREATE = Stage("create", _expose, _ready("Running"))
LIVES: Mapping[str, tuple[Stage, ...]] = {
    # First: until it is over the garbage collector has learnt of the kinds.
    "removed": (_CREATE, Stage("removed", _remove, _gone)),
    "life": (
        _CREATE,
        Stage("update", _apply(**_CHANGED), _ready("Running", 2)),
        Stage("stop", _apply(**_CHANGED, desiredPhase="Stopped"), _ready("Stopped", 3)),
        Stage("delete", _delete_slowly, _children_gone),
        Stage("gone", _let_go, _gone),
    ),
    "flip": (_CREATE, Stage("flip", _flip, _ready("Running", 3))),
    "recreate": (_CREATE, Stage("recreate", _recreate, _ready("Running"))),
    "taken": (_CREATE, Stage("taken", _take, lambda there: not any(NAME in key for key in there))),
    "bound": (
        Stage("bound", _bind("a"), _bound("a")),
        Stage("rebound", _bind("b", replicas=2), _bound("b", 2)),
    ),
    "stuck": (_CREATE, Stage("stuck", _stick, _ready("Running"))),
    "lost": (_CREATE, Stage("lost", _lose, _ready("Running"))),
}
