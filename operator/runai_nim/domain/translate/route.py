"""spec.servingPort.exposedUrl → a route of our own to the NIM's Service. Expects a spec without errors.

Its name has a dot, which no NIMService's has: the NIM Operator deletes Ingresses and routes of a NIMService's name.
"""

from typing import Any
from urllib.parse import urlsplit

from runai_nim.api import well_known
from runai_nim.domain.translate import names
from runai_nim.domain.translate.exposure import Exposure, exposure_of, tls_secret
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, deep_merge, render_rows


def make_route(source: TranslationSource) -> dict[str, Any] | None:
    """The manifest of an Ingress, HTTPRoute or GRPCRoute; None when no route is ours to make.

    Its hash stands for all but the owner, whose uid is compared by itself.
    """
    exposure = exposure_of(source)
    if exposure.url is None or exposure.by != "route":
        return None
    manifest = render_rows(ROUTE_ROWS, source)
    content = {"annotations": manifest["metadata"].get("annotations", {}), "spec": manifest["spec"]}
    deep_merge(manifest, {"metadata": {"annotations": {well_known.SPEC_HASH: names.content_hash(content)}}})
    return _route_head(source, exposure) | manifest


def _route_head(source: TranslationSource, exposure: Exposure) -> dict[str, Any]:
    if source.settings.external_mode == "ingress":
        return {"apiVersion": well_known.INGRESS_API_VERSION, "kind": well_known.INGRESS_KIND}
    kind = well_known.GRPC_ROUTE_KIND if exposure.protocol == "grpc" else well_known.HTTP_ROUTE_KIND
    return {"apiVersion": well_known.GATEWAY_API_VERSION, "kind": kind}


def _route_metadata_fragment(source: TranslationSource) -> Fragment:
    metadata = {
        "name": names.route_name(source.name),
        "namespace": source.owner.namespace,
        "labels": {well_known.SERVICE_LABEL: source.name},
        "ownerReferences": [source.owner.reference],
    }
    if source.settings.external_annotations:
        metadata["annotations"] = dict(source.settings.external_annotations)
    return {"metadata": metadata}


def _route_spec_fragment(source: TranslationSource) -> Fragment:
    exposure, settings = exposure_of(source), source.settings
    url = urlsplit(exposure.url or "")
    host, path = url.hostname or "", url.path or "/"
    if settings.external_mode == "ingress":
        return {"spec": _ingress_spec(source, host, path, tls=url.scheme == "https")}
    grpc = exposure.protocol == "grpc"
    port = source.serving.grpc_port if grpc else source.serving.port
    rule: dict[str, Any] = {"backendRefs": [{"name": source.name, "port": port}]}
    if not grpc:  # a gRPC call's path is its service and method
        rule["matches"] = [{"path": {"type": "PathPrefix", "value": path}}]
    gateway = {"name": settings.external_gateway_name, "namespace": settings.external_gateway_namespace}
    return {"spec": {"parentRefs": [gateway], "hostnames": [host], "rules": [rule]}}


def _ingress_spec(source: TranslationSource, host: str, path: str, *, tls: bool) -> dict[str, Any]:
    backend = {"service": {"name": source.name, "port": {"number": source.serving.port}}}
    rule = {"host": host, "http": {"paths": [{"path": path, "pathType": "Prefix", "backend": backend}]}}
    spec: dict[str, Any] = {"ingressClassName": source.settings.external_ingress_class, "rules": [rule]}
    if tls:
        secret = tls_secret(source)
        spec["tls"] = [{"hosts": [host], **({"secretName": secret} if secret else {})}]
    return spec


ROUTE_ROWS = (
    MappingRow(
        "",
        "its name `<name>.external`, label and owner, and the annotation `runai-nim.io/spec-hash`",
        _route_metadata_fragment,
        "By the hash the operator sees what was taken away.",
    ),
    MappingRow(
        "spec.servingPort.exposedUrl",
        "an Ingress, HTTPRoute or GRPCRoute of our own with that host and path to the Service, instead of the router",
        _route_spec_fragment,
        "The NIM Operator's router always takes the host `<name>.<namespace>.<domain>`.",
    ),
)
