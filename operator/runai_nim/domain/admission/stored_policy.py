"""Projection of the policies in a cluster: as they are written, and their last valid version."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from runai_nim.api.resources import ObjectKey, ObjectView, object_key
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.admission.policy_schema import read_policy
from runai_nim.domain.finding import Finding, has_errors
from runai_nim.domain.policy import Policy, Scope


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """A RunaiNimPolicy or ClusterRunaiNimPolicy.

    `policy`: as it is written, None with errors among `findings`. `last_valid`: by the status, None without one. `spec`
    and `status` are as stored.
    """

    resource_version: str
    key: ObjectKey
    uid: str
    generation: int
    policy: Policy | None
    findings: tuple[Finding, ...]
    last_valid: Policy | None
    spec: Mapping[str, Any] = field(hash=False, repr=False)
    status: Mapping[str, Any] = field(hash=False, repr=False)

    @property
    def scope(self) -> Scope:
        """Its scope; of a cluster's policy that is invalid the last valid one."""
        if self.key[0]:
            return Scope.PROJECT
        policy = self.policy or self.last_valid
        return Scope.CLUSTER if policy is None else policy.scope

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """From an object of one of the two kinds."""
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "")
        policy, findings = read_policy(obj, namespace)
        status = mapping(obj.get("status"))
        return cls(
            resource_version=metadata["resourceVersion"],
            key=object_key(obj),
            uid=metadata["uid"],
            generation=metadata["generation"],
            policy=policy,
            findings=tuple(finding for finding in findings if has_errors([finding])),
            last_valid=_last_valid(obj, status, namespace),
            spec=mapping(obj.get("spec")),
            status=status,
        )


def _last_valid(obj: ObjectView, status: Mapping[str, Any], namespace: str) -> Policy | None:
    spec = mapping(status.get("inForce")).get("spec")
    return None if spec is None else read_policy({**obj, "spec": spec}, namespace)[0]
