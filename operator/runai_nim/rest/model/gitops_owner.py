"""The warning for a change of what Argo CD, Flux or Helm manages."""

from collections.abc import Mapping
from typing import Any

from runai_nim.api.gitops_owner import owner_of


def details_of(metadata: Mapping[str, Any], what: str = "workload") -> str | None:
    """The warning for a change through the REST API; None if no tool manages the object. `what` it is, for users."""
    owner = owner_of(metadata)
    return owner and f"{owner} manages this {what} and will revert the change: make it in Git too"
