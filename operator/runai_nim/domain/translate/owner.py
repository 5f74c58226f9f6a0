"""Owner reference of a RunaiNimService on its children."""

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
        """From the resource's metadata; a resource that is not stored yet has no uid and may have no namespace."""
        return cls(metadata["name"], metadata.get("namespace", ""), metadata.get("uid", ""))

    @property
    def reference(self) -> dict[str, Any]:
        """The only owner reference of a child: KAI's pod grouper fails if there are two."""
        return {
            "apiVersion": well_known.API_VERSION,
            "kind": well_known.KIND,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
