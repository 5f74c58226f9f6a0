"""Which version of each policy is in force: the stored one if it is valid, else the last valid one."""

from collections.abc import Iterable, Mapping

from runai_nim.api.resources import ObjectKey
from runai_nim.api.untrusted_values import mapping, number
from runai_nim.domain.admission.stored_policy import StoredPolicy
from runai_nim.domain.policy import CompiledPolicies, Policy, PolicySet


class PolicyVersions:
    """The policies of a cluster by (namespace, name), as informers report their changes."""

    def __init__(self) -> None:
        self._stored: dict[ObjectKey, StoredPolicy] = {}
        self._seen_valid: dict[ObjectKey, StoredPolicy] = {}
        """Versions that were valid before the policy changed: its status may not tell yet."""
        self._set: PolicySet | None = None

    def __bool__(self) -> bool:
        return bool(self._stored)

    @property
    def stored(self) -> tuple[StoredPolicy, ...]:
        """All policies."""
        return tuple(self._stored.values())

    @property
    def needs_labels(self) -> bool:
        """Whether a namespace's policies depend on its labels."""
        return self._policies.selects_by_label

    def take(self, key: ObjectKey, new: StoredPolicy | None) -> bool:
        """Take up a change, with None a deletion; whether decisions may differ now."""
        before = self.last_valid(key)
        old = self._stored.pop(key, None)
        if new is not None:
            self._stored[key] = new
            if old is not None and (old.uid, old.generation) == (new.uid, new.generation):
                self._drop_older(key, new)
                after = self.last_valid(key)
                if before == after and old.last_valid == new.last_valid:
                    return False  # another change of its status
                self._set = None
                return _selects_others(before, after) or _selects_others(old.last_valid, new.last_valid)
        if new is None or old is None or old.uid != new.uid:
            self._seen_valid.pop(key, None)
        elif old.policy is not None and self._set is not None and not self._set.rejects(old.policy):
            self._seen_valid[key] = old
        if new is not None:
            self._drop_older(key, new)
        self._set = None
        return True

    def _drop_older(self, key: ObjectKey, new: StoredPolicy) -> None:
        """Drop the version that was seen if the status tells of a later one by now."""
        seen = self._seen_valid.get(key)
        if seen is not None and number(mapping(new.status.get("inForce")).get("generation")) > seen.generation:
            del self._seen_valid[key]

    def of_namespace(self, namespace: str, labels: Mapping[str, str]) -> CompiledPolicies:
        """The policies for resources of a namespace with these labels."""
        return self._policies.of_namespace(namespace, labels)

    def with_policies(self, changes: Mapping[ObjectKey, Policy | None]) -> PolicySet:
        """The policies in force with others under these keys; None: without one."""
        if not changes:
            return self._policies
        others = self._make_set(key for key in self._stored if key not in changes)
        added = (policy for policy in changes.values() if policy is not None)
        return PolicySet((*others.policies, *added), others.last_valid)

    def last_valid(self, key: ObjectKey) -> Policy | None:
        """The last valid version of a policy that may be invalid now; None without one."""
        if (seen := self._seen_valid.get(key)) is not None:
            return seen.policy
        stored = self._stored.get(key)
        return stored.last_valid if stored else None

    def seen_valid(self, key: ObjectKey) -> StoredPolicy | None:
        """The last valid version of a policy, if its status may not tell of it yet."""
        return self._seen_valid.get(key)

    @property
    def _policies(self) -> PolicySet:
        if self._set is None:
            self._set = self._make_set(self._stored)
        return self._set

    def _make_set(self, keys: Iterable[ObjectKey]) -> PolicySet:
        versions = [(self._stored[key].policy, self.last_valid(key)) for key in keys]
        last_valid = {found.key: found for _, found in versions if found is not None}
        return PolicySet([found for written, last in versions if (found := written or last) is not None], last_valid)


def _selects_others(before: Policy | None, after: Policy | None) -> bool:
    return before is not None and after is not None and before.selector != after.selector
