"""A note on policies that concern none of the resources: whoever forgets a namespace would take that for a success."""

from collections.abc import Iterable

from runai_nim.cli.diagnostic import Diagnostic, Position
from runai_nim.cli.evaluation import ManifestEvaluation
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.domain.policy import Policy, concerns


def note_on_unused(offline: OfflineContext, services: Iterable[ManifestEvaluation]) -> list[Diagnostic]:
    """One note on all policies that concern none of the resources; empty without such ones, or without resources."""
    namespaces = {service.decision_input.namespace for service in services}
    if offline.policies is None or not namespaces:
        return []
    labels = offline.namespace_labels or {}
    policies = offline.policies.policies
    unused = [one for one in policies if not any(concerns(one, namespace, labels) for namespace in namespaces)]
    if not unused:
        return []
    more = f" and {len(unused) - 1} more concern" if len(unused) > 1 else " concerns"
    message = (
        f"{_shown(unused[0])}{more} none of these RunaiNimServices, of namespace {', '.join(sorted(namespaces))}: if"
        " that is wrong, name the namespace by -n, or its labels by --namespace-label"
    )
    return [Diagnostic("--policies", Position(), message, "note", reason="NotConcerned")]


def _shown(policy: Policy) -> str:
    return f"{policy.title} of namespace {policy.namespace}" if policy.namespace else policy.title
