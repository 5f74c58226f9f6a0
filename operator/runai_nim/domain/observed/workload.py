"""Projections of what the NIM Operator creates for a NIMService: Service, workload, pods."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, number, text, word
from runai_nim.domain.observed.stored_object import controller_of


@dataclass(frozen=True, slots=True)
class ObservedService:
    """The Service of the NIM Operator: for which NIMService, and from which of the operator's specs."""

    resource_version: str
    owner_uid: str
    spec_hash: str

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From a core/v1 Service."""
        metadata = obj["metadata"]
        spec_hash = word(mapping(metadata.get("annotations")).get(well_known.SPEC_HASH))
        return cls(metadata["resourceVersion"], word(controller_of(obj).get("uid")), spec_hash)


@dataclass(frozen=True, slots=True)
class ObservedWorkload:
    """The Deployment or LeaderWorkerSet of the NIM Operator: its NIMService, its pod hash and the progress of its
    rollout.

    Counts are pods, or groups of `group_size` pods. `kind` and `name` are the object's. `max_unavailable` is how many
    replicas a rollout may take away at a time. `is_progressing`: its controller reports a rollout that is not complete.
    `refused_pod` is the API server's sentence about a pod of the newest generation that it refuses to create since
    `refused_at` (RFC 3339); both are empty without one, and for a LeaderWorkerSet, which doesn't report it.
    """

    kind: str
    name: str

    resource_version: str
    owner_uid: str
    pod_hash: str
    generation: int
    observed_generation: int
    spec_replicas: int
    current_replicas: int
    updated_replicas: int
    ready_replicas: int
    available_replicas: int
    max_unavailable: int = 1
    is_progressing: bool = False
    refused_pod: str = ""
    refused_at: str = ""
    group_size: int = 1

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From an apps/v1 Deployment or a LeaderWorkerSet, which has no count of available replicas.

        LeaderWorkerSets before 0.9 have no observedGeneration, either.
        """
        metadata = obj["metadata"]
        spec = mapping(obj.get("spec"))
        status = mapping(obj.get("status"))
        generation = number(metadata.get("generation"))
        ready = number(status.get("readyReplicas"))
        of_groups = obj.get("kind") == well_known.LWS_KIND
        observed = number(status.get("observedGeneration"), generation if of_groups else 0)
        replicas = number(spec.get("replicas"), 1)
        refused_pod, refused_at = _refused_pod(status) if observed >= generation else ("", "")
        return cls(
            well_known.LWS_KIND if of_groups else "Deployment",
            name=metadata["name"],
            resource_version=metadata["resourceVersion"],
            owner_uid=word(controller_of(obj).get("uid")),
            pod_hash=word(mapping(metadata.get("annotations")).get(well_known.POD_HASH)),
            generation=generation,
            observed_generation=observed,
            spec_replicas=replicas,
            current_replicas=number(status.get("replicas")),
            updated_replicas=number(status.get("updatedReplicas")),
            ready_replicas=ready,
            available_replicas=ready if of_groups else number(status.get("availableReplicas")),
            max_unavailable=_max_unavailable_groups(spec, replicas)
            if of_groups
            else _max_unavailable_pods(spec, replicas),
            is_progressing=_is_progressing(status, of_groups=of_groups),
            refused_pod=refused_pod,
            refused_at=refused_at,
            group_size=number(mapping(spec.get("leaderWorkerTemplate")).get("size"), 1),
        )

    @property
    def is_observed(self) -> bool:
        """Whether its controller has acted on the newest generation. Before that, the counts are of an older one."""
        return self.observed_generation >= self.generation

    @property
    def is_rolled_out(self) -> bool:
        """Whether every desired pod has the newest template and is available, and no older pod is left."""
        return (
            self.is_observed
            and self.updated_replicas == self.current_replicas == self.available_replicas == self.spec_replicas
        )

    @property
    def is_rolling_out(self) -> bool:
        """Whether pods of the newest template are replacing older ones. The last one may still be starting."""
        return not self.is_observed or self.is_progressing or self.updated_replicas < self.current_replicas


def _is_progressing(status: Mapping[str, Any], *, of_groups: bool) -> bool:
    """Whether the controller reports a rollout in progress.

    Counts can't tell the last pod of a rollout from a lost pod. A Deployment can: after a rollout its condition
    Progressing keeps the reason NewReplicaSetAvailable, whatever becomes of the pods.
    """
    conditions = {word(condition.get("type")): condition for condition in mappings(status.get("conditions"))}
    if of_groups:
        return mapping(conditions.get("UpdateInProgress")).get("status") == "True"
    reason = mapping(conditions.get("Progressing")).get("reason")
    return reason is not None and reason != _COMPLETE


_COMPLETE: Final = "NewReplicaSetAvailable"
_PERCENT: Final = re.compile(r"([0-9]{1,3})%")


def _max_unavailable_pods(spec: Mapping[str, Any], replicas: int) -> int:
    """Of a Deployment, by its strategy; the defaults are Kubernetes' own."""
    strategy = mapping(spec.get("strategy"))
    if strategy.get("type") == "Recreate":
        return replicas
    rolling = mapping(strategy.get("rollingUpdate"))
    return _max_unavailable(rolling.get("maxUnavailable", "25%"), rolling.get("maxSurge", "25%"), replicas)


def _max_unavailable_groups(spec: Mapping[str, Any], replicas: int) -> int:
    """Of a LeaderWorkerSet, by its rollout strategy; the defaults are those of its kind."""
    rolling = mapping(mapping(spec.get("rolloutStrategy")).get("rollingUpdateConfiguration"))
    return _max_unavailable(rolling.get("maxUnavailable", 1), rolling.get("maxSurge", 0), replicas)


def _max_unavailable(unavailable: Any, surge: Any, replicas: int) -> int:
    """As the controllers resolve it: a percentage is rounded down, that of a surge up, and both can't be 0."""
    share = _percent(unavailable, replicas) // 100
    return share if share > 0 or _percent(surge, replicas) > 0 else 1


def _percent(value: Any, replicas: int) -> int:
    """Hundredths of a replica: `2` is 200, and `25%` of four replicas 100. What can't be read is 0."""
    percent = _PERCENT.fullmatch(word(value))
    return replicas * int(percent[1]) if percent else 100 * number(value)


def _refused_pod(status: ObjectView) -> tuple[str, str]:
    """A sentence, and since when it holds."""
    for condition in mappings(status.get("conditions")):
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            said = text(condition.get("message")) or word(condition.get("reason"), "no reason given")
            return said, word(condition.get("lastTransitionTime"))
    return "", ""
