"""`runai-nim import --live`: the NIMServices of a namespace that belong to nobody, and the routes to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runai_nim.api.resources import NAMESPACES, NIM_SERVICES, ROUTES, KubeObject, Resource
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.cli.cluster.connection import ClusterOptions, run
from runai_nim.cli.cluster.readings import listed
from runai_nim.cli.diagnostic import CommandError, Diagnostic, Position
from runai_nim.cli.documents import Document
from runai_nim.cli.manifests import Manifest
from runai_nim.domain.observed.stored_object import controller_of
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient


@dataclass(frozen=True, slots=True)
class LiveNIMServices:
    """What was read; `labels` are the namespace's, None if they may not be read."""

    namespace: str
    found: list[Manifest | Diagnostic] = field(default_factory=list)
    labels: Mapping[str, str] | None = None


def read_live_nimservices(options: ClusterOptions, namespace: str) -> LiveNIMServices:
    """Read those of a namespace; empty: of the context's. Raises CommandError where there are none."""
    return run(options, lambda cluster: _read(cluster, namespace), progress="reading the cluster")


async def _read(cluster: KubeClient, namespace: str) -> LiveNIMServices:
    namespace = namespace or cluster.namespace
    live = LiveNIMServices(namespace, labels=await _labels(cluster, namespace))
    try:
        nimservices = await listed(cluster, NIM_SERVICES, namespace)
    except ApiError as error:
        if error.status != 404:
            raise
        raise CommandError("the cluster doesn't serve NIMServices: there is nothing to import") from None
    if all(map(controller_of, nimservices)):
        raise CommandError(f"namespace {namespace} has no NIMService without an owner: name another namespace by -n")
    live.found.extend(_nimservice(obj, namespace) for obj in nimservices)
    for kind in ROUTES:
        live.found.extend(await _routes(cluster, kind, namespace))
    return live


async def _labels(cluster: KubeClient, namespace: str) -> Mapping[str, str] | None:
    try:
        found = await cluster.get(NAMESPACES, "", namespace) or {}
    except ApiError as error:
        if error.status != 403:
            raise
        return None
    labels: Mapping[str, str] = mapping(mapping(found.get("metadata")).get("labels"))
    return labels


def _nimservice(obj: KubeObject, namespace: str) -> Manifest | Diagnostic:
    owner = controller_of(obj)
    manifest = _manifest(obj, NIM_SERVICES, namespace)
    if not owner:
        return manifest
    message = f"skipped, it belongs to {word(owner.get('kind'))} {word(owner.get('name'))}"
    return Diagnostic(manifest.document.file, Position(), message, "note", reason="Skipped")


async def _routes(cluster: KubeClient, kind: Resource, namespace: str) -> list[Manifest | Diagnostic]:
    """The routes of a kind; none of a kind that isn't served, and a warning if they may not be read."""
    try:
        return [_manifest(obj, kind, namespace) for obj in await listed(cluster, kind, namespace)]
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        if error.status == 404:
            return []
    message = "should be readable, and you may not list them: exposedUrl of what they lead to is left out"
    return [Diagnostic(kind.plural, Position(), message, "warning", reason="Forbidden")]


def _manifest(obj: KubeObject, kind: Resource, namespace: str) -> Manifest:
    """As if it were a document of a file, without positions. Items of a list may lack apiVersion and kind."""
    whole: dict[str, Any] = {**obj, "apiVersion": kind.api_version, "kind": kind.kind}
    name = word(mapping(obj.get("metadata")).get("name"))
    return Manifest(Document(f"{kind.kind} {namespace}/{name}", whole, Position(), {}), whole, Position())
