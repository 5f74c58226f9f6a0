"""Objects that are cached whole, and their owners."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import orjson

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, word

LARGE: Final = 32 * 2**10
"""Size in bytes from which an object is read when needed instead of cached; a NIMService has 5,000."""

_DELETION: Final = b'"deletionTimestamp":'
_OF_AN_OWNER: Final = frozenset({"kind", "name", "uid"})


def controller_of(obj: ObjectView) -> Mapping[str, Any]:
    """The owner reference of the object's controller; empty without a controller."""
    owners = mappings(mapping(obj.get("metadata")).get("ownerReferences"))
    return next((owner for owner in owners if owner.get("controller")), {})


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object without managedFields as compact JSON, which needs a fifth of the memory of dictionaries.

    `applied_at` (RFC 3339) is the operator's last change; empty without one. `body` is empty for a LARGE object, which
    has to be read from the API server.
    """

    resource_version: str
    uid: str
    applied_at: str
    body: bytes

    @classmethod
    def from_object(cls, obj: ObjectView) -> Self:
        """Store `obj`. Of its managedFields, half of its size, only the operator's last change is kept."""
        metadata = {k: v for k, v in obj["metadata"].items() if k != "managedFields"}
        body = orjson.dumps({**obj, "metadata": metadata})
        return cls(metadata["resourceVersion"], metadata["uid"], applied_at(obj), body if len(body) < LARGE else b"")

    @classmethod
    def of_route(cls, obj: ObjectView) -> Self:
        """Store `obj`; of a LARGE route only its owner. Such a route never equals the desired one and is written
        again."""
        stored = cls.from_object(obj)
        if stored.body:
            return stored
        kept = ("name", "namespace", "uid", "resourceVersion", "deletionTimestamp")
        metadata = {field: obj["metadata"][field] for field in kept if field in obj["metadata"]}
        controller = {field: word(value) for field, value in controller_of(obj).items() if field in _OF_AN_OWNER}
        owners = [{**controller, "controller": True}] if controller else []
        return replace(stored, body=orjson.dumps({"metadata": {**metadata, "ownerReferences": owners}}))

    @property
    def is_deleting(self) -> bool:
        """Whether the object has a deletionTimestamp. Few have one, so most are not decoded for it."""
        return _DELETION in self.body and "deletionTimestamp" in self.load()["metadata"]

    def load(self) -> dict[str, Any]:
        """The object; only if `body` is not empty."""
        loaded: dict[str, Any] = orjson.loads(self.body)
        return loaded


def applied_at(obj: ObjectView) -> str:
    """When the operator last changed its applied fields of the object, as RFC 3339; empty without such a change."""
    entries = mappings(obj["metadata"].get("managedFields"))
    ours = (e for e in entries if e.get("manager") == well_known.FIELD_MANAGER and e.get("operation") == "Apply")
    return max((word(entry.get("time")) for entry in ours if not entry.get("subresource")), default="")
