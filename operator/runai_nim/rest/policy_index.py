"""Cache of the cluster's policies, which the process reads with its own identity.

Callers need no right to read policies: the operator applies them to their workloads all the same. Which policies
concern a namespace, and in which version, is decided where the operator decides it, by `PolicyVersions`.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from runai_nim.api.resources import CLUSTER_RUNAI_NIM_POLICIES, RUNAI_NIM_POLICIES, KubeObject, ObjectKey, Resource
from runai_nim.domain.admission.policy_versions import PolicyVersions
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.policy import CompiledPolicies, Policy
from runai_nim.kube.client import KubeClient
from runai_nim.kube.informer import Informer
from runai_nim.rest.errors import unavailable
from runai_nim.rest.model.authorship import authorship
from runai_nim.rest.model.project import ProjectNamespace


@dataclass(frozen=True, slots=True)
class _DatedPolicy:
    """Projection of a policy object."""

    stored: StoredPolicy
    updated_at: str

    @property
    def resource_version(self) -> str:
        """The object's metadata.resourceVersion."""
        return self.stored.resource_version

    @classmethod
    def from_object(cls, obj: Mapping[str, Any]) -> Self:
        """From an object in the API's representation."""
        return cls(StoredPolicy.from_object(obj), authorship(obj["metadata"])["updatedAt"])


class PolicyIndex:
    """Policies as cached by an informer for each kind.

    `namespaces`: those that the operator serves, empty for all. If they are listed, it reads no policies of the
    cluster, so none are in force.
    """

    def __init__(self, cluster: KubeClient, namespaces: Iterable[str]) -> None:
        self.serves_all = not namespaces
        self._versions = PolicyVersions()
        self._known: dict[ObjectKey, _DatedPolicy] = {}
        kinds = (RUNAI_NIM_POLICIES, CLUSTER_RUNAI_NIM_POLICIES) if self.serves_all else (RUNAI_NIM_POLICIES,)
        self._informers = {
            resource: Informer(
                cluster,
                resource,
                project=_DatedPolicy.from_object,
                on_change=self._on_change,
                on_kind_change=lambda: None,
                optional=True,
            )
            for resource in kinds
        }

    async def run(self) -> None:
        """Run the informers until cancelled."""
        await asyncio.gather(*(informer.run() for informer in self._informers.values()))

    @property
    def is_synced(self) -> bool:
        """Whether the first LISTs are complete, or not allowed."""
        return all(informer.synced.is_set() for informer in self._informers.values())

    @property
    def is_readable(self) -> bool:
        """Whether the process may read policies. Raises HttpError (503) before the first LISTs."""
        if not self.is_synced:
            raise unavailable("the policies are not known yet")
        return not any(informer.is_forbidden for informer in self._informers.values())

    def of_project(self, project: ProjectNamespace) -> CompiledPolicies | None:
        """The policies for workloads of a project; None if the process may not read policies.

        Raises HttpError (503) before the first LISTs.
        """
        return self._versions.of_namespace(project.name, project.labels) if self.is_readable else None

    def with_policy(
        self, key: ObjectKey, policy: Policy | None, namespace: str, labels: Mapping[str, str]
    ) -> CompiledPolicies:
        """The policies for resources of a namespace, with another policy under this key; None: without one."""
        known = self._known.get(key)
        if policy == (known.stored.policy if known else None):
            return self._versions.of_namespace(namespace, labels)  # compiled already
        return self._versions.with_policies({key: policy}).of_namespace(namespace, labels)

    def last_valid(self, key: ObjectKey) -> Policy | None:
        """The last valid version of a policy that may be invalid now; None without one."""
        return self._versions.last_valid(key)

    def updated_at(self, policies: Iterable[Policy]) -> str | None:
        """When the last one of these policies was changed; None without any."""
        found = (self._known.get(policy.key) for policy in policies)
        return max((known.updated_at for known in found if known), default=None)

    def store_own_write(self, resource: Resource, obj: KubeObject) -> None:
        """Store an object as the API server returned it, before the watch event arrives."""
        if resource in self._informers:
            self._informers[resource].store_own_write(obj)

    def _on_change(self, key: ObjectKey, _: _DatedPolicy | None, new: _DatedPolicy | None) -> None:
        self._versions.take(key, new.stored if new else None)
        if new is None:
            del self._known[key]
        else:
            self._known[key] = new
