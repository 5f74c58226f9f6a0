"""Projection of the ControllerRevisions that keep what policies gave a spec."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

import orjson

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import word
from runai_nim.domain.observed.stored_object import controller_of
from runai_nim.domain.policy import AcceptedSpec, Policy, Scope


@dataclass(frozen=True, slots=True)
class ObservedPolicyRevision:
    """A ControllerRevision: the RunaiNimService that it belongs to, and what it keeps.

    `accepted` is None for a revision of another controller: those of StatefulSets have their pods' labels.
    """

    resource_version: str
    name: str
    uid: str
    owner_uid: str
    service: str
    accepted: AcceptedSpec | None

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From an apps/v1 ControllerRevision. Raises KeyError, TypeError or ValueError for data of others."""
        metadata = obj["metadata"]
        controller = controller_of(obj)
        return cls(
            resource_version=metadata["resourceVersion"],
            name=metadata["name"],
            uid=metadata["uid"],
            owner_uid=word(controller.get("uid")),
            service=word(controller.get("name")),
            accepted=_accepted(obj["data"]) if controller.get("kind") == well_known.KIND else None,
        )


def _accepted(data: ObjectView) -> AcceptedSpec:
    return AcceptedSpec(
        digest=data["digest"],
        phase=data["phase"],
        own_replicas=data.get("ownReplicas"),
        replicas=data.get("replicas"),
        policies=_policies(orjson.dumps(data["policies"])),
    )


@lru_cache(maxsize=1024)
def _policies(content: bytes) -> tuple[Policy, ...]:
    """The same object for the same policies: those of a namespace mostly keep the same."""
    return tuple(_policy(one) for one in orjson.loads(content))


def _policy(content: dict[str, Any]) -> Policy:
    return Policy(
        content["name"],
        Scope(content["scope"]),
        content.get("defaults", {}),
        content.get("rules", {}),
        namespace=content.get("namespace", ""),
    )
