"""Renders a NIMService's router: an Ingress, or an HTTPRoute and a GRPCRoute of a gateway.

Recordings have no routes. They follow the real one's documentation and published templates.
"""

from local.nim_operator import kinds
from local.nim_operator.children import Object, annotations_of, child, ports_of
from local.nim_operator.kinds import Kind


def external_host(nim: Object) -> str:
    """The router's host: `<name>.<namespace>.<hostDomainName>`."""
    metadata = nim["metadata"]
    return f"{metadata['name']}.{metadata['namespace']}.{_router(nim)['hostDomainName']}"


def ingress(nim: Object) -> Object | None:
    """Render the router's Ingress; None without one in the spec."""
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
    return _router_object(kinds.INGRESS, nim, spec)


def http_route(nim: Object) -> Object | None:
    """Render the HTTPRoute to the Service's port; None unless `httpRoutesEnabled` is true."""
    if not _router(nim).get("gateway", {}).get("httpRoutesEnabled"):
        return None
    rule = {
        "backendRefs": [{"name": nim["metadata"]["name"], "port": ports_of(nim)["api"]}],
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
    }
    return _router_object(kinds.HTTP_ROUTE, nim, _route_spec(nim, rule))


def grpc_route(nim: Object) -> Object | None:
    """Render the GRPCRoute to the Service's gRPC port; None unless `grpcRoutesEnabled` is true.

    Its spec is empty if the Service has no gRPC port.
    """
    if not _router(nim).get("gateway", {}).get("grpcRoutesEnabled"):
        return None
    port = ports_of(nim).get("grpc")
    if port is None:
        return _router_object(kinds.GRPC_ROUTE, nim, {})
    rule = {"backendRefs": [{"name": nim["metadata"]["name"], "port": port}]}
    return _router_object(kinds.GRPC_ROUTE, nim, _route_spec(nim, rule))


def _router(nim: Object) -> Object:
    router: Object = nim["spec"]["expose"].get("router", {})
    return router


def _route_spec(nim: Object, rule: Object) -> Object:
    gateway = _router(nim)["gateway"]
    parent = {"name": gateway["name"], "namespace": gateway["namespace"]}
    return {"parentRefs": [parent], "hostnames": [external_host(nim)], "rules": [rule]}


def _router_object(kind: Kind, nim: Object, spec: Object) -> Object:
    annotations = {**_router(nim).get("annotations", {}), **annotations_of(nim)}
    return child(kind, nim, annotations=annotations, spec=spec)
