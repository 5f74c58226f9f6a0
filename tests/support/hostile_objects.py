"""Objects of a hostile tenant: the largest that the API server stores, and ones that can't be decoded."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from runai_nim.api import well_known
from tests.support.services import sample

Object = dict[str, Any]
Make = Callable[[str], Object]

NAMED = {well_known.SERVICE_LABEL: "llama-8b"}
"""The label of the operator's objects."""
ESCAPED = "<" * 700_000
"""Stored as it is for kinds of Kubernetes' own, and six times as long in JSON."""
PLAIN = "x" * 32_768
"""Custom resources are stored as JSON, so that nothing is gained by what has to be escaped there."""
TIMES = 42
DEEP = 1500
"""As deep as managedFields are nested: JSON is read to about a thousand."""


def _metadata(name: str, labels: Mapping[str, str]) -> Object:
    return {"name": name, "labels": dict(labels)}


def claim(name: str, labels: Mapping[str, str] | None = None) -> Object:
    """A claim of 8 MiB of JSON."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(name, labels or {}),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "dataSource": {"kind": "PersistentVolumeClaim", "name": ESCAPED},
        },
    }


def labelled_claim(name: str) -> Object:
    """The same as if it were ours."""
    return claim(name, NAMED)


def _pod_spec() -> Object:
    return {"containers": [{"name": "c", "image": "x", "env": [{"name": "A", "value": ESCAPED}]}]}


def pod(name: str) -> Object:
    """A pod of 8 MiB that seems to be of a service of ours."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(name, NAMED), "spec": _pod_spec()}


def deployment(name: str) -> Object:
    """A Deployment of 8 MiB that seems to be of a service of ours; it wants no pods."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(name, NAMED),
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _pod_spec()},
        },
    }


def service(name: str) -> Object:
    """A Service with the longest annotation."""
    metadata = {**_metadata(name, NAMED), "annotations": {"a": ESCAPED[:250_000]}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}}


def ingress(name: str) -> Object:
    """An Ingress that could be a route of ours."""
    backend = {"service": {"name": "a", "port": {"number": 80}}}
    path = {"path": f"/{ESCAPED[:400_000]}", "pathType": "Prefix", "backend": backend}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {**_metadata(name, NAMED), "annotations": {"a": ESCAPED[:250_000]}},
        "spec": {"rules": [{"http": {"paths": [path]}}]},
    }


def _variables() -> list[Object]:
    return [{"name": f"V{number}", "value": PLAIN} for number in range(TIMES)]


def nimservice(name: str, labels: Mapping[str, str] | None = None) -> Object:
    """A NIMService that nobody runs, of 1.4 MB."""
    annotations = {"stand-in.runai-nim.io/never-act": "true"}
    spec = {"image": {"repository": "r", "tag": "t"}, "authSecret": "s", "storage": {"pvc": {"name": "p"}}}
    return {
        "apiVersion": well_known.NIM_API_VERSION,
        "kind": well_known.NIMSERVICE_KIND,
        "metadata": {**_metadata(name, labels or {}), "annotations": annotations},
        "spec": {**spec, "env": _variables()},
    }


def labelled_nimservice(name: str) -> Object:
    """The same as if it were ours."""
    return nimservice(name, NAMED)


def nimcache(name: str) -> Object:
    """A NIMCache with the longest annotation."""
    source = {"ngc": {"authSecret": "ngc", "modelPuller": "nvcr.io/nim/x:1"}}
    return {
        "apiVersion": well_known.NIM_API_VERSION,
        "kind": well_known.NIMCACHE_KIND,
        "metadata": {**_metadata(name, {}), "annotations": {"a": ESCAPED[:250_000]}},
        "spec": {"source": source, "storage": {"pvc": {"create": True}}},
    }


def resource(name: str) -> Object:
    """A RunaiNimService of 1.4 MB."""
    body = sample("gpu-portion", environmentVariables=_variables())
    body["metadata"]["name"] = name
    return body


LARGE: Mapping[str, Make] = {
    "claim": claim,
    "labelled-claim": labelled_claim,
    "pod": pod,
    "deployment": deployment,
    "service": service,
    "ingress": ingress,
    "nimservice": nimservice,
    "labelled-nimservice": labelled_nimservice,
    "nimcache": nimcache,
    "resource": resource,
}


def undecodable(manifest: Object) -> str:
    """The manifest as JSON, short, with managedFields that the API server takes, nested too deep to be read."""
    manifest = json.loads(json.dumps(manifest).replace(PLAIN, "x").replace("<" * 1000, "x"))
    entry = {"manager": "me", "operation": "Update", "apiVersion": manifest["apiVersion"], "fieldsType": "FieldsV1"}
    fields = {**entry, "time": "0000-01-01T00:00:00Z", "fieldsV1": "FIELDS"}
    metadata = {**manifest["metadata"], "managedFields": [fields]}
    nested = '{"f:a":' * DEEP + "{}" + "}" * DEEP
    return json.dumps({**manifest, "metadata": metadata}).replace('"FIELDS"', nested)
