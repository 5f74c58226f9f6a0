"""What has to be written of a status."""

from collections.abc import Mapping
from typing import Any


def status_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that turns a status into another one: null removes a field, at any depth."""
    changes: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for field, value in after.items():
        known = before.get(field)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            if inner := status_changes(known, value):
                changes[field] = inner
        elif known != value:
            changes[field] = value
    return changes
