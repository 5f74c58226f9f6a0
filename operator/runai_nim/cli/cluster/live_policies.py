"""The policies of a cluster and what the operator keeps of them, as far as the caller may read them."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from runai_nim.api.resources import (
    CLUSTER_RUNAI_NIM_POLICIES,
    CONTROLLER_REVISIONS,
    NAMESPACES,
    RUNAI_NIM_POLICIES,
    KubeObject,
    ObjectKey,
    ObjectView,
    Resource,
)
from runai_nim.api.well_known import SERVICE_LABEL
from runai_nim.cli.cluster.readings import listed
from runai_nim.cli.diagnostic import Diagnostic, Position
from runai_nim.domain.admission.policy_versions import PolicyVersions
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.observed import ObservedPolicyRevision
from runai_nim.domain.policy import (
    AcceptedSpec,
    CompiledPolicies,
    Policy,
    PolicySet,
    accepted_before,
)
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient


@dataclass(frozen=True, slots=True)
class LivePolicies:
    """Policies, revisions by RunaiNimService, and labels by namespace. `remarks`: what may not be read."""

    versions: PolicyVersions
    revisions: Mapping[ObjectKey, list[ObservedPolicyRevision]]
    labels: Mapping[str, Mapping[str, str]]
    remarks: list[Diagnostic] = field(default_factory=list)

    def accepted(self, service: ObjectView) -> AcceptedSpec | None:
        """What the spec of a stored RunaiNimService was accepted under."""
        metadata = service["metadata"]
        found = self.revisions.get((metadata["namespace"], metadata["name"]), ())
        uid = metadata.get("uid")
        return accepted_before(service, (one.accepted for one in found if one.owner_uid == uid and one.accepted))

    def policy_set(self, new: Iterable[Policy]) -> PolicySet:
        """The policies in force, with new ones in the place of those of the same name."""
        return self.versions.with_policies({policy.key: policy for policy in new})

    def of_namespace(self, policies: PolicySet, namespace: str) -> CompiledPolicies | None:
        """Those of a set that concern a namespace; None if there are none in the cluster."""
        if not policies.policies and not self.revisions:
            return None
        return policies.of_namespace(namespace, self.labels.get(namespace, {}))


async def read_live_policies(cluster: KubeClient, namespace: str, given: Mapping[str, str] | None) -> LivePolicies:
    """Read those that concern a namespace; empty: all. `given`: labels that override those of each namespace."""
    found = LivePolicies(PolicyVersions(), {}, {}, [])
    for resource in (RUNAI_NIM_POLICIES, CLUSTER_RUNAI_NIM_POLICIES):
        for obj in await _read(cluster, resource, namespace, found.remarks):
            stored = StoredPolicy.from_object({**obj, "apiVersion": resource.api_version, "kind": resource.kind})
            found.versions.take(stored.key, stored)
    revisions: dict[ObjectKey, list[ObservedPolicyRevision]] = {}
    for obj in await _read(cluster, CONTROLLER_REVISIONS, namespace, found.remarks, selector=SERVICE_LABEL):
        with suppress(AttributeError, KeyError, TypeError, ValueError):  # of others, which the operator skips, too
            revision = ObservedPolicyRevision.from_object(obj)
            revisions.setdefault((obj["metadata"]["namespace"], revision.service), []).append(revision)
    labels = await _namespace_labels(cluster, namespace, found)
    if namespace and given:
        labels.setdefault(namespace, {})
    all_labels = {name: {**known, **(given or {})} for name, known in labels.items()}
    return LivePolicies(found.versions, revisions, all_labels, found.remarks)


async def _namespace_labels(cluster: KubeClient, namespace: str, found: LivePolicies) -> dict[str, Mapping[str, str]]:
    """The labels of all namespaces, or of this one; without an entry if they may not be read."""
    if not namespace:
        objects = await _read(cluster, NAMESPACES, "", found.remarks)
        return {obj["metadata"]["name"]: obj["metadata"].get("labels") or {} for obj in objects}
    try:
        one = await cluster.get(NAMESPACES, "", namespace) or {}
    except ApiError as error:
        if error.status != 403:
            raise
        if found.versions.needs_labels:
            found.remarks.append(_unread(NAMESPACES, "name the labels by --namespace-label"))
        return {}
    return {namespace: one.get("metadata", {}).get("labels") or {}}


async def _read(
    cluster: KubeClient, resource: Resource, namespace: str, remarks: list[Diagnostic], *, selector: str = ""
) -> tuple[KubeObject, ...]:
    """All objects; none of a kind that isn't served, and with a remark if they may not be read."""
    try:
        return await listed(cluster, resource, namespace if resource.namespaced else "", selector)
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        if error.status == 403:
            remarks.append(_unread(resource, "what they give and forbid is left out"))
        return ()


def _unread(resource: Resource, result: str) -> Diagnostic:
    message = f"should be readable, and you may not list them: {result}"
    return Diagnostic(resource.plural, Position(), message, "warning", reason="Forbidden")
