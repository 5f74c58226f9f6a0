"""The policies that concern a namespace."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from runai_nim.api.resources import ObjectKey
from runai_nim.domain.policy.compile import CompiledPolicies, compile_policies
from runai_nim.domain.policy.policy import JsonObject, Policy, Scope


class PolicySet:
    """All policies of a cluster. Those that concern the same namespaces are compiled once.

    `last_valid` is as `compile_policies` has it.
    """

    def __init__(
        self, policies: Iterable[Policy], last_valid: Mapping[ObjectKey, Policy] = MappingProxyType({})
    ) -> None:
        self.policies = tuple(policies)
        self.last_valid = last_valid
        self.selects_by_label = any(policy.selector for policy in (*self.policies, *last_valid.values()))
        self._of_place: dict[tuple[str, frozenset[tuple[str, str]]], CompiledPolicies] = {}
        self._compiled: dict[tuple[tuple[ObjectKey, ...], ...], CompiledPolicies] = {}
        """By the policies as they are written and the last valid versions that concern a namespace."""

    @property
    def needs_labels(self) -> tuple[Policy, ...]:
        """The policies that concern namespaces with certain labels only."""
        return tuple(policy for policy in self.policies if policy.selector)

    def of_namespace(self, namespace: str, labels: Mapping[str, str]) -> CompiledPolicies:
        """The policies for resources of a namespace with these labels."""
        place = namespace, frozenset(labels.items())
        if place not in self._of_place:
            self._of_place[place] = self._concerning(namespace, labels)
        return self._of_place[place]

    def _concerning(self, namespace: str, labels: Mapping[str, str]) -> CompiledPolicies:
        found = {policy.key: policy for policy in self.policies if concerns(policy, namespace, labels)}
        last_valid = {key: last for key, last in self.last_valid.items() if concerns(last, namespace, labels)}
        # A new version may not concern the namespace any more; until it is known to be valid, the last one does.
        left = {policy.key for policy in self.policies} & last_valid.keys() - found.keys()
        versions = tuple(found), tuple(last_valid)
        if versions not in self._compiled:
            in_force = (*found.values(), *(last for key, last in last_valid.items() if key in left))
            self._compiled[versions] = compile_policies(in_force, last_valid)
        return self._compiled[versions]

    def rejects(self, policy: Policy) -> bool:
        """Whether it was rejected in one of the namespaces that were asked for."""
        return any(found.policy is policy for compiled in self._compiled.values() for found in compiled.rejected)


def concerns(policy: Policy, namespace: str, labels: Mapping[str, str]) -> bool:
    """Whether a policy concerns the resources of a namespace with these labels."""
    if policy.scope == Scope.PROJECT:
        return policy.namespace == namespace
    selector = policy.selector or {}
    wanted: JsonObject = selector.get("matchLabels", {})
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _meets(requirement, labels) for requirement in selector.get("matchExpressions", ())
    )


def _meets(requirement: JsonObject, labels: Mapping[str, str]) -> bool:
    key = requirement["key"]
    values = requirement.get("values", ())
    match requirement["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
