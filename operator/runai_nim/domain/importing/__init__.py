"""`import_nimservice`: the RunaiNimService that renders a NIMService, as far as its fields can say it.

Each module has the backward rows of a block. What no row takes and the result doesn't render becomes a finding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping
from runai_nim.domain.context import Context
from runai_nim.domain.decision_input import make_decision_input
from runai_nim.domain.importing import (
    compute,
    container,
    environment,
    metadata,
    model_store,
    scaling,
    scheduling,
    serving,
)
from runai_nim.domain.importing.container import MINIMUM
from runai_nim.domain.importing.leftovers import leftover_findings
from runai_nim.domain.importing.remainder import Remainder
from runai_nim.domain.importing.routes import ROUTE_KINDS, ImportedRoute, import_route, leads_to
from runai_nim.domain.importing.rows import ImportSource
from runai_nim.domain.translate import translate
from runai_nim.domain.translate.rules import deep_merge
from runai_nim.domain.validate import Finding

__all__ = [
    "ROUTE_KINDS",
    "ROWS",
    "WITHOUT_WAY_BACK",
    "Imported",
    "ImportedRoute",
    "import_nimservice",
    "import_route",
    "leads_to",
]

# multiNode reads the GPUs that compute takes, and probes read the port that servingPort takes.
ROWS: Final = (
    *scaling.ROWS,
    *container.ROWS,
    *compute.ROWS,
    *model_store.ROWS,
    *serving.ROWS,
    *scheduling.ROWS,
    *environment.ROWS,
    *metadata.ROWS,
)
WITHOUT_WAY_BACK: Final[Mapping[str, str]] = {
    "spec.desiredPhase": "a stopped NIM is a NIMService with 0 replicas, as with spec.replicas: 0",
    "spec.tolerations[].name": "the NIMService's tolerations have no names",
    "spec.environmentVariables[].description": "the NIMService's variables have no comments",
    "spec.modelStore.pvc.retentionPolicy": "the claim has it, by its owner; Retain, the default, loses no data",
    "spec.modelStore.pvc.claimInfo.volumeMode": "the claims of the NIM Operator are file systems, the default",
}
"""Fields of `translate` that no backward row sets, and why."""
_SET_BY_SERVER: Final = (
    *("creationTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields", "resourceVersion"),
    *("selfLink", "uid"),
)
_HASHES: Final = (
    ("metadata", "annotations", well_known.SPEC_HASH),
    ("spec", "expose", "service", "annotations", well_known.SPEC_HASH),
    ("spec", "annotations", well_known.POD_HASH),
)
_CONTROLLERS: Final = (("ownerReferences", well_known.KIND), ("finalizers", "finalizer.nimservice.apps.nvidia.com"))
"""What this operator and the NIM Operator add to a NIMService: kind of an owner, and a finalizer."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A manifest, and findings about the NIMService. Without an error, no field of the NIMService is lost."""

    manifest: dict[str, Any]
    findings: tuple[Finding, ...]


def import_nimservice(nimservice: Mapping[str, Any], context: Context, namespace: str = "") -> Imported:
    """The RunaiNimService for a NIMService. `namespace`: that of a NIMService that names none."""
    remainder = Remainder(nimservice)
    head = _head(remainder)
    source = ImportSource(head.get("name", ""), context.settings, remainder)
    manifest: dict[str, Any] = {
        "apiVersion": well_known.API_VERSION,
        "kind": well_known.KIND,
        "metadata": head,
        "spec": {},
    }
    for row in ROWS:
        deep_merge(manifest, row.read(source))
    remainder.subtract(_render(manifest, context, namespace))
    return Imported({**manifest, "spec": _in_order(manifest["spec"])}, tuple(leftover_findings(remainder)))


def _head(remainder: Remainder) -> dict[str, Any]:
    """Name and namespace. Takes what the API server, the NIM Operator and this operator set."""
    for path in (("status",), *_HASHES, *(("metadata", field) for field in _SET_BY_SERVER)):
        remainder.drop(*path)
    for field, expected in (("apiVersion", well_known.NIM_API_VERSION), ("kind", well_known.NIMSERVICE_KIND)):
        if remainder.peek(field) == expected:
            remainder.drop(field)
    for field, item in _CONTROLLERS:
        for index, found in remainder.items(object, "metadata", field):
            if item in (found, mapping(found).get("kind")):
                remainder.drop("metadata", field, index)
    if remainder.peek("spec", "inferencePlatform") == "standalone":
        remainder.drop("spec", "inferencePlatform")
    names = {field: remainder.take(str, "metadata", field) for field in ("name", "namespace")}
    return {field: name for field, name in names.items() if name}


def _render(manifest: Mapping[str, Any], context: Context, namespace: str) -> Mapping[str, Any]:
    """What the operator would write for the manifest; with errors, for those of its fields that are valid together."""
    metadata = {"name": "", "namespace": namespace, **mapping(manifest["metadata"])}
    whole = _nimservice({**manifest, "metadata": metadata}, context)
    if whole is not None:
        return whole
    valid: dict[str, Any] = {}
    for field, value in manifest["spec"].items():
        part = {**manifest, "metadata": metadata, "spec": {**MINIMUM, **valid, field: value}}
        found = _nimservice(part, context)
        if found is not None:
            whole = found
            valid[field] = value
    return whole or {}


def _nimservice(manifest: Mapping[str, Any], context: Context) -> dict[str, Any] | None:
    decision_input = make_decision_input(
        manifest,
        settings=context.settings,
        namespace_labels=context.namespace_labels,
        nimservice_schema=context.nimservice_schema,
    )
    return translate(decision_input).nimservice


_ORDER: Final = (
    *("image", "imagePullPolicy", "imagePullSecrets", "ngcAuthSecret", "modelStore", "servingPort", "compute"),
    *("replicas", "autoscaling", "multiNode", "priorityClass", "preemptibility", "nodePools", "tolerations"),
    *("category", "environmentVariables", "labels", "annotations", "probes", "security"),
)
"""Fields as `explain` lists them."""


def _in_order(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {field: spec[field] for field in _ORDER if field in spec}
