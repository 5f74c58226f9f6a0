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
        self._compiled: dict[tuple[ObjectKey, ...], CompiledPolicies] = {}

    @property
    def needs_labels(self) -> tuple[Policy, ...]:
        """The policies that concern namespaces with certain labels only."""
        return tuple(policy for policy in self.policies if policy.selector)

    def of_namespace(self, namespace: str, labels: Mapping[str, str]) -> CompiledPolicies:
        """The policies for resources of a namespace with these labels."""
        found = [policy for policy in self.policies if concerns(policy, namespace, labels)]
        keys = tuple(policy.key for policy in found)
        if keys not in self._compiled:
            self._compiled[keys] = compile_policies(found, self.last_valid)
        return self._compiled[keys]

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
