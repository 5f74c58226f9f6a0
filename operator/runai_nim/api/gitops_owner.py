"""Detects whether Argo CD, Flux or Helm manages an object, by the marks and field managers that each documents."""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.api.untrusted_values import mapping, mappings

_OWNER_MARKS: Final = (
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
    ("annotations", "meta.helm.sh/release-name", "Helm"),
)
"""Labels or annotations, the key that each tool documents, and the tool."""
_FIELD_MANAGERS: Final = {
    "argocd-controller": "Argo CD",
    "kustomize-controller": "Flux",
    "helm-controller": "Flux",
    "helm": "Helm",
}


def owner_of(metadata: Mapping[str, Any]) -> str | None:
    """The tool that manages the object: `Argo CD`, `Flux` or `Helm`; None without one."""
    return next((owner for field, key, owner in _OWNER_MARKS if key in mapping(metadata.get(field))), None)


def owner_of_annotation(metadata: Mapping[str, Any], key: str) -> str | None:
    """The tool whose manifest sets this annotation, and so would set it again; None without one."""
    for entry in mappings(metadata.get("managedFields")):
        owner = _FIELD_MANAGERS.get(str(entry.get("manager")))
        annotations = mapping(mapping(mapping(entry.get("fieldsV1")).get("f:metadata")).get("f:annotations"))
        if owner and f"f:{key}" in annotations:
            return owner
    return None
