"""Ingress, HTTPRoute or GRPCRoute of a NIMService → spec.servingPort.exposedUrl.

What the operator's own route would not have becomes a finding about the given one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from runai_nim.api import well_known
from runai_nim.api.resources import ROUTES, ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, word, words
from runai_nim.domain.context import Context
from runai_nim.domain.decision_input import make_decision_input
from runai_nim.domain.importing.container import MINIMUM
from runai_nim.domain.importing.leftovers import EXPOSED, path_text
from runai_nim.domain.importing.serving import INGRESS_PATH_TYPES, SERVICE_PORT_NAME
from runai_nim.domain.reasons import Reason
from runai_nim.domain.translate import Desired, translate
from runai_nim.domain.translate.rules import LeafPath
from runai_nim.domain.validate import Finding

ROUTE_KINDS: Final = frozenset(route.kind for route in ROUTES)
_DEFAULTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "group": ("", well_known.GATEWAY_GROUP),
    "kind": ("Service", "Gateway"),
    "weight": (1,),
    "pathType": INGRESS_PATH_TYPES,
    "port": ({"name": SERVICE_PORT_NAME},),
}
"""Values that the API server adds, or that mean the same, by field."""
_NOT_COMPARED: Final = (well_known.SPEC_HASH, "kubectl.kubernetes.io/last-applied-configuration")
_KEEP: Final = "change the operator's settings, or keep this route beside the operator's"


@dataclass(frozen=True, slots=True)
class ImportedRoute:
    """The manifest of the RunaiNimService with the route, and findings about the route."""

    manifest: dict[str, Any]
    findings: tuple[Finding, ...]


def leads_to(route: ObjectView, name: str) -> bool:
    """Whether the route has the Service of this NIMService, which has its name, among its backends."""
    return name in _backends(mapping(route.get("spec")))


def import_route(manifest: Mapping[str, Any], route: ObjectView, context: Context, namespace: str) -> ImportedRoute:
    """The manifest of a RunaiNimService with the URL of a route that leads to it. `namespace`: of a manifest without
    one."""
    whole = {**manifest, "metadata": {"name": "", "namespace": namespace, **mapping(manifest.get("metadata"))}}
    serving = mapping(mapping(manifest.get("spec")).get("servingPort"))
    url, protocol = _url_of(route, context)
    if url is None:
        return ImportedRoute(dict(manifest), (_finding(("spec",), None, "have one host", "name the host"),))
    exposure = _decided(whole, serving, context).exposure
    if exposure is not None and exposure.url == url and exposure.by == "router":
        return ImportedRoute(dict(manifest), ())  # the NIM Operator makes this one
    given = serving.get("exposedUrl")
    if given not in (None, url):
        rule = f"lead to {given}, a RunaiNimService has one exposedUrl"
        finding = _finding(("spec",), url, rule, "keep this route beside it", severity="warning")
        return ImportedRoute(dict(manifest), (finding,))
    exposed = {key: value for key, value in serving.items() if key != "exposeExternally"} | {"exposedUrl": url}
    if protocol != ("http" if serving.get("grpcPort") is None else "grpc"):
        exposed["exposedProtocol"] = protocol
    imported = {**manifest, "spec": {**mapping(manifest.get("spec")), "servingPort": exposed}}
    decided = _decided(whole, exposed, context)
    if decided.exposure is None:  # the manifest's own finding says why
        return ImportedRoute(imported, ())
    return ImportedRoute(imported, tuple(_differences_of(route, decided.route)))


def _decided(manifest: Mapping[str, Any], serving: Mapping[str, Any], context: Context) -> Desired:
    """What the operator would make of servingPort; the rest of the spec may be incomplete yet."""
    return translate(
        make_decision_input(
            {**manifest, "spec": {**MINIMUM, "servingPort": serving}},
            settings=context.settings,
            namespace_labels=context.namespace_labels,
            nimservice_schema=context.nimservice_schema,
        )
    )


def _backends(spec: ObjectView) -> Iterator[str]:
    """Names of the Services."""
    yield word(mapping(mapping(spec.get("defaultBackend")).get("service")).get("name"))
    for rule in mappings(spec.get("rules")):
        for path in mappings(mapping(rule.get("http")).get("paths")):
            yield word(mapping(mapping(path.get("backend")).get("service")).get("name"))
        for backend in mappings(rule.get("backendRefs")):
            yield word(backend.get("name"))


def _url_of(route: ObjectView, context: Context) -> tuple[str | None, str]:
    """URL by the route's first host and path, None without a host; and the protocol."""
    spec = mapping(route.get("spec"))
    rule = next(iter(mappings(spec.get("rules"))), {})
    if route.get("kind") == well_known.INGRESS_KIND:
        host = word(rule.get("host"))
        path = next(iter(mappings(mapping(rule.get("http")).get("paths"))), {}).get("path")
        is_secure = any(host in words(tls.get("hosts")) for tls in mappings(spec.get("tls")))
    else:
        host = next(iter(words(spec.get("hostnames"))), "")
        path = mapping(next(iter(mappings(rule.get("matches"))), {}).get("path")).get("value")
        is_secure = context.settings.external_tls
    protocol = "grpc" if route.get("kind") == well_known.GRPC_ROUTE_KIND else "http"
    scheme = "https" if is_secure else "http"
    return f"{scheme}://{host}{word(path).rstrip('/')}" if host else None, protocol


def _differences_of(route: ObjectView, own: Mapping[str, Any] | None) -> Iterator[Finding]:
    """What the operator's own route doesn't have; None: the settings make none."""
    metadata = mapping(route.get("metadata"))
    if own is None:
        yield _finding(("spec",), None, "be a route that the operator's settings make", EXPOSED)
        return
    if route.get("kind") != own["kind"]:
        remedy = f"expect {own['kind']} by external_mode in the operator's settings, or change it"
        yield _finding(("kind",), word(route.get("kind")), f"be {own['kind']}", remedy)
    else:
        for path, value in _differences(mapping(route.get("spec")), own["spec"], ("spec",)):
            yield _finding(path, value, "be as the operator writes it", _KEEP)
    annotations = mapping(own["metadata"].get("annotations"))
    for key, value in mapping(metadata.get("annotations")).items():
        if key not in _NOT_COMPARED and annotations.get(key) != value:
            remedy = "add it to external_annotations in the operator's settings, or leave it out"
            yield _finding(("metadata", "annotations", key), None, "be as the operator writes it", remedy)
    if metadata.get("name") != own["metadata"]["name"] and not _is_made(metadata):
        rule = f"be {own['metadata']['name']}, the operator's own"
        remedy = "delete this route when the operator's is to serve the host: until then the host is taken"
        yield _finding(("metadata", "name"), word(metadata.get("name")), rule, remedy, severity="warning")


def _differences(found: Any, wanted: Any, path: LeafPath) -> Iterator[tuple[LeafPath, Any]]:
    """What is in `found` and not, or with another value, in `wanted`: the path, and a value that is no mapping."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        for key, value in found.items():
            if value not in _DEFAULTS.get(key, ()):
                yield from _differences(value, wanted.get(key), (*path, key))
    elif isinstance(found, list) and isinstance(wanted, list):
        for index, item in enumerate(found):
            yield from _differences(item, wanted[index] if index < len(wanted) else None, (*path, index))
    elif found != wanted:
        yield path, None if isinstance(found, Mapping | list) else found


def _is_made(metadata: ObjectView) -> bool:
    """Whether the NIM Operator made the route, which goes with the router of its NIMService."""
    return any(owner.get("kind") == well_known.NIMSERVICE_KIND for owner in mappings(metadata.get("ownerReferences")))


def _finding(
    path: LeafPath, value: Any, must: str, remedy: str, *, severity: Literal["error", "warning"] = "error"
) -> Finding:
    text = None if value is None else str(value)
    return Finding(
        reason=Reason.IGNORED_FIELD, path=path_text(path), value=text, must=must, remedy=remedy, severity=severity
    )
