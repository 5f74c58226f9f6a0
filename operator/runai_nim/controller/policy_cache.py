"""Cache of the policies: which concern a namespace, which of them are valid, and which resources break them."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from runai_nim.api.resources import ObjectKey
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.finding import Finding
from runai_nim.domain.policy import CompiledPolicies, Compliance, Policy, PolicySet, compile_policies

NO_POLICIES: Final = compile_policies(())


@dataclass(frozen=True, slots=True)
class _Violating:
    """A RunaiNimService that breaks rules: its project, and the policies."""

    project: str
    policies: frozenset[ObjectKey]


class PolicyCache:
    """All policies by (namespace, name); the namespace of a cluster's policy is empty.

    Informers fill `of_projects` and `of_cluster` and call `take`. `changed` is set when a status may have to be
    written.
    """

    def __init__(self) -> None:
        self.of_projects: dict[ObjectKey, StoredPolicy] = {}
        self.of_cluster: dict[ObjectKey, StoredPolicy] = {}
        self.changed = asyncio.Event()
        self._last_valid: dict[ObjectKey, Policy] = {}
        """Versions that were valid before the policy changed, which its status may not tell yet."""
        self._set: PolicySet | None = None
        self._violating: dict[ObjectKey, _Violating] = {}
        self._noted: set[ObjectKey] = set()

    @property
    def stored(self) -> tuple[StoredPolicy, ...]:
        """All policies."""
        return (*self.of_cluster.values(), *self.of_projects.values())

    def take(self, old: StoredPolicy | None, new: StoredPolicy | None) -> bool:
        """Take up a change that an informer reports; whether decisions may differ now."""
        self.changed.set()
        if old is not None and new is not None and (old.uid, old.generation) == (new.uid, new.generation):
            return False  # its status
        if new is None or (old is not None and old.uid != new.uid):
            self._last_valid.pop((new or old).key, None)  # type: ignore[union-attr] # one of them is there
        elif old is not None and old.policy is not None and not self._is_rejected(old.policy):
            self._last_valid[old.key] = old.policy
        self._set = None
        return True

    def of_namespace(self, namespace: str, labels: Mapping[str, str] | None) -> CompiledPolicies | None:
        """The policies of a namespace; None if there are none in the cluster. Needs the labels if `needs_labels`."""
        if not self.of_projects and not self.of_cluster:
            return None
        return self._policies.of_namespace(namespace, labels or {})

    @property
    def needs_labels(self) -> bool:
        """Whether a namespace's policies depend on its labels."""
        return any(stored.spec.get("namespaceSelector") for stored in self.of_cluster.values())

    def rejections(self, namespaces: Mapping[str, Mapping[str, str]]) -> dict[ObjectKey, Finding]:
        """What is wrong with each policy that is not in force as it is written. `namespaces`: labels by name."""
        found = {stored.key: stored.findings[0] for stored in self.stored if stored.policy is None}
        for namespace, labels in namespaces.items():
            for rejected in self._policies.of_namespace(namespace, labels).rejected:
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
        self.note(key, None, None)
        self._noted.discard(key)

    def knows_all(self, keys: Iterable[ObjectKey]) -> bool:
        """Whether all of these RunaiNimServices were noted."""
        return all(key in self._noted for key in keys)

    def violations(self) -> Iterable[tuple[ObjectKey, str, frozenset[ObjectKey]]]:
        """Each RunaiNimService that breaks rules, its project, and the policies."""
        return [(key, found.project, found.policies) for key, found in self._violating.items()]

    @property
    def _policies(self) -> PolicySet:
        if self._set is None:
            self._set = PolicySet(*self._versions())
        return self._set

    def _versions(self) -> tuple[list[Policy], dict[ObjectKey, Policy]]:
        """The policies as they are written, or else their last valid version; and the last valid versions."""
        last_valid = {stored.key: stored.last_valid for stored in self.stored if stored.last_valid is not None}
        last_valid |= self._last_valid
        written = {stored.key: stored.policy for stored in self.stored}
        found = {key: policy or last_valid.get(key) for key, policy in written.items()}
        return [policy for policy in found.values() if policy is not None], last_valid

    def _is_rejected(self, policy: Policy) -> bool:
        """Whether it may contradict another one."""
        return self._set is None or self._set.rejects(policy)
