"""NIMService → what its router is made of: an Ingress, or an HTTPRoute and a GRPCRoute of a gateway. Pure.

Routes were not recorded: they are as the documented and published templates of the real one have them.
"""

from local.nim_operator import kinds
from local.nim_operator.children import Object, annotations_of, child, ports_of
from local.nim_operator.kinds import Kind


def external_host(nim: Object) -> str:
    """Host under which a router exposes the NIMService; always name, namespace and domain."""
    metadata = nim["metadata"]
    return f"{metadata['name']}.{metadata['namespace']}.{_router(nim)['hostDomainName']}"


def ingress(nim: Object) -> Object | None:
    """Return the router's Ingress, None when there is no router by Ingress."""
    wanted = _router(nim).get("ingress")
    if wanted is None:
        return None
    host = external_host(nim)
    backend = {"service": {"name": nim["metadata"]["name"], "port": {"name": "api"}}}
    spec: Object = {
        "ingressClassName": wanted["ingressClass"],
        "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
    }
    if "tlsSecretName" in wanted:
        spec["tls"] = [{"hosts": [host], "secretName": wanted["tlsSecretName"]}]
    return _exposing(kinds.INGRESS, nim, spec)


def http_route(nim: Object) -> Object | None:
    """Return the router's HTTPRoute to the Service's port, None when it is off."""
    if not _router(nim).get("gateway", {}).get("httpRoutesEnabled"):
        return None
    rule = {
        "backendRefs": [{"name": nim["metadata"]["name"], "port": ports_of(nim)["api"]}],
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
    }
    return _exposing(kinds.HTTP_ROUTE, nim, _route_spec(nim, rule))


def grpc_route(nim: Object) -> Object | None:
    """Return the router's GRPCRoute to the Service's gRPC port, None when it is off. Without that port it is empty."""
    if not _router(nim).get("gateway", {}).get("grpcRoutesEnabled"):
        return None
    port = ports_of(nim).get("grpc")
    if port is None:
        return _exposing(kinds.GRPC_ROUTE, nim, {})
    rule = {"backendRefs": [{"name": nim["metadata"]["name"], "port": port}]}
    return _exposing(kinds.GRPC_ROUTE, nim, _route_spec(nim, rule))


def _router(nim: Object) -> Object:
    router: Object = nim["spec"]["expose"].get("router", {})
    return router


def _route_spec(nim: Object, rule: Object) -> Object:
    gateway = _router(nim)["gateway"]
    parent = {"name": gateway["name"], "namespace": gateway["namespace"]}
    return {"parentRefs": [parent], "hostnames": [external_host(nim)], "rules": [rule]}


def _exposing(kind: Kind, nim: Object, spec: Object) -> Object:
    annotations = {**_router(nim).get("annotations", {}), **annotations_of(nim)}
    return child(kind, nim, annotations=annotations, spec=spec)
