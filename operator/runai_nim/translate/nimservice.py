"""Assembles the NIMService from the fragments of its spec. Built from them alone, never by merging what users wrote."""

import json
from collections.abc import Mapping
from typing import Any

from runai_nim import keys
from runai_nim.settings import Settings
from runai_nim.translate import names
from runai_nim.translate.owner import Owner


def make_nimservice(owner: Owner, settings: Settings, *fragments: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest for server-side apply, with two hashes that prove what the NIM Operator made of it.

    `runai-nim.io/spec-hash` stands for all that is rendered; through `expose.service.annotations` it reaches the
    Service only. `runai-nim.io/pod-hash` stands for what makes a pod; through `annotations` it reaches Deployment and
    pods, and changes only when they are replaced anyway.
    """
    spec = _united(*fragments, {"labels": {keys.SERVICE_LABEL: owner.name}})
    spec = _united(spec, {"annotations": {keys.POD_HASH: _pod_hash(spec)}})
    labels, category = spec["labels"], settings.category_annotation
    annotations = {key: value for key, value in spec["annotations"].items() if key == category}
    seal = {keys.SPEC_HASH: _hash({"labels": labels, "annotations": annotations, "spec": spec})}
    return {
        "apiVersion": keys.NIM_API_VERSION,
        "kind": keys.NIMSERVICE_KIND,
        "metadata": {
            "name": owner.name,
            "namespace": owner.namespace,
            "labels": labels,
            "annotations": annotations | seal,
            "ownerReferences": [owner.reference],
        },
        "spec": _united(spec, {"expose": {"service": {"annotations": seal}}}),
    }


def _pod_hash(spec: Mapping[str, Any]) -> str:
    # Replicas and the Service's type change without a new pod; the ports are the container's too.
    ports = {key: value for key, value in spec["expose"]["service"].items() if key != "type"}
    return _hash({key: value for key, value in spec.items() if key != "replicas"} | {"expose": ports})


def _hash(content: Mapping[str, Any]) -> str:
    return names.digest(json.dumps(content, sort_keys=True, separators=(",", ":")))


def _united(*fragments: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings joined level by level; no two fragments write the same leaf."""
    result: dict[str, Any] = {}
    for fragment in fragments:
        for key, value in fragment.items():
            result[key] = _united(result.get(key, {}), value) if isinstance(value, Mapping) else value
    return result
