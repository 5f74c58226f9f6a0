"""Detects whether Argo CD, Flux or Helm manages a RunaiNimService, by their labels and annotations."""

from collections.abc import Mapping
from typing import Any, Final

_OWNER_MARKS: Final = (
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
    ("annotations", "meta.helm.sh/release-name", "Helm"),
)
"""Labels or annotations, the key that each tool documents, and the tool."""


def details_of(metadata: Mapping[str, Any]) -> str | None:
    """The warning for a change through the REST API; None if no tool manages the object."""
    for field, key, owner in _OWNER_MARKS:
        if key in (metadata.get(field) or {}):
            return f"{owner} manages this workload and will revert the change: make it in Git too"
    return None
