"""Cache of the cluster's policies, which the process reads with its own identity.

Callers need no right to read policies: the operator applies them to their workloads all the same. Which policies
concern a namespace is decided where the operator decides it, by `PolicySet`.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from runai_nim.api.resources import CLUSTER_RUNAI_NIM_POLICIES, RUNAI_NIM_POLICIES, KubeObject, ObjectKey, Resource
from runai_nim.domain.admission.policy_schema import read_policy
from runai_nim.domain.policy import CompiledPolicies, Policy, PolicySet
from runai_nim.kube.client import KubeClient
from runai_nim.kube.informer import Informer
from runai_nim.rest.errors import unavailable
from runai_nim.rest.model.authorship import authorship
from runai_nim.rest.model.project import ProjectNamespace

_KINDS = (RUNAI_NIM_POLICIES, CLUSTER_RUNAI_NIM_POLICIES)


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """Projection of a policy object; `policy` is None if it is invalid."""

    resource_version: str
    policy: Policy | None
    updated_at: str

    @classmethod
    def from_object(cls, resource: Resource, obj: Mapping[str, Any]) -> Self:
        """From an object in the API's representation."""
        # Items of a list may lack apiVersion and kind.
        manifest = {**obj, "apiVersion": resource.api_version, "kind": resource.kind}
        policy, _ = read_policy(manifest)
        return cls(obj["metadata"]["resourceVersion"], policy, authorship(obj["metadata"])["updatedAt"])


class PolicyIndex:
    """Policies as cached by an informer for each of the two kinds."""

    def __init__(self, cluster: KubeClient) -> None:
        self._valid: dict[ObjectKey, StoredPolicy] = {}
        self._policies = PolicySet(())
        self._informers = {
            resource: Informer(
                cluster,
                resource,
                project=partial(StoredPolicy.from_object, resource),
                on_change=self._on_change,
                on_kind_change=lambda: None,
                optional=True,
            )
            for resource in _KINDS
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
        return self._policies.of_namespace(project.name, project.labels) if self.is_readable else None

    def with_policy(
        self, key: ObjectKey, policy: Policy | None, namespace: str, labels: Mapping[str, str]
    ) -> CompiledPolicies:
        """The policies for resources of a namespace, with another policy under this key; None: without one."""
        others = [stored.policy for other, stored in self._valid.items() if other != key and stored.policy]
        return PolicySet(others if policy is None else [*others, policy]).of_namespace(namespace, labels)

    def last_valid(self, key: ObjectKey) -> Policy | None:
        """The last valid version of a policy."""
        stored = self._valid.get(key)
        return stored.policy if stored else None

    def updated_at(self, policies: Iterable[Policy]) -> str | None:
        """When the last one of these policies was changed; None without any."""
        return max(self._times(policies), default=None)

    def store_own_write(self, resource: Resource, obj: KubeObject) -> None:
        """Store an object as the API server returned it, before the watch event arrives."""
        self._informers[resource].store_own_write(obj)

    def _times(self, policies: Iterable[Policy]) -> Iterator[str]:
        for policy in policies:
            if stored := self._valid.get((policy.namespace, policy.name)):
                yield stored.updated_at

    def _on_change(self, key: ObjectKey, _: StoredPolicy | None, new: StoredPolicy | None) -> None:
        """Take over a change. Of a policy that became invalid the last valid version stays in force."""
        if new is None:
            self._valid.pop(key, None)
        elif new.policy is not None:
            self._valid[key] = new
        self._policies = PolicySet(stored.policy for stored in self._valid.values() if stored.policy)
