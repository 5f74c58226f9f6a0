"""NIMService → metadata of the RunaiNimService, and spec.labels and spec.annotations.

Runs after all other blocks, which take the keys that have a field.
"""

from typing import Any, Final

from runai_nim.api import syntax, well_known
from runai_nim.domain.importing.rows import BackwardRow, ImportSource, spec_fragment
from runai_nim.domain.translate.rules import Fragment

_RESTARTED: Final = ("annotations", well_known.RESTARTED_AT)
_LONGEST_KEY: Final = 63
_TOOLS: Final = ("argocd.argoproj.io/*", "meta.helm.sh/*", "helm.sh/*", "*.fluxcd.io/*", "kubectl.kubernetes.io/*")
"""Keys that a tool sets on the objects that it applies; it sets them on RunaiNimServices, too."""


def _restarted_fragment(source: ImportSource) -> Fragment:
    value = source.take(str, *_RESTARTED)
    return {"metadata": {"annotations": {well_known.RESTARTED_AT: value}}} if value else {}


def _labels_fragment(source: ImportSource) -> Fragment:
    return spec_fragment(labels=_items(source, "labels"))


def _annotations_fragment(source: ImportSource) -> Fragment:
    return spec_fragment(annotations=_items(source, "annotations"))


def _items(source: ImportSource, field: str) -> list[dict[str, Any]]:
    found = {key: source.peek(field, key) for key in source.remainder.keys("spec", field)}
    items = {key: value for key, value in found.items() if isinstance(value, str) and _may_be_set(source, field, key)}
    for key, value in items.items():
        source.remainder.drop("spec", field, key)
        if source.remainder.peek("metadata", field, key) == value:
            source.remainder.drop("metadata", field, key)
    return [{"name": key, "value": value} for key, value in items.items()]


def _may_be_set(source: ImportSource, field: str, key: str) -> bool:
    settings = source.settings
    if len(key) > _LONGEST_KEY or not syntax.is_key(key):
        return False
    if field == "annotations":
        if well_known.key_matches(key, settings.allowed_scheduler_annotations):
            return True
        if key in settings.service_annotations or key in settings.external_annotations:
            return False
        if well_known.edge_reader(key) is not None:
            return well_known.key_matches(key, settings.allowed_annotations)
    reserved = well_known.owner_of(key, settings.configured_keys)
    return reserved is None and well_known.matching_pattern(key, well_known.CHILD_KEYS) is None


def _own_fragment(source: ImportSource) -> Fragment:
    """The user's labels and annotations of the NIMService itself; those of a tool and of the operator stay behind."""
    metadata: dict[str, Any] = {}
    for field in ("labels", "annotations"):
        for key in source.remainder.keys("metadata", field):
            value = source.remainder.peek("metadata", field, key)
            if well_known.key_matches(key, _TOOLS) or key == well_known.ADOPT:
                source.remainder.drop("metadata", field, key)
            elif isinstance(value, str) and well_known.owner_of(key, source.settings.configured_keys) is None:
                source.remainder.drop("metadata", field, key)
                metadata.setdefault(field, {})[key] = value
    return {"metadata": metadata} if metadata else {}


ROWS: Final = (
    BackwardRow((f"metadata.annotations[{well_known.RESTARTED_AT}]",), _restarted_fragment),
    BackwardRow(("spec.labels",), _labels_fragment),
    BackwardRow(("spec.annotations",), _annotations_fragment),
    BackwardRow((), _own_fragment),
)
