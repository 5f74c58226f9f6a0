"""The RunaiNimService as owner of what is made from it. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from runai_nim.api import well_known


@dataclass(frozen=True, slots=True)
class OwnerResource:
    """Identity of a RunaiNimService."""

    name: str
    namespace: str
    uid: str

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self:
        """From the resource's metadata; one that was never stored may have no namespace, and has no uid."""
        return cls(metadata["name"], metadata.get("namespace", ""), metadata.get("uid", ""))

    @property
    def reference(self) -> dict[str, Any]:
        """The only owner reference of a child: with two, KAI's pod grouper fails."""
        return {
            "apiVersion": well_known.API_VERSION,
            "kind": well_known.KIND,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
