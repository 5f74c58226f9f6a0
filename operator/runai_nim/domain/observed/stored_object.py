"""Objects kept whole, and whose they are.

Small frozen values made from Kubernetes objects; whatever no decision reads is dropped. May not decide anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import orjson

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, word

LARGE: Final = 32 * 2**10
"""Bytes from which on an object is not kept, but read again when it is looked at; a NIMService has 5,000."""

_OF_AN_OWNER: Final = frozenset({"kind", "name", "uid"})


def controller_of(obj: ObjectView) -> Mapping[str, Any]:
    """The owner reference of the object's controller; empty when nobody controls it."""
    owners = mappings(mapping(obj.get("metadata")).get("ownerReferences"))
    return next((owner for owner in owners if owner.get("controller")), {})


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object kept whole but for managedFields, as compact JSON: a fifth of the memory of its dictionaries.

    `applied_at` (RFC 3339) is when the operator last changed it; empty when it never did. `body` is empty for an object
    that is LARGE: who needs it reads it.
    """

    resource_version: str
    uid: str
    applied_at: str
    body: bytes

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """Keep `obj`; of its managedFields, half of its size, only when we last changed it."""
        metadata = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
        body = orjson.dumps({**obj, "metadata": metadata})
        return cls(metadata["resourceVersion"], metadata["uid"], applied_at(obj), body if len(body) < LARGE else b"")

    @classmethod
    def of_route(cls, obj: ObjectView) -> Self:
        """Keep `obj`; of a LARGE one only whose it is. It then looks as ours never does, and is written again."""
        stored = cls.from_object(obj)
        if stored.body:
            return stored
        kept = ("name", "namespace", "uid", "resourceVersion", "deletionTimestamp")
        metadata = {field: obj["metadata"][field] for field in kept if field in obj["metadata"]}
        controller = {field: word(value) for field, value in controller_of(obj).items() if field in _OF_AN_OWNER}
        owners = [{**controller, "controller": True}] if controller else []
        return replace(stored, body=orjson.dumps({"metadata": {**metadata, "ownerReferences": owners}}))

    def load(self) -> dict[str, Any]:
        """The object again; only where it was kept."""
        loaded: dict[str, Any] = orjson.loads(self.body)
        return loaded


def applied_at(obj: ObjectView) -> str:
    """When the operator last changed what it applies of the object, as RFC 3339; empty when it never did."""
    entries = mappings(obj["metadata"].get("managedFields"))
    ours = (e for e in entries if e.get("manager") == well_known.FIELD_MANAGER and e.get("operation") == "Apply")
    return max((word(entry.get("time")) for entry in ours if not entry.get("subresource")), default="")
