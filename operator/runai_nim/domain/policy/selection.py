"""The policies that concern a namespace."""

from collections.abc import Iterable, Mapping

from runai_nim.domain.policy.compile import CompiledPolicies, compile_policies
from runai_nim.domain.policy.policy import JsonObject, Policy, Scope


class PolicySet:
    """All policies of a cluster. Those of each namespace are compiled once."""

    def __init__(self, policies: Iterable[Policy]) -> None:
        self.policies = tuple(policies)
        self._compiled: dict[tuple[str, frozenset[tuple[str, str]]], CompiledPolicies] = {}

    @property
    def needs_labels(self) -> tuple[Policy, ...]:
        """The policies that concern namespaces with certain labels only."""
        return tuple(policy for policy in self.policies if policy.selector)

    def of_namespace(self, namespace: str, labels: Mapping[str, str]) -> CompiledPolicies:
        """The policies for resources of a namespace with these labels."""
        key = (namespace, frozenset(labels.items()))
        if key not in self._compiled:
            self._compiled[key] = compile_policies(
                policy for policy in self.policies if concerns(policy, namespace, labels)
            )
        return self._compiled[key]


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
