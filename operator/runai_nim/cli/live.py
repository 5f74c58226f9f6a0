"""`runai-nim diff --live`: what the operator would change in the cluster. Reads from the API server, never writes.

The cluster is asked for what the operator knows of it, and `plan` decides, so that this answers as the operator would.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.cli import terminal
from runai_nim.cli.apply_preview import applied, described
from runai_nim.cli.changes import Difference, ObjectChanges, changed, restart
from runai_nim.cli.diagnostic import TROUBLE, CommandError, Remark
from runai_nim.cli.diff import Output, decided, write_differences
from runai_nim.cli.evaluation import Decided, decide_one
from runai_nim.cli.manifests import manifests_of
from runai_nim.cli.offline_context import Assumed
from runai_nim.domain.nimservice_schema import Installed
from runai_nim.domain.observed import Claim, Observed
from runai_nim.domain.plan import Plan, held_by, is_ours, is_paused, plan, taken_over
from runai_nim.domain.translate import names
from runai_nim.kube.client import (
    CLAIMS,
    GRPC_ROUTES,
    HTTP_ROUTES,
    INGRESSES,
    NAMESPACES,
    NIM_SERVICES,
    RUNAI_NIM_SERVICES,
    ApiError,
    Cluster,
    Resource,
)
from runai_nim.kube.discovery import schema_of

_ROUTES: Final[Mapping[str, Resource]] = {
    well_known.INGRESS_KIND: INGRESSES,
    well_known.HTTP_ROUTE_KIND: HTTP_ROUTES,
    well_known.GRPC_ROUTE_KIND: GRPC_ROUTES,
}
Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Served:
    """Which kinds the cluster has: the NIMService kind, None for none, and kinds of routes that are absent."""

    nimservice: Installed | None
    absent: frozenset[str]


def diff_live(files: Sequence[str], assumed: Assumed, output: Output) -> int:
    """Write what would change in the cluster; the exit code."""
    services, remarks = decided(list(manifests_of(files)), assumed)
    differences: list[Difference] = []
    try:
        found = asyncio.run(_look(list(services.values()), assumed))
    except ApiError as error:
        raise CommandError(f"the cluster can't be read: {error}") from None
    for service, difference in found:
        remarks += service.remarks
        differences.append(difference)
    terminal.say_remarks(remarks)
    code = write_differences(differences, output)
    return TROUBLE if any(remark.severity == "error" for remark in remarks) else code


async def _look(services: Sequence[Decided], assumed: Assumed) -> list[tuple[Decided, Difference]]:
    cluster = await Cluster.connect()
    try:
        index = (await cluster.document("/openapi/v3")).get("paths", {})
        served = await _served(cluster, index)
        return [await _look_at(cluster, service, assumed, served) for service in services]
    finally:
        await cluster.close()


async def _look_at(cluster: Cluster, service: Decided, assumed: Assumed, served: Served) -> tuple[Decided, Difference]:
    namespace, name = service.cr["metadata"]["namespace"], service.cr["metadata"]["name"]
    stored = await cluster.get(RUNAI_NIM_SERVICES, namespace, name) or {}
    uid = stored.get("metadata", {}).get("uid", "")
    nimservice = await cluster.get(NIM_SERVICES, namespace, name)
    claim_name = names.claim_name_of(service.cr)
    claim = await cluster.get(CLAIMS, namespace, claim_name) if claim_name else None
    route = names.route_name(name)
    routes = {kind: await cluster.get(resource, namespace, route) for kind, resource in _ROUTES.items()}
    live = {obj["kind"]: obj for obj in (nimservice, claim, *routes.values()) if obj}
    labels = await _namespace_labels(cluster, namespace)
    if assumed.context.namespace_labels is not None:
        labels = {**(labels or {}), **assumed.context.namespace_labels}

    context = replace(
        assumed.context,
        namespace_labels=labels,
        claim_exists=claim is not None,
        claim_size=Claim.from_object(claim).storage if claim else "",
        nimservice_exists=bool(uid) and is_ours({"metadata": {"uid": uid}}, nimservice),
        installed=served.nimservice or assumed.context.installed,
    )
    decided = decide_one(service.manifest, replace(assumed, context=context), uid)
    created = {"creationTimestamp": stored.get("metadata", {}).get("creationTimestamp", "")}
    decided = replace(decided, cr={**decided.cr, "metadata": decided.cr["metadata"] | created})
    observed = Observed(
        nimservice=nimservice,
        nimservice_installed=served.nimservice is not None,
        claim=Claim.from_object(claim) if claim else None,
        routes={kind: route for kind, route in routes.items() if route},
        absent_kinds=served.absent,
    )
    planned = plan(decided.cr, decided.desired, observed)
    judged, differing = _judged(decided, planned, live)
    notes = (_note(decided, message) for message in _about_claims(planned, nimservice, observed.claim))
    return replace(judged, remarks=(*judged.remarks, *notes)), differing


def _about_claims(planned: Plan, nimservice: Object | None, claim: Claim | None) -> Iterator[str]:
    """Which claims are deleted with what from then on: owner references are no leaves of a difference."""
    if claim is None:
        return
    releases = planned.releases
    if nimservice and planned.nimservice and planned.nimservice.adopts:
        releases += tuple(held_by(nimservice, (claim,)))
    for one in releases:
        yield f"PersistentVolumeClaim {one.claim} is released from {one.owner}, with which it would be deleted"
    if planned.claim and planned.claim.confirm:
        yield f"PersistentVolumeClaim {claim.name} is deleted with this RunaiNimService from then on"


def _note(decided: Decided, message: str) -> Remark:
    file, position = decided.manifest.document.file, decided.manifest.position
    return Remark(file, position, message, "note", "ClaimOwner", resource=decided.resource)


async def _namespace_labels(cluster: Cluster, namespace: str) -> Mapping[str, str] | None:
    """None for who may only look into a namespace: then those of --namespace-label have to do."""
    try:
        found = await cluster.get(NAMESPACES, "", namespace) or {}
    except ApiError as error:
        if error.status != 403:
            raise
        return None
    labels: Mapping[str, str] = found.get("metadata", {}).get("labels") or {}
    return labels


def _judged(decided: Decided, planned: Plan, live: Mapping[str, Object]) -> tuple[Decided, Difference]:
    """With what stands in the way of the plan among the remarks."""
    decided = replace(decided, remarks=(*decided.remarks, *_obstacles(decided, planned)))
    if planned.refused or decided.desired.nimservice is None:
        return decided, Difference(decided.resource)
    objects = tuple(_changes(decided, planned, live))
    before = live.get(well_known.NIMSERVICE_KIND)
    after = planned.nimservice.manifest if planned.nimservice else before
    restarts, reason = restart(before, after)
    return decided, Difference(decided.resource, objects, restarts=restarts, restart_reason=reason)


def _obstacles(decided: Decided, planned: Plan) -> Iterator[Remark]:
    manifest = decided.manifest
    if planned.refused:
        yield manifest.remark(planned.refused, decided.resource)
    obstacles = [planned.route.in_the_way, ("Waiting", planned.waiting)]
    if is_paused(decided.cr):
        obstacles.append(("Paused", f"the annotation {well_known.PAUSED} keeps the operator from writing"))
    for reason, message in (obstacle for obstacle in obstacles if obstacle and obstacle[1]):
        file, position = manifest.document.file, manifest.position
        yield Remark(file, position, message, "warning", reason, resource=decided.resource)


def _changes(decided: Decided, planned: Plan, live: Mapping[str, Object]) -> Iterator[ObjectChanges]:
    writes = (planned.nimservice, planned.claim, planned.route.write)
    for write in (write for write in writes if write):
        manifest = write.manifest
        before = live.get(manifest["kind"], {})
        if write.takes:
            managed = taken_over(before["metadata"].get("managedFields") or (), write.takes)
            before = {**before, "metadata": {**before["metadata"], "managedFields": managed}}
        if found := changed(before, applied(manifest, before) if before else manifest, None, decided):
            yield found
    for deletion in planned.route.deletions:
        if found := changed(described(live[deletion.kind]), {}, None, None):
            yield found


async def _served(cluster: Cluster, index: Mapping[str, Any]) -> Served:
    """From the API server's discovery, which every authenticated user may read."""
    group = index.get(f"apis/{well_known.NIM_API_VERSION}")
    schema = schema_of(await cluster.document(group["serverRelativeURL"])) if group else None
    gateway = f"apis/{well_known.GATEWAY_API_VERSION}" in index
    absent = frozenset() if gateway else frozenset({well_known.HTTP_ROUTE_KIND, well_known.GRPC_ROUTE_KIND})
    return Served(None if schema is None else Installed.of_schema(schema), absent)
