"""Assembles the NIMService from the rows of all blocks."""

from collections.abc import Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.domain import names
from runai_nim.domain.translate import (
    autoscaling,
    compute,
    container,
    environment,
    exposure,
    metadata,
    model_store,
    multi_node,
    platform,
    scheduling,
    serving,
)
from runai_nim.domain.translate.rules import (
    MappingRow,
    TranslationSource,
    deep_merge,
    label_fragment,
    pod_annotation_fragment,
    render_rows,
)

ROWS = (
    *container.ROWS,
    *compute.ROWS,
    *model_store.ROWS,
    *serving.ROWS,
    *exposure.ROWS,
    *scheduling.ROWS,
    *autoscaling.ROWS,
    *multi_node.ROWS,
    MappingRow(
        f"metadata.annotations[{well_known.RESTARTED_AT}]",
        "the same annotation of the pods",
        lambda s: pod_annotation_fragment(well_known.RESTARTED_AT, s.annotations.get(well_known.RESTARTED_AT)),
        "A new value starts a rolling restart of the pods.",
    ),
    *environment.ROWS,
    *metadata.ROWS,
    *platform.ROWS,
    MappingRow(
        "",
        "the label `runai-nim.io/service`, on the NIMService and its pods",
        lambda s: label_fragment(well_known.SERVICE_LABEL, s.name),
        "With it, the operator finds the objects of a RunaiNimService.",
    ),
)


def make_nimservice(source: TranslationSource) -> dict[str, Any]:
    """The manifest for server-side apply, with two hashes that prove what the NIM Operator has processed.

    `runai-nim.io/spec-hash` covers the whole manifest; through `expose.service.annotations` it reaches only the
    Service. `runai-nim.io/pod-hash` covers the pod template; through `annotations` it reaches Deployment and pods, so
    it changes only when pods are replaced anyway.
    """
    manifest = render_rows(ROWS, source)
    metadata = manifest["metadata"]
    spec = manifest["spec"]
    pod_hash = names.content_hash(_pod_fields(spec))
    beside = {part: spec[part] for part in _FIELDS_WITHOUT_RESTART if part in spec}
    seal = {well_known.SPEC_HASH: names.content_hash({"metadata": metadata, "pods": pod_hash, "beside": beside})}
    deep_merge(spec, {"annotations": {well_known.POD_HASH: pod_hash}})
    deep_merge(spec, {"expose": {"service": {"annotations": seal}}})
    owner = source.owner
    return {
        "apiVersion": well_known.NIM_API_VERSION,
        "kind": well_known.NIMSERVICE_KIND,
        "metadata": {
            "name": owner.name,
            "namespace": owner.namespace,
            "labels": metadata["labels"],
            "annotations": metadata.get("annotations", {}) | seal,
            "ownerReferences": [owner.reference],
        },
        "spec": spec,
    }


# Replicas, external exposure and a ServiceMonitor change without new pods.
_FIELDS_WITHOUT_RESTART = ("replicas", "scale", "expose", "metrics")


def _pod_fields(spec: Mapping[str, Any]) -> dict[str, Any]:
    # The Service's ports are also the container's.
    ports = {key: value for key, value in spec["expose"]["service"].items() if key not in ("type", "annotations")}
    return {key: value for key, value in spec.items() if key not in _FIELDS_WITHOUT_RESTART} | {"expose": ports}
