"""`runai-nim diff --live`: what the operator would change in the cluster. Reads from the API server, never writes.

It reads the objects that the operator reads and calls `plan`, so that it reports what the operator would do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.resources import (
    CLAIMS,
    NIM_SERVICES,
    ROUTES,
    RUNAI_NIM_SERVICES,
    KubeObject,
)
from runai_nim.cli import terminal
from runai_nim.cli.apply_preview import preview_apply, visible_fields
from runai_nim.cli.changes import Difference, ObjectChanges, object_changes, pod_restart
from runai_nim.cli.cluster.connection import ClusterOptions, run
from runai_nim.cli.cluster.live_policies import LivePolicies, read_live_policies
from runai_nim.cli.diagnostic import EXIT_FAILURE, Diagnostic
from runai_nim.cli.diff import OutputFormat, evaluations_by_resource, write_differences
from runai_nim.cli.evaluation import ManifestEvaluation, evaluate_manifest
from runai_nim.cli.manifests import read_manifests
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.domain import names
from runai_nim.domain.decision_input import DecisionInput, make_decision_input
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.observed import ObservedClaim, ObservedState
from runai_nim.domain.plan import Plan, is_ours, is_paused, plan, releases_from, take_over_fields
from runai_nim.domain.reasons import Reason
from runai_nim.kube.client import KubeClient
from runai_nim.kube.discovery import schema_of


@dataclass(frozen=True, slots=True)
class ServedKinds:
    """Kinds that the cluster serves: the NIMService schema (None: not installed), and the route kinds that it lacks."""

    nimservice: NIMServiceSchema | None
    absent_routes: frozenset[str]


def diff_live(
    files: Sequence[str],
    assume: Callable[..., OfflineContext],
    output: OutputFormat,
    options: ClusterOptions,
    *,
    namespace: str | None,
) -> int:
    """Write what would change in the cluster and return the exit code.

    `assume(namespace=…)` gives the context for manifests without a namespace: for `namespace`, else for the
    kubeconfig's.
    """
    manifests = list(read_manifests(files))

    async def evaluate(cluster: KubeClient) -> tuple[list[Diagnostic], list[Difference]]:
        offline = assume(namespace=namespace or cluster.namespace)
        services, diagnostics = evaluations_by_resource(manifests, offline)
        evaluated = await _evaluate_live(cluster, services.values(), offline)
        diagnostics += (remark for service, _ in evaluated for remark in service.diagnostics)
        return diagnostics, [difference for _, difference in evaluated]

    diagnostics, differences = run(options, evaluate, progress="reading the cluster")
    terminal.write_diagnostics_to_stderr(diagnostics)
    code = write_differences(differences, output)
    return EXIT_FAILURE if any(remark.severity == "error" for remark in diagnostics) else code


async def _evaluate_live(
    cluster: KubeClient, services: Iterable[ManifestEvaluation], offline: OfflineContext
) -> list[tuple[ManifestEvaluation, Difference]]:
    index = (await cluster.get_document("/openapi/v3")).get("paths", {})
    kinds = await _served_kinds(cluster, index)
    policies: dict[str, LivePolicies] = {}
    found: list[tuple[ManifestEvaluation, Difference]] = []
    for service in services:
        namespace = service.cr["metadata"]["namespace"]
        if namespace not in policies:
            policies[namespace] = await read_live_policies(cluster, namespace, offline.namespace_labels)
        found.append(await _evaluate_one(cluster, service, offline, kinds=kinds, policies=policies[namespace]))
    return found


async def _evaluate_one(
    cluster: KubeClient,
    service: ManifestEvaluation,
    offline: OfflineContext,
    *,
    kinds: ServedKinds,
    policies: LivePolicies,
) -> tuple[ManifestEvaluation, Difference]:
    namespace = service.cr["metadata"]["namespace"]
    name = service.cr["metadata"]["name"]
    stored = await cluster.get(RUNAI_NIM_SERVICES, namespace, name) or {}
    nimservice = await cluster.get(NIM_SERVICES, namespace, name)
    claim_name = service.decision_input.claim_name
    claim = await cluster.get(CLAIMS, namespace, claim_name) if claim_name else None
    observed_claim = ObservedClaim.from_object(claim) if claim else None
    routes = {kind.kind: await cluster.get(kind, namespace, names.route_name(name)) for kind in ROUTES}
    live = {obj["kind"]: obj for obj in (nimservice, claim, *routes.values()) if obj}
    decision_input = _decision_input(service, stored, offline, kinds=kinds, policies=policies).with_children(
        claim_exists=claim is not None,
        claim_size=observed_claim.storage if observed_claim else "",
        claim_access_modes=observed_claim.access_modes if observed_claim else (),
        nimservice_exists=bool(stored) and is_ours(stored, nimservice),
    )
    evaluation = evaluate_manifest(service.manifest, decision_input)
    evaluation = replace(evaluation, diagnostics=(*evaluation.diagnostics, *policies.remarks))
    observed = ObservedState(
        nimservice=nimservice,
        is_nimservice_installed=kinds.nimservice is not None,
        claim=observed_claim,
        routes={kind: route for kind, route in routes.items() if route},
        absent_kinds=kinds.absent_routes,
    )
    write_plan = plan(_resumed(evaluation.cr), evaluation.desired, observed)
    live_evaluation, difference = _compare(evaluation, write_plan, live)
    notes = (_note(evaluation, message) for message in _claim_notes(write_plan, nimservice, observed.claim))
    return replace(live_evaluation, diagnostics=(*live_evaluation.diagnostics, *notes)), difference


def _decision_input(
    service: ManifestEvaluation,
    stored: Mapping[str, Any],
    offline: OfflineContext,
    *,
    kinds: ServedKinds,
    policies: LivePolicies,
) -> DecisionInput:
    """The input for the manifest, if it was applied now."""
    namespace = service.cr["metadata"]["namespace"]
    known = ("creationTimestamp", "uid")
    identity = {name: stored["metadata"][name] for name in known} if stored else {}
    asked = {**service.cr, "metadata": {**service.cr["metadata"], "creationTimestamp": "", **identity}}
    new = offline.policies.policies if offline.policies else ()
    return make_decision_input(
        asked,
        settings=offline.settings,
        namespace_labels=policies.labels.get(namespace),
        policies=policies.of_namespace(policies.policy_set(new), namespace),
        accepted=policies.accepted(_with_status(asked, stored)),
        nimservice_schema=kinds.nimservice or offline.nimservice_schema,
    )


def _with_status(asked: Mapping[str, Any], stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """The resource with the status of the stored one, if its spec is the same."""
    if asked.get("spec") != stored.get("spec"):
        return asked
    generation = {"generation": stored["metadata"]["generation"]}
    return {**asked, "metadata": asked["metadata"] | generation, "status": stored.get("status")}


def _resumed(cr: Mapping[str, Any]) -> dict[str, Any]:
    """The resource without the annotation that pauses it, to preview the writes after its removal."""
    given = cr["metadata"].get("annotations") or {}
    annotations = {key: value for key, value in given.items() if key != well_known.PAUSED}
    return {**cr, "metadata": {**cr["metadata"], "annotations": annotations}}


def _claim_notes(write_plan: Plan, nimservice: KubeObject | None, claim: ObservedClaim | None) -> Iterator[str]:
    """Messages about claims that get or lose an owner, because a difference doesn't show owner references."""
    if claim is None:
        return
    releases = write_plan.releases
    if nimservice and write_plan.nimservice and write_plan.nimservice.is_adoption:
        releases += tuple(releases_from(nimservice, (claim,)))
    for one in releases:
        yield f"PersistentVolumeClaim {one.claim} is released from {one.owner}, so it is no longer deleted with it"
    if write_plan.claim and write_plan.claim.needs_confirmation:
        yield f"PersistentVolumeClaim {claim.name} will be deleted together with this RunaiNimService"


def _note(evaluation: ManifestEvaluation, message: str) -> Diagnostic:
    file = evaluation.manifest.document.file
    position = evaluation.manifest.position
    return Diagnostic(
        file, position=position, message=message, severity="note", reason="ClaimOwner", resource=evaluation.resource
    )


def _compare(
    evaluation: ManifestEvaluation, write_plan: Plan, live: Mapping[str, KubeObject]
) -> tuple[ManifestEvaluation, Difference]:
    """The evaluation with diagnostics for what blocks the plan, and the difference."""
    evaluation = replace(
        evaluation, diagnostics=(*evaluation.diagnostics, *_obstacle_diagnostics(evaluation, write_plan))
    )
    if write_plan.refusal or evaluation.desired.nimservice is None:
        return evaluation, Difference(evaluation.resource)
    objects = tuple(_object_changes(evaluation, write_plan, live))
    before = live.get(well_known.NIMSERVICE_KIND)
    after = write_plan.nimservice.manifest if write_plan.nimservice else before
    restarts, reason = pod_restart(before, after)
    return evaluation, Difference(evaluation.resource, objects, restarts=restarts, restart_reason=reason)


def _obstacle_diagnostics(evaluation: ManifestEvaluation, write_plan: Plan) -> Iterator[Diagnostic]:
    manifest = evaluation.manifest
    if write_plan.refusal:
        yield manifest.diagnostic(write_plan.refusal, evaluation.resource)
    obstacles = [write_plan.route.blocker, ("Waiting", write_plan.waiting_for)]
    if is_paused(evaluation.cr):
        message = f"the annotation {well_known.PAUSED} keeps the operator from writing; without it, it would write this"
        obstacles.append((Reason.PAUSED, message))
    for reason, message in (obstacle for obstacle in obstacles if obstacle and obstacle[1]):
        file = manifest.document.file
        position = manifest.position
        yield Diagnostic(
            file, position=position, message=message, severity="warning", reason=reason, resource=evaluation.resource
        )


def _object_changes(
    evaluation: ManifestEvaluation, write_plan: Plan, live: Mapping[str, KubeObject]
) -> Iterator[ObjectChanges]:
    writes = (write_plan.nimservice, write_plan.claim, write_plan.route.write)
    for write in (write for write in writes if write):
        manifest = write.manifest
        before = live.get(manifest["kind"], {})
        if write.taken_fields:
            managed_fields = take_over_fields(before["metadata"].get("managedFields") or (), write.taken_fields)
            before = {**before, "metadata": {**before["metadata"], "managedFields": managed_fields}}
        if change := object_changes(before, preview_apply(manifest, before) if before else manifest, None, evaluation):
            yield change
    for deletion in write_plan.route.deletions:
        if change := object_changes(visible_fields(live[deletion.kind]), {}, None, None):
            yield change


async def _served_kinds(cluster: KubeClient, index: Mapping[str, Any]) -> ServedKinds:
    """From the API server's discovery, which every authenticated user may read."""
    group = index.get(f"apis/{well_known.NIM_API_VERSION}")
    schema = schema_of(await cluster.get_document(group["serverRelativeURL"])) if group else None
    gateway = f"apis/{well_known.GATEWAY_API_VERSION}" in index
    absent = frozenset() if gateway else frozenset({well_known.HTTP_ROUTE_KIND, well_known.GRPC_ROUTE_KIND})
    return ServedKinds(None if schema is None else NIMServiceSchema.of_schema(schema), absent)
