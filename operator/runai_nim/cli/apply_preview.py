"""Preview of a server-side apply: the fields that it sets, and the operator's fields that it removes.

Ownership comes from managedFields (FieldsV1, `f:<field>`). Lists with ownership of single items are left unchanged; the
operator only writes owner references of this sort.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.domain.diff import differences, without_owners

OwnedPath = tuple[str, ...]
_VISIBLE_METADATA = ("kind", "metadata", "spec")


def preview_apply(desired: ObjectView, live: ObjectView) -> dict[str, Any]:
    """`live` after an apply of `desired`; values that are semantically equal keep the live text."""
    result = copy.deepcopy(dict(live))
    for path in differences(without_owners(desired), live):
        parent = result
        for key in path[:-1]:
            parent = parent.setdefault(key, {})
        parent[path[-1]] = _value_at(desired, path)
    for path in _removed_fields(desired, live):
        del _value_at(result, path[:-1])[path[-1]]
    return result


def visible_fields(live: ObjectView) -> dict[str, Any]:
    """The object without status and the metadata that the API server adds."""
    metadata = {key: live[key] for key in _VISIBLE_METADATA if key in live}
    return metadata | {"metadata": {"name": live["metadata"]["name"]}}


def _removed_fields(desired: ObjectView, live: ObjectView) -> Iterator[OwnedPath]:
    ours: set[OwnedPath] = set()
    others: set[OwnedPath] = set()
    for entry in live["metadata"].get("managedFields") or ():
        is_ours = entry.get("manager") == well_known.FIELD_MANAGER and entry.get("operation") == "Apply"
        (ours if is_ours else others).update(_owned_paths(entry.get("fieldsV1") or {}, ()))
    for path in sorted(ours - others):
        if _value_at(desired, path) is None and _value_at(live, path) is not None:
            yield path


def _owned_paths(fields: ObjectView, path: OwnedPath) -> Iterator[OwnedPath]:
    """Paths of owned leaf fields."""
    below = {key[2:]: part for key, part in fields.items() if key.startswith("f:")}
    if not below and fields.keys() <= {"."} and path:
        yield path
    for key, part in below.items():
        yield from _owned_paths(part, (*path, key))


def _value_at(obj: Any, path: OwnedPath) -> Any:
    for key in path:
        obj = obj.get(key) if isinstance(obj, Mapping) else None
    return obj
