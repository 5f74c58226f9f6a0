"""Who keeps a RunaiNimService in Git: Argo CD, Flux or Helm, by the marks that they leave. Pure."""

from collections.abc import Mapping
from typing import Any, Final

_OWNER_MARKS: Final = (
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD"),
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux"),
    ("annotations", "meta.helm.sh/release-name", "Helm"),
)
"""Where the mark is, its key (as each documents it), and whose it is."""


def details_of(metadata: Mapping[str, Any]) -> str | None:
    """The sentence for whoever changes it by other means; None when nobody would notice."""
    for field, key, owner in _OWNER_MARKS:
        if key in (metadata.get(field) or {}):
            return f"{owner} keeps this workload and will revert the change: make it in Git too"
    return None
