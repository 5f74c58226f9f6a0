"""Takes over the ownership of NIMService fields in managedFields.

Server-side apply removes an omitted field only if no other manager owns it. So before an apply that must remove other
managers' fields, the operator becomes their owner, as in the upgrade from client-side apply (client-go csaupgrade).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, mappings

FieldsV1 = Mapping[str, Any]
"""FieldsV1: `{"f:spec": {"f:replicas": {}}}`."""
_LEVELS: Final = 100
"""Maximum nesting of fields, twice that of any kind. The API server stores deeper ones."""


def take_over_fields(managed_fields: Any, path: Sequence[str]) -> list[dict[str, Any]]:
    """managedFields in which the operator's apply entry owns everything at `path`, such as `("spec", "storage")`.

    Other managers keep fields elsewhere and in the status; malformed entries are dropped. An empty path changes
    nothing.
    """
    taken_fields: dict[str, Any] = {}
    ours: dict[str, Any] = {
        "manager": well_known.FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": well_known.NIM_API_VERSION,
        "fieldsType": "FieldsV1",
        "fieldsV1": {},
    }
    others = []
    for entry in map(dict, mappings(managed_fields)):
        if not path or entry.get("subresource"):
            others.append(entry)
        elif not _is_readable(entry.get("fieldsV1")):
            continue
        elif (entry.get("manager"), entry.get("operation")) == (well_known.FIELD_MANAGER, "Apply"):
            ours = entry
        else:
            part, rest = _split_fields(mapping(entry.get("fieldsV1")), [f"f:{name}" for name in path])
            taken_fields = _merge_fields(taken_fields, part)
            if rest:
                others.append({**entry, "fieldsV1": rest})
    owned_fields = _merge_fields(mapping(ours.get("fieldsV1")), taken_fields)
    return [*others, {**ours, "fieldsV1": owned_fields}] if owned_fields else others


def _is_readable(fields: Any, levels: int = _LEVELS) -> bool:
    parts = [] if fields is None else list(fields.values()) if isinstance(fields, Mapping) else [None]
    return levels > 0 and all(isinstance(part, Mapping) and _is_readable(part, levels - 1) for part in parts)


def _split_fields(fields: FieldsV1, path: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The part of `fields` at or below `path`, and the rest; both from the root."""
    name, *below = path
    if name not in fields:
        return {}, dict(fields)
    part, rest = _split_fields(fields[name], below) if below else (fields[name], {})
    others = {key: value for key, value in fields.items() if key != name}
    return ({name: part} if part or not below else {}), {**others, **({name: rest} if rest else {})}


def _merge_fields(one: FieldsV1, other: FieldsV1) -> dict[str, Any]:
    return {**one, **{key: _merge_fields(one.get(key, {}), part) for key, part in other.items()}}
