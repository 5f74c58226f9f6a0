"""Semantic comparison of a rendered object with the live one.

It knows how the API server and a typed Go client change what was written, and is independent of the kind.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from runai_nim.api import quantity
from runai_nim.api.untrusted_values import mapping

# After its first write the NIM Operator co-owns these structs of a NIMService, and server-side apply can't remove them:
# it returns 422 "must be of type object". An apply that keeps the named leaf is accepted and means "unset". This
# doesn't work for a source of storage: the NIM Operator's webhook counts `pvc: {create: false}` as a source.
IRREMOVABLE_FIELDS: Mapping[tuple[str, ...], Mapping[str, Any]] = {
    ("spec", "scale"): {"enabled": False, "hpa": {"minReplicas": 1, "maxReplicas": 1}},
    ("spec", "readinessProbe"): {"enabled": True},
    ("spec", "startupProbe"): {"enabled": True},
    ("spec", "livenessProbe"): {"enabled": True},
    ("spec", "metrics"): {"enabled": False},
    ("spec", "expose", "router"): {"hostDomainName": None},
    ("spec", "multiNode", "mpi"): {"mpiStartTimeout": 300},
}
"""Leaf to keep for each struct; None means its live value."""


_QUANTITIES = {"requests", "limits", "averageValue", "sharedMemorySizeLimit"}


def differences(desired: Any, live: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of the fields of `desired` that are absent or different in `live`. Fields only in `live` don't count.

    Lists are compared as a whole. An empty string, mapping or list and `false` equal absence, because a Go client that
    writes an object back drops them. Numbers never equal absence: 0 replicas differ from unset replicas.
    """
    if isinstance(desired, Mapping) and isinstance(live, Mapping | None):
        for key, value in desired.items():
            yield from differences(value, (live or {}).get(key), (*path, key))
    elif not _is_equal(desired, live, path):
        yield path


def _is_equal(desired: Any, live: Any, path: tuple[str, ...]) -> bool:
    if desired == live or (live is None and desired in ("", False, [], {}) and not _is_number(desired)):
        return True
    if isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        return all(not any(differences(w, v, path)) for w, v in zip(desired, live, strict=True))
    # The API server returns `limits.memory: 1024Mi` as `1Gi`, and a metric's `averageValue: "1000"` as `1k`.
    if isinstance(desired, str) and isinstance(live, str) and _QUANTITIES & set(path):
        return quantity.is_equal(desired, live)
    return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def without_owners(desired: Mapping[str, Any]) -> dict[str, Any]:
    """`desired` without owner references, a list that other controllers may extend. The owner is compared by uid."""
    metadata = {key: value for key, value in desired["metadata"].items() if key != "ownerReferences"}
    return {**desired, "metadata": metadata}


def removed_stores(desired: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Paths of the sources of storage that the NIMService `live` has and `desired` lacks; a NIMService may have one
    only.

    The NIM Operator's webhook has the same precedence (validateServiceStorageConfiguration).
    """
    asked, there = (mapping(_value_at(obj, ("spec", "storage"))) for obj in (desired, live))
    for name in ("nimCache", "pvc", "hostPath", "emptyDir"):
        if name not in asked and _is_store(name, there.get(name)):
            yield ("spec", "storage", name)


def _is_store(name: str, value: Any) -> bool:
    if not isinstance(value, Mapping):
        return bool(value)
    return name == "emptyDir" or "create" in value or any(value.values())


def keep_irremovable_fields(desired: dict[str, Any], live: Mapping[str, Any] | None) -> dict[str, Any]:
    """`desired` with one leaf of each struct that `live` has, `desired` lacks, and server-side apply can't remove.

    A struct without such a leaf was not written by the operator: the NIM Operator adds empty ones.
    """
    result = desired
    for path, leaves in IRREMOVABLE_FIELDS.items():
        there = mapping(_value_at(live, path))
        if _value_at(desired, path) is None and (leaves.keys() - {"hpa"}) & there.keys():
            kept = {name: there.get(name) if value is None else value for name, value in leaves.items()}
            result = _with_value_at(result, path, kept)
    return result


def _value_at(obj: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        obj = obj.get(key) if isinstance(obj, Mapping) else None
    return obj


def _with_value_at(obj: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    head, *rest = path
    return {**obj, head: _with_value_at(obj.get(head) or {}, tuple(rest), value) if rest else value}
