"""Detects whether Argo CD, Flux or Helm manages an object, by the marks that each documents."""

from collections.abc import Mapping
from typing import Any, Final

from runai_nim.api.untrusted_values import mapping

_OWNER_MARKS: Final = (
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
    ("annotations", "meta.helm.sh/release-name", "Helm"),
)
"""Labels or annotations, the key that each tool documents, and the tool."""


def owner_of(metadata: Mapping[str, Any]) -> str | None:
    """The tool that manages the object: `Argo CD`, `Flux` or `Helm`; None without one."""
    return next((owner for field, key, owner in _OWNER_MARKS if key in mapping(metadata.get(field))), None)
