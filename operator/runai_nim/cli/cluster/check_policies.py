"""`runai-nim policy check --live`: what policies would change for the RunaiNimServices of a cluster."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from runai_nim.api import well_known
from runai_nim.api.count_text import count_text
from runai_nim.api.resources import KubeObject
from runai_nim.api.spec_in_force import has_nimservice
from runai_nim.cli import terminal
from runai_nim.cli.changes import Difference, compare_evaluations
from runai_nim.cli.cluster.connection import ClusterOptions, run, service_pages
from runai_nim.cli.cluster.live_policies import LivePolicies, read_live_policies
from runai_nim.cli.diagnostic import EXIT_FAILURE, Diagnostic, Position
from runai_nim.cli.diff import OutputFormat, write_differences
from runai_nim.cli.documents import Document
from runai_nim.cli.evaluation import ManifestEvaluation, evaluate_manifest
from runai_nim.cli.manifests import Manifest
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.cli.policies import policies_of_files
from runai_nim.cli.policy_check import exit_code, violates
from runai_nim.domain.decision_input import make_decision_input
from runai_nim.domain.policy import AcceptedSpec, Policy, PolicySet, RejectedPolicy
from runai_nim.kube.client import KubeClient

_AT_ONCE = "at once"
_LATER = "with the next change of its spec"


@dataclass(frozen=True, slots=True)
class _Result:
    """What policies change for one RunaiNimService: `difference` says when, and `violates` a rule that holds now."""

    difference: Difference
    at_once: bool
    violates: bool


def check_live(
    files: Sequence[str],
    offline: OfflineContext,
    output: OutputFormat,
    options: ClusterOptions,
    *,
    namespace: str | None,
) -> int:
    """Write what the policies of these files change and return the exit code by the gravest difference.

    `namespace`: the only one whose RunaiNimServices are checked; None: all.
    """
    new = policies_of_files(files, offline.namespace)
    only = namespace or ""

    async def check(cluster: KubeClient) -> tuple[list[Diagnostic], list[_Result]]:
        live = await read_live_policies(cluster, only, offline.namespace_labels)
        # Compiled once for all resources of a namespace.
        sets = live.policy_set(()), live.policy_set(new)
        rejected = _rejected(new, live, sets)
        results = [
            _check_one(service, sets, live, offline)
            async for page in service_pages(cluster, namespace=only)
            for service in page["items"]
        ]
        return [*live.remarks, *rejected], results

    remarks, results = run(options, check, progress="reading the cluster")
    terminal.write_diagnostics_to_stderr(dict.fromkeys(remarks))
    if any(remark.severity == "error" for remark in remarks):
        return EXIT_FAILURE
    write_differences((result.difference for result in results), output)
    terminal.write_styled(_summary(results))
    return exit_code(
        violates=any(result.violates for result in results),
        restarts=any(result.at_once and result.difference.restarts for result in results),
        changes=any(result.difference for result in results),
    )


def _rejected(new: Sequence[Policy], live: LivePolicies, sets: tuple[PolicySet, PolicySet]) -> list[Diagnostic]:
    """What contradicts another policy in a namespace: new policies, and those of the cluster that do so with them."""
    names = {*live.labels, *(policy.namespace for policy in new if policy.namespace)}
    before, after = (dict.fromkeys(_rejections(names, live, policies)) for policies in sets)
    found = (one for one in after if one.policy in new or one not in before)
    return list(dict.fromkeys(_diagnostic(one, is_new=one.policy in new) for one in found))


def _rejections(names: Iterable[str], live: LivePolicies, policies: PolicySet) -> Iterator[RejectedPolicy]:
    for name in sorted(names):
        if (found := live.of_namespace(policies, name)) is not None:
            yield from found.rejected


def _diagnostic(rejected: RejectedPolicy, *, is_new: bool) -> Diagnostic:
    policy = rejected.policy
    if is_new:
        return Diagnostic("-f", Position(), f"{policy.title}: {rejected.finding.message}")
    place = "/".join(part for part in policy.key if part)
    message = f"{policy.title} would no longer be in force as it is written: {rejected.finding.message}"
    return Diagnostic(place, Position(), message, "warning")


def _check_one(
    service: KubeObject, sets: tuple[PolicySet, PolicySet], live: LivePolicies, offline: OfflineContext
) -> _Result:
    """`sets`: the policies in force, and those with the new ones."""
    accepted = live.accepted(service)
    now = _evaluation(service, sets[0], accepted, live=live, offline=offline)
    soon = _evaluation(service, sets[1], accepted, live=live, offline=offline)
    later = _evaluation(service, sets[1], None, live=live, offline=offline)
    name = now.resource
    difference = replace(compare_evaluations(name, now, soon), when=_AT_ONCE)
    at_once = bool(difference)
    if not at_once:
        before = _evaluation(service, sets[0], None, live=live, offline=offline)
        # What policies changed earlier is not news of these.
        if not compare_evaluations(name, before, later):
            return _Result(Difference(name), at_once=False, violates=False)
        difference = replace(compare_evaluations(name, now, later), when=_LATER)
        return _Result(difference, at_once=False, violates=violates(later) and not violates(before))
    return _Result(difference, at_once=True, violates=violates(soon) and not violates(now))


def _evaluation(
    service: KubeObject,
    policy_set: PolicySet,
    accepted: AcceptedSpec | None,
    *,
    live: LivePolicies,
    offline: OfflineContext,
) -> ManifestEvaluation:
    metadata = service["metadata"]
    namespace = metadata["namespace"]
    policies = live.of_namespace(policy_set, namespace)
    decision_input = make_decision_input(
        service,
        settings=offline.settings,
        namespace_labels=live.labels.get(namespace),
        nimservice_schema=offline.nimservice_schema,
        policies=policies,
        accepted=accepted if policies else None,
    )
    decision_input = decision_input.with_children(claim_exists=None, nimservice_exists=has_nimservice(service))
    # Items of a list may lack apiVersion and kind.
    obj = {**service, "apiVersion": well_known.API_VERSION, "kind": well_known.KIND}
    document = Document(f"{namespace}/{metadata['name']}", obj, Position(), {})
    return evaluate_manifest(Manifest(document, obj, Position()), decision_input)


def _summary(results: Sequence[_Result]) -> str:
    at_once = [result for result in results if result.at_once]
    restarting = sum(result.difference.restarts for result in at_once)
    later = sum(bool(result.difference) and not result.at_once for result in results)
    violating = sum(result.violates for result in results)
    return (
        f"{count_text(len(results), 'RunaiNimService')} checked: {len(at_once)} would change at once, pods of"
        f" {restarting} would restart; {later} would change with the next change of their spec; {violating} would break"
        " a rule"
    )
