"""Who created and last changed an object, and when, from its annotations and managed fields."""

from collections.abc import Sequence
from typing import Final

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView

REST_FIELD_MANAGER: Final = "runai-nim-rest"
"""Field manager of writes by the REST API."""
_UNKNOWN: Final = "unknown"


def authorship(metadata: ObjectView) -> dict[str, str]:
    """`createdAt`, `createdBy`, `updatedAt` and `updatedBy` of an answer. Writes of the status don't count."""
    entries = sorted(_managed_entries(metadata), key=lambda entry: str(entry["time"]))
    return {
        "createdAt": metadata["creationTimestamp"],
        "createdBy": _created_by(metadata, entries),
        "updatedAt": entries[-1]["time"] if entries else metadata["creationTimestamp"],
        "updatedBy": _updated_by(metadata, entries),
    }


def _managed_entries(metadata: ObjectView) -> list[ObjectView]:
    """Managers of anything but the status, with times."""
    managed_fields = metadata.get("managedFields") or ()
    return [
        entry for entry in managed_fields if not entry.get("subresource") and entry.get("time") and entry.get("manager")
    ]


def _created_by(metadata: ObjectView, entries: Sequence[ObjectView]) -> str:
    annotations = metadata.get("annotations") or {}
    return str(annotations.get(well_known.CREATED_BY) or (entries[0]["manager"] if entries else _UNKNOWN))


def _updated_by(metadata: ObjectView, entries: Sequence[ObjectView]) -> str:
    """The annotation is valid for the REST API's own writes only: another manager's write makes it outdated."""
    annotations = metadata.get("annotations") or {}
    if entries and entries[-1]["manager"] != REST_FIELD_MANAGER:
        return str(entries[-1]["manager"])
    return str(annotations.get(well_known.UPDATED_BY) or _created_by(metadata, entries))
