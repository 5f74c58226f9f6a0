"""Converts a pod to the pod in REST answers. Statuses are untrusted. No values of environment variables are in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, text, word, words
from runai_nim.config.settings import Settings
from runai_nim.domain.observed.pod import ObservedPod
from runai_nim.rest.model.pod_resources import allocated_resources, requested_resources
from runai_nim.rest.model.timestamps import latest_time, moment
from runai_nim.rest.model.workload import TENANT_ID

_TOLERATION: Final = {"key": str, "operator": str, "value": str, "effect": str, "tolerationSeconds": int}
_OPERATORS: Final = frozenset({"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"})
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_ENDED_PHASES: Final = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class PodOwner:
    """The workload of a pod, its project and its cluster."""

    id: str
    name: str
    project_id: str
    project_name: str
    cluster_id: str


def pod_matches(pod: ObjectView, *, search: str, only_deleted: bool) -> bool:
    """Whether name, node or phase contain the lower-case text, and the pod is being deleted if that is asked for."""
    metadata = mapping(pod.get("metadata"))
    texts = (metadata.get("name"), mapping(pod.get("spec")).get("nodeName"), mapping(pod.get("status")).get("phase"))
    found = any(search in word(one).casefold() for one in texts)
    return found and ("deletionTimestamp" in metadata or not only_deleted)


def listed_pod(pod: ObjectView, owner: PodOwner, settings: Settings) -> dict[str, Any]:
    """From a core/v1 Pod. Fields that are unknown are left out."""
    metadata = pod["metadata"]
    spec = mapping(pod.get("spec"))
    status = mapping(pod.get("status"))
    observed = ObservedPod.from_object(pod)
    changed = _changed_at(pod)
    requested = requested_resources(pod, settings)
    phase = word(status.get("phase"))
    optional = {
        "nodeName": word(spec.get("nodeName")),
        "completedAt": _completed_at(status) if phase in _ENDED_PHASES else "",
        "requestedNodePools": list(_node_pools(spec, settings.node_pool_label)),
        "requestedResources": requested,
        "allocatedResources": allocated_resources(pod, requested),
        "ip": word(status.get("podIP")),
        "nodeAffinity": _node_affinity(spec),
        "deletedAt": word(metadata.get("deletionTimestamp")),
        **_problem(observed),
    }
    return {
        "name": metadata["name"],
        "priorityClassName": word(mapping(metadata.get("labels")).get(settings.priority_label))
        or word(spec.get("priorityClassName")),
        "id": metadata["uid"],
        "workloadId": owner.id,
        "workloadName": owner.name,
        "projectId": owner.project_id,
        "projectName": owner.project_name,
        "clusterId": owner.cluster_id,
        "tenantId": TENANT_ID,
        "createdAt": metadata["creationTimestamp"],
        "k8sPhase": phase,
        "k8sPhaseUpdatedAt": changed,
        "updatedAt": changed,
        "containers": list(_containers(spec, status)),
        "restarts": observed.restarts,
        "tolerations": [_toleration(one) for one in mappings(spec.get("tolerations"))],
        **{name: value for name, value in optional.items() if value},
    }


def _problem(pod: ObservedPod) -> dict[str, str]:
    """Why the pod doesn't run, and how a container ended; fields of this API alone."""
    said = pod.waiting_state
    if pod.disruption is not None:
        said = (pod.disruption.reason, pod.disruption.message)
    elif pod.unschedulable_message:
        said = ("Unschedulable", pod.unschedulable_message)
    reason, message = said
    return {"reason": reason, "message": message, "lastExit": pod.exit_message}


def _changed_at(pod: ObjectView) -> str:
    """The last change of one of its conditions; its creation before there is any."""
    conditions = mappings(mapping(pod.get("status")).get("conditions"))
    times = (condition.get("lastTransitionTime") for condition in conditions)
    return latest_time((pod["metadata"]["creationTimestamp"], *times))


def _completed_at(status: ObjectView) -> str:
    ended = (mapping(mapping(one.get("state")).get("terminated")) for one in mappings(status.get("containerStatuses")))
    times = [at for one in ended if moment(at := one.get("finishedAt"))]
    return latest_time(times) if times else ""


def _containers(spec: ObjectView, status: ObjectView) -> Iterator[dict[str, Any]]:
    statuses = {word(one.get("name")): one for one in mappings(status.get("containerStatuses"))}
    for container in mappings(spec.get("containers")):
        name = word(container.get("name"))
        running = mapping(mapping(mapping(statuses.get(name)).get("state")).get("running"))
        started = running.get("startedAt")
        known = {"startedAt": started} if moment(started) else {}
        yield {"name": name, "image": text(container.get("image")), **known}


def _node_pools(spec: ObjectView, key: str) -> Iterator[str]:
    """The node pools of the required affinity, in its order."""
    for term in _required_terms(spec):
        for expression in mappings(term.get("matchExpressions")):
            if expression.get("key") == key and expression.get("operator") == "In":
                yield from words(expression.get("values"))
            elif expression.get("key") == key and expression.get("operator") == "DoesNotExist":
                yield well_known.DEFAULT_NODE_POOL


def _node_affinity(spec: ObjectView) -> dict[str, Any]:
    required = [_term(term) for term in _required_terms(spec)]
    preferred = [
        {"weight": term["weight"], "preference": _term(mapping(term.get("preference")))}
        for term in mappings(_affinity_of(spec).get(_PREFERRED))
        if isinstance(term.get("weight"), int)
    ]
    terms = {"required": required, "preferred": preferred}
    return {name: {"nodeSelectorTerms": found} for name, found in terms.items() if found}


def _affinity_of(spec: ObjectView) -> ObjectView:
    return mapping(mapping(spec.get("affinity")).get("nodeAffinity"))


def _required_terms(spec: ObjectView) -> list[ObjectView]:
    return mappings(mapping(_affinity_of(spec).get(_REQUIRED)).get("nodeSelectorTerms"))


def _term(term: ObjectView) -> dict[str, Any]:
    return {
        "matchExpressions": [
            {
                "key": word(one.get("key")),
                "operator": one["operator"],
                **({"values": list(words(one.get("values")))} if one.get("values") else {}),
            }
            for one in mappings(term.get("matchExpressions"))
            if one.get("operator") in _OPERATORS
        ]
    }


def _toleration(toleration: ObjectView) -> dict[str, Any]:
    return {name: toleration[name] for name, type_ in _TOLERATION.items() if isinstance(toleration.get(name), type_)}
