"""What `runai-nim import` reads: NIMServices, or workloads of Run:ai's REST API. Each becomes a manifest."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.cli.convert import body_diagnostics
from runai_nim.cli.diagnostic import Diagnostic, Position
from runai_nim.cli.documents import Document, read_documents
from runai_nim.cli.input_files import read_input
from runai_nim.cli.manifests import Manifest, read_manifests
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.domain.admission.rest_body import make_manifest, metadata_of
from runai_nim.domain.context import Context
from runai_nim.domain.importing import ROUTE_KINDS, import_nimservice, import_route, leads_to


@dataclass(frozen=True, slots=True)
class ImportedManifest:
    """A RunaiNimService, remarks about what it was made from, and that NIMService; None for a workload of Run:ai."""

    manifest: dict[str, Any]
    remarks: tuple[Diagnostic, ...]
    nimservice: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """Name of the RunaiNimService; empty without one."""
        name: str = self.manifest["metadata"].get("name", "")
        return name

    @property
    def namespace(self) -> str:
        """Namespace of the RunaiNimService; empty without one."""
        namespace: str = self.manifest["metadata"].get("namespace", "")
        return namespace


def read_nimservices(arguments: Iterable[str]) -> Iterator[Manifest | Diagnostic]:
    """The NIMServices and routes that the arguments name, and diagnostics about what can't be read."""
    return read_manifests(arguments, well_known.NIMSERVICE_KIND, ROUTE_KINDS)


def imported_nimservices(
    read: Iterable[Manifest | Diagnostic], offline: OfflineContext, namespace: str
) -> Iterator[ImportedManifest | Diagnostic]:
    """A manifest for each NIMService and the routes to it, and the diagnostics that were read.

    `namespace`: that of a NIMService without one; empty for none.
    """
    context = Context(
        offline.settings, offline.namespace_labels, claim_exists=None, nimservice_schema=offline.nimservice_schema
    )
    read = list(read)
    manifests = [found for found in read if isinstance(found, Manifest)]
    routes = [found for found in manifests if found.value["kind"] in ROUTE_KINDS]
    targets = {_key(one, offline) for one in manifests if one.value["kind"] == well_known.NIMSERVICE_KIND}
    if routes and not targets:
        message = f"must contain a {well_known.NIMSERVICE_KIND}: it contains none"
        yield Diagnostic(routes[0].document.file, Position(), message)
    for found in read:
        if isinstance(found, Diagnostic):
            yield found
        elif found.value["kind"] == well_known.NIMSERVICE_KIND:
            own = [route for route in routes if _leads_to(route, _key(found, offline), offline)]
            yield _imported(found, own, context, offline=offline, namespace=namespace)
        elif not any(_leads_to(found, target, offline) for target in targets):
            yield found.skipped()


def _imported(
    found: Manifest, routes: Iterable[Manifest], context: Context, *, offline: OfflineContext, namespace: str
) -> ImportedManifest:
    imported = import_nimservice(found.value, context, offline.namespace)
    manifest = imported.manifest
    resource = "/".join(_key(found, offline))
    remarks = [found.diagnostic(finding, resource) for finding in imported.findings]
    for route in routes:
        with_route = import_route(manifest, route.value, context, offline.namespace)
        manifest = with_route.manifest
        remarks += (route.diagnostic(finding, resource) for finding in with_route.findings)
    return ImportedManifest(_with_namespace(manifest, namespace), tuple(remarks), found.value)


def _key(found: Manifest, offline: OfflineContext) -> tuple[str, str]:
    """Namespace and name; empty without a usable one."""
    metadata = mapping(found.value.get("metadata"))
    return word(metadata.get("namespace")) or offline.namespace, word(metadata.get("name"))


def _leads_to(route: Manifest, target: tuple[str, str], offline: OfflineContext) -> bool:
    namespace, name = target
    return bool(name) and _key(route, offline)[0] == namespace and leads_to(route.value, name)


def imported_workloads(arguments: Iterable[str], namespace: str) -> Iterator[ImportedManifest | Diagnostic]:
    """A manifest for each workload with a spec in answers of the API: a list `workloads`, a list, or one body.

    `namespace`: that of all workloads, which must be of one project; empty for none, with a warning.
    """
    for argument in arguments:
        for text in read_input(argument):
            for document in read_documents(text):
                if isinstance(document, Diagnostic):
                    yield document
                else:
                    yield from _workloads_in(document, namespace)


def _workloads_in(document: Document, namespace: str) -> Iterator[ImportedManifest | Diagnostic]:
    value = document.value
    prefix = ""
    if isinstance(value, dict) and isinstance(value.get("workloads"), list):
        value = value["workloads"]
        prefix = "workloads"
    bodies = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
    projects = {str(metadata_of(body).get("projectId")) for _, body in bodies if isinstance(body, dict)}
    if not namespace or len(projects) > 1:
        message = "all workloads should be of one project, whose namespace --namespace names: import each on its own"
        yield Diagnostic(document.file, document.position, message, "warning", reason="ProjectUnknown")
    for index, body in bodies:
        path = prefix if index is None else f"{prefix}[{index}]"
        position = document.locate(path)
        if not isinstance(body, dict) or not isinstance(body.get("spec"), dict):
            message = (
                f"{path or 'the document'} must be a workload with its spec: get it by"
                " /api/v2/workloads/nim-services/{id}"
            )
            yield Diagnostic(document.file, position, message)
            continue
        manifest = make_manifest(
            {**body, "metadata": {**metadata_of(body), "useGivenNameAsPrefix": False}}, namespace or None
        )
        yield ImportedManifest(manifest, tuple(body_diagnostics(Manifest(document, body, position))))


def _with_namespace(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    metadata = dict(manifest["metadata"])
    if not namespace or metadata.get("namespace"):
        return manifest
    name = {"name": metadata.pop("name")} if "name" in metadata else {}
    return {**manifest, "metadata": {**name, "namespace": namespace, **metadata}}
