"""Who owns the fields of a NIMService, by its managedFields. Pure.

What server-side apply leaves out is taken away only where nobody else owns it. So before an apply that has to take away
what others have set, their fields become ours, as with the upgrade from client-side apply (client-go csaupgrade).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from runai_nim import keys

Fields = Mapping[str, Any]
"""FieldsV1: `{"f:spec": {"f:replicas": {}}}`."""


def taken_over(managed: Iterable[Mapping[str, Any]], path: Sequence[str]) -> list[dict[str, Any]]:
    """managedFields in which what was applied by us owns all that is owned at `path`, such as `spec`, `storage`.

    What others own elsewhere, and in the status, stays theirs. An empty path changes nothing.
    """
    taken: dict[str, Any] = {}
    ours: dict[str, Any] = {
        "manager": keys.FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": keys.NIM_API_VERSION,
        "fieldsType": "FieldsV1",
        "fieldsV1": {},
    }
    others = []
    for entry in map(dict, managed):
        if not path or entry.get("subresource"):
            others.append(entry)
        elif (entry.get("manager"), entry.get("operation")) == (keys.FIELD_MANAGER, "Apply"):
            ours = entry
        else:
            part, rest = _split(entry.get("fieldsV1") or {}, [f"f:{name}" for name in path])
            taken = _united(taken, part)
            if rest:
                others.append({**entry, "fieldsV1": rest})
    owned = _united(ours["fieldsV1"], taken)
    return [*others, {**ours, "fieldsV1": owned}] if owned else others


def _split(fields: Fields, path: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What of `fields` is at or below `path`, and what is not; both from the root."""
    name, *below = path
    if name not in fields:
        return {}, dict(fields)
    part, rest = _split(fields[name], below) if below else (fields[name], {})
    others = {key: value for key, value in fields.items() if key != name}
    return ({name: part} if part or not below else {}), {**others, **({name: rest} if rest else {})}


def _united(one: Fields, other: Fields) -> dict[str, Any]:
    return {**one, **{key: _united(one.get(key, {}), part) for key, part in other.items()}}
