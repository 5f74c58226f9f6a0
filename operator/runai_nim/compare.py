"""Is what we want already there? Semantic comparison of an object that we render with the live one.

Pure. It may not know any kind: what it knows is how the API server and a typed Go client change what was written.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim import quantity

# After the NIM Operator's first write, server-side apply cannot take these structs of a NIMService away: it answers
# 422 "must be of type object". An apply that keeps the named leaf is accepted and means "nothing here".
KEPT_LEAVES: Mapping[tuple[str, ...], Mapping[str, Any]] = {
    ("spec", "storage", "nimCache"): {"name": ""},
    ("spec", "storage", "pvc"): {"create": False},
}


def differences(wanted: Any, live: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the fields of `wanted` that `live` does not have or has otherwise. Fields only in `live` don't count.

    Lists are compared whole. An empty string, mapping or list and `false` equal absence: a Go client that writes an
    object back drops them. A number never does: 0 replicas are not "replicas unset".
    """
    if isinstance(wanted, Mapping) and isinstance(live, Mapping | None):
        for key, value in wanted.items():
            yield from differences(value, (live or {}).get(key), (*path, key))
    elif not _same(wanted, live, path):
        yield path


def _same(wanted: Any, live: Any, path: tuple[str, ...]) -> bool:
    if wanted == live or (live is None and wanted in ("", False, [], {}) and not _is_number(wanted)):
        return True
    if isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        return all(not any(differences(w, v, path)) for w, v in zip(wanted, live, strict=True))
    # `limits.memory: 1024Mi` comes back as `1Gi`; only maps of quantities carry such text.
    if isinstance(wanted, str) and isinstance(live, str) and {"requests", "limits"} & set(path):
        return quantity.equal(wanted, live)
    return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def with_kept_leaves(wanted: dict[str, Any], live: Mapping[str, Any] | None) -> dict[str, Any]:
    """`wanted` plus the leaf of every struct that `live` has, `wanted` lacks, and server-side apply can't remove."""
    result = wanted
    for path, leaf in KEPT_LEAVES.items():
        if _at(live, path) is not None and _at(wanted, path) is None:
            result = _put(result, path, leaf)
    return result


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        obj = obj.get(key) if isinstance(obj, Mapping) else None
    return obj


def _put(obj: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    head, *rest = path
    return {**obj, head: _put(obj.get(head) or {}, tuple(rest), value) if rest else value}
