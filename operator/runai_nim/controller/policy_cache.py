"""Cache of the policies: which concern a namespace, which of them are valid, and which resources break them."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from runai_nim.api.resources import ObjectKey
from runai_nim.domain.admission.policy_versions import PolicyVersions
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.finding import Finding
from runai_nim.domain.policy import CompiledPolicies, Compliance, compile_policies

NO_POLICIES: Final = compile_policies(())


@dataclass(frozen=True, slots=True)
class _Violating:
    """A RunaiNimService that breaks rules: its project, and the policies."""

    project: str
    policies: frozenset[ObjectKey]


class PolicyCache:
    """All policies, which informers fill in, and the RunaiNimServices that break them.

    `of_projects` and `of_cluster` are the informers' objects. `changed` is set when a status may have to be written.
    """

    def __init__(self) -> None:
        self.of_projects: dict[ObjectKey, StoredPolicy] = {}
        self.of_cluster: dict[ObjectKey, StoredPolicy] = {}
        self.versions = PolicyVersions()
        self.changed = asyncio.Event()
        self._violating: dict[ObjectKey, _Violating] = {}
        self._noted: set[ObjectKey] = set()

    def take(self, key: ObjectKey, new: StoredPolicy | None) -> bool:
        """Take up a change that an informer reports; whether decisions may differ now."""
        self.changed.set()
        return self.versions.take(key, new)

    def of_namespace(self, namespace: str, labels: Mapping[str, str] | None) -> CompiledPolicies | None:
        """The policies of a namespace; None if there are none in the cluster. Needs the labels if `needs_labels`."""
        return self.versions.of_namespace(namespace, labels or {}) if self.versions else None

    def rejections(self, namespaces: Mapping[str, Mapping[str, str]]) -> dict[ObjectKey, Finding]:
        """What is wrong with each policy that is not in force as it is written. `namespaces`: labels by name."""
        found = {stored.key: stored.findings[0] for stored in self.versions.stored if stored.policy is None}
        for namespace, labels in namespaces.items():
            for rejected in self.versions.of_namespace(namespace, labels).rejected:
                found.setdefault(rejected.policy.key, rejected.finding)
        return found

    def note(self, key: ObjectKey, project: str | None, compliance: Compliance | None) -> None:
        """Take up how a RunaiNimService meets its policies."""
        violations: Iterable[Finding] = compliance.violations if compliance else ()
        broken = frozenset(finding.policy for finding in violations if finding.policy is not None)
        if key not in self._noted:
            self._noted.add(key)
            self.changed.set()
        new = _Violating(project or "", broken) if broken else None
        if self._violating.get(key) == new:
            return
        self.changed.set()
        if new is None:
            del self._violating[key]
        else:
            self._violating[key] = new

    def forget(self, key: ObjectKey) -> None:
        """Drop a deleted RunaiNimService."""
        self._violating.pop(key, None)
        self._noted.discard(key)
        self.changed.set()

    def has_noted(self, key: ObjectKey) -> bool:
        """Whether it is known how this RunaiNimService meets its policies."""
        return key in self._noted

    def violations(self) -> Iterable[tuple[ObjectKey, str, frozenset[ObjectKey]]]:
        """Each RunaiNimService that breaks rules, its project, and the policies."""
        return [(key, found.project, found.policies) for key, found in self._violating.items()]
