"""Scenarios: what is done to the cluster, and what is to be seen then. Files in `cases`, one scenario each.

    operator: {NAME: value}        environment of the operator, beside the usual
    steps:
    - do: {apply: [objects]}       or {patch: {kind, name, subresource, with}}, {delete: {kind, name, policy}},
                                   {pods: status}: merge-patched into the status of all pods of the service,
                                   {replace: pods}: their Deployment makes new ones
      see: {status: …, objects: …} waited for, see `unlike`

A sample of deploy/samples is applied as `{sample: name, spec: {changed fields}, metadata: {…}}`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from local.objects import Objects, wait_for
from tests.support.services import CR, NIMSERVICE, present, sample

SECONDS = 60
"""The garbage collector takes up to half a minute to learn of a kind whose CRD is new."""


def act(objects: Objects, action: Mapping[str, Any]) -> None:
    """Do what a step says."""
    for verb, what in action.items():
        _VERBS[verb](objects, what)


def _apply(objects: Objects, manifests: Any) -> None:
    for item in manifests:
        objects.apply(_manifest(item))


def _patch(objects: Objects, what: Any) -> None:
    objects.patch(what["kind"], what["name"], what["with"], what.get("subresource"))


def _delete(objects: Objects, what: Any) -> None:
    objects.delete(what["kind"], what["name"], what.get("policy", "Background"))


def _set_pods(objects: Objects, status: Any) -> None:
    for pod in _pods(objects):
        objects.patch("v1 Pod", pod, {"status": status}, "status")


def _replace_pods(objects: Objects, _: Any) -> None:
    for pod in _pods(objects):
        objects.delete("v1 Pod", pod)


_VERBS: Mapping[str, Callable[[Objects, Any], None]] = {
    "apply": _apply,
    "patch": _patch,
    "delete": _delete,
    "pods": _set_pods,
    "replace": _replace_pods,
}


def _pods(objects: Objects) -> list[str]:
    found = wait_for(lambda: objects.list("v1 Pod", "runai-nim.io/service=llama-8b"), SECONDS)
    return [pod["metadata"]["name"] for pod in found]


def _manifest(item: Mapping[str, Any]) -> dict[str, Any]:
    if "sample" not in item:
        return dict(item)
    body = sample(item["sample"], **item.get("spec", {}))
    body["metadata"] |= item.get("metadata", {})
    return body


def await_sight(objects: Objects, wanted: Mapping[str, Any]) -> None:
    """Wait until everything is to be seen; TimeoutError says what is not."""
    found: list[str] = []

    def so() -> bool:
        found[:] = unlike(objects, wanted)
        return not found

    try:
        wait_for(so, SECONDS)
    except TimeoutError as error:
        status = (objects.get(CR, "llama-8b") or {}).get("status")
        raise TimeoutError("\n".join([*found, f"the status is {status}"])) from error


def unlike(objects: Objects, wanted: Mapping[str, Any]) -> list[str]:
    """What is not as wanted. Mappings are subsets, of texts a part is enough, null and `absent: true` mean absence.

    `status` is that of RunaiNimService llama-8b, its conditions by type.
    """
    found: list[str] = []
    if status := wanted.get("status"):
        live = dict(present(objects, CR, "llama-8b").get("status") or {})
        live["conditions"] = {condition["type"]: condition for condition in live.get("conditions") or ()}
        found += _differences(status, live, "status")
    for item in wanted.get("objects", ()):
        name = item["name"]
        kind = item.get("kind", NIMSERVICE)
        obj = objects.get(kind, name)
        if item.get("absent"):
            found += [f"{kind} {name} is there"] if obj is not None else []
        else:
            parts = {part: value for part, value in item.items() if part not in ("name", "kind")}
            found += _differences(parts, obj, f"{kind} {name}")
    return found


def _differences(wanted: Any, live: Any, path: str) -> list[str]:
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return [line for key, value in wanted.items() for line in _differences(value, live.get(key), f"{path}.{key}")]
    same = wanted in live if isinstance(wanted, str) and isinstance(live, str) else wanted == live
    return [] if same else [f"{path} is {live!r}, not {wanted!r}"]
