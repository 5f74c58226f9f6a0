"""What is written or deleted: values that `reconciler` carries out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Write:
    """One server-side apply; `resource_version` None creates, anything else changes just that version.

    `reverted_fields` are the paths of fields that somebody changed since we wrote them. `needs_confirmation`: the owner
    must first be seen to be there still, as before everything that is created. Watches of different kinds are not in
    step: an object that is gone, or has lost its owner, may be so because its RunaiNimService is being deleted, and
    writing it then would undo that. `is_adoption`: the object was
    not ours, and before it is, its claims are released. `taken_fields`: where others' fields that `manifest` lacks are
    taken away; empty: nowhere.
    """

    manifest: dict[str, Any]
    resource_version: str | None
    reverted_fields: tuple[tuple[str, ...], ...] = ()
    needs_confirmation: bool = False
    is_adoption: bool = False
    taken_fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """An owner reference that goes from a claim, so that the claim does not go with its owner.

    `owner` is its kind and name.
    """

    claim: str
    claim_uid: str
    owner: str
    owner_uid: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """The deletion of one object, of just the version that was seen."""

    kind: str
    namespace: str
    name: str
    uid: str
    resource_version: str

    @classmethod
    def of(cls, kind: str, live: Mapping[str, Any]) -> Self:
        """Of an object as the API gives it, which in a list has no kind."""
        metadata = live["metadata"]
        return cls(kind, metadata["namespace"], metadata["name"], metadata["uid"], metadata["resourceVersion"])
