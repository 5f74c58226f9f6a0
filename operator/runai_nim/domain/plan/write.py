"""Writes, releases and deletions that `reconciler` executes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Write:
    """One server-side apply; with `resource_version` None it creates, otherwise it changes exactly that version.

    `reverted_fields`: paths of fields that another manager changed since the operator's write. `needs_confirmation`:
    the owner's existence must be confirmed first, as before every creation. Informers of different kinds are not in
    step: an object may be absent, or without owner, because its RunaiNimService is being deleted, and a write would
    undo that. `is_adoption`: the object is foreign; its claims are released before it is adopted. `taken_fields`: path
    below which other managers' fields that `manifest` lacks are removed; empty: none.
    """

    manifest: dict[str, Any]
    resource_version: str | None
    reverted_fields: tuple[tuple[str, ...], ...] = ()
    needs_confirmation: bool = False
    is_adoption: bool = False
    taken_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """Removes an owner reference from a claim, so that the claim is not deleted with its owner.

    `owner` is its kind and name.
    """

    claim: str
    claim_uid: str
    owner: str
    owner_uid: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """Deletes one object in exactly the observed version."""

    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str

    @classmethod
    def of(cls, kind: str, live: Mapping[str, Any]) -> Self:
        """From an object in the API's representation, which lacks the kind inside a list."""
        metadata = live["metadata"]
        return cls(
            kind,
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
        )
