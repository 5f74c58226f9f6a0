"""NIMService → spec.modelStore."""

from typing import Any, Final

from runai_nim.domain.importing.rows import BackwardRow, ImportSource, set_fields, spec_fragment
from runai_nim.domain.translate.rules import Fragment

_ACCESS_MODES: Final = {
    "ReadWriteOnce": "readWriteOnce",
    "ReadOnlyMany": "readOnlyMany",
    "ReadWriteMany": "readWriteMany",
}


def _cache_fragment(source: ImportSource) -> Fragment:
    cache = ("storage", "nimCache")
    name = source.take(str, *cache, "name")
    profile = source.take(str, *cache, "profile") if name else None
    return spec_fragment(modelStore=set_fields(nimCache=set_fields(name=name, profile=profile)))


def _claim_fragment(source: ImportSource) -> Fragment:
    """A claim that the NIM Operator creates becomes one that the operator creates if none with its name exists."""
    place = ("storage", "pvc")
    if not source.remainder.keys("spec", *place) or source.peek("storage", "nimCache", "name"):
        return {}
    name = source.take(str, *place, "name")
    creates = source.take(bool, *place, "create")
    if not name and not creates:
        return {}
    pvc = {"claimName": name or f"{source.name}-pvc", "readOnly": source.take(bool, "storage", "readOnly") or None}
    if not creates:
        return spec_fragment(modelStore={"pvc": {"existingPvc": True, **set_fields(**pvc)}})
    return spec_fragment(modelStore={"pvc": set_fields(**pvc, claimInfo=_claim_info(source))})


def _claim_info(source: ImportSource) -> dict[str, Any]:
    place = ("storage", "pvc")
    mode = source.peek(*place, "volumeAccessMode")
    modes = {}
    if isinstance(mode, str) and mode in _ACCESS_MODES:
        source.remainder.drop("spec", *place, "volumeAccessMode")
        modes = {"readWriteOnce": False, _ACCESS_MODES[mode]: True} if mode != "ReadWriteOnce" else {}
    texts = {
        key: source.take(str, *place, "annotations", key)
        for key in source.remainder.keys("spec", *place, "annotations")
    }
    return set_fields(
        size=source.take(str, *place, "size"),
        storageClass=source.take(str, *place, "storageClass"),
        accessModes=modes,
        addedAttrValues=[{"key": key, "value": value} for key, value in texts.items() if value is not None],
    )


ROWS: Final = (
    BackwardRow(
        (
            "spec.modelStore.pvc.claimName",
            "spec.modelStore.pvc.readOnly",
            "spec.modelStore.pvc.existingPvc",
            "spec.modelStore.pvc.claimInfo.size",
            "spec.modelStore.pvc.claimInfo.storageClass",
            "spec.modelStore.pvc.claimInfo.accessModes",
            "spec.modelStore.pvc.claimInfo.addedAttrValues",
        ),
        _claim_fragment,
    ),
    BackwardRow(("spec.modelStore.nimCache.name", "spec.modelStore.nimCache.profile"), _cache_fragment),
)
