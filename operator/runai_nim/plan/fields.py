"""Who owns the fields of an object, by its managedFields. Pure.

What server-side apply leaves out is taken away only where nobody else owns it. So before a NIMService of somebody else
is applied, all fields of its spec become ours, as with the upgrade from client-side apply (client-go csaupgrade).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from runai_nim import keys

Fields = Mapping[str, Any]
"""FieldsV1: `{"f:spec": {"f:replicas": {}}}`."""
_SPEC = "f:spec"


def taken_over(managed: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """managedFields in which what was applied by us owns the whole spec; of metadata and status all stays as it is."""
    spec: dict[str, Any] = {}
    ours: dict[str, Any] = {
        "manager": keys.FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": keys.NIM_API_VERSION,
        "fieldsType": "FieldsV1",
        "fieldsV1": {},
    }
    others = []
    for entry in managed:
        fields = entry.get("fieldsV1") or {}
        if entry.get("subresource"):
            others.append(dict(entry))
            continue
        spec = _united(spec, fields.get(_SPEC, {}))
        rest = {key: part for key, part in fields.items() if key != _SPEC}
        if (entry.get("manager"), entry.get("operation")) == (keys.FIELD_MANAGER, "Apply"):
            ours = {**entry, "fieldsV1": rest}
        elif rest:
            others.append({**entry, "fieldsV1": rest})
    return [*others, {**ours, "fieldsV1": {**ours["fieldsV1"], _SPEC: spec}}]


def _united(one: Fields, other: Fields) -> dict[str, Any]:
    return {**one, **{key: _united(one.get(key, {}), part) for key, part in other.items()}}
