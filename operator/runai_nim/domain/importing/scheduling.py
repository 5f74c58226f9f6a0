"""NIMService → priority, preemptibility, node pools, tolerations and category."""

from collections.abc import Iterator
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.domain.importing.rows import BackwardRow, ImportSource, set_fields, spec_fragment
from runai_nim.domain.translate.rules import Fragment

_NODE_AFFINITY: Final = ("affinity", "nodeAffinity")
_REQUIRED: Final = (*_NODE_AFFINITY, "requiredDuringSchedulingIgnoredDuringExecution")
_PREFERRED: Final = (*_NODE_AFFINITY, "preferredDuringSchedulingIgnoredDuringExecution")
_TOLERATION_TEXTS: Final = ("operator", "key", "value", "effect")


def _priority_fragment(source: ImportSource) -> Fragment:
    """By the label that the scheduler reads, else by Kubernetes' own field."""
    priorities = {name: priority for priority, name in source.settings.priority_classes.items()}
    for path in (("spec", "labels"), ("metadata", "labels")):
        if source.remainder.peek(*path, source.settings.priority_label) in priorities:
            _, name = source.take_label("priority_label") or ("", "")
            return spec_fragment(priorityClass=priorities[name])
    if source.peek("priorityClassName") in priorities:
        return spec_fragment(priorityClass=priorities[source.take(str, "priorityClassName")])
    return {}


def _preemptibility_fragment(source: ImportSource) -> Fragment:
    found = source.take_label("preemptibility_label")
    return spec_fragment(preemptibility=found and found[1])


def _category_fragment(source: ImportSource) -> Fragment:
    found = source.take_annotation("category_annotation")
    return spec_fragment(category=found and found[1])


def _pools_fragment(source: ImportSource) -> Fragment:
    """Pools by preferred affinity, which has their order, else by required affinity, node selector or label.

    Affinity itself is taken by comparison with what these pools render.
    """
    label = source.take_label("node_pool_label")
    selected = None
    for key in source.keys_of("node_pool_label"):
        selected = selected or source.take(str, "nodeSelector", key)
    preferred = source.peek(*_PREFERRED)
    terms = [one.get("preference") for one in preferred if isinstance(one, dict)] if isinstance(preferred, list) else []
    required = source.peek(*_REQUIRED, "nodeSelectorTerms")
    pools = _pools(source, terms) or _pools(source, required if isinstance(required, list) else [])
    if not pools:
        pools = [selected or (label[1] if label else "")]
    return spec_fragment(nodePools=[pool for pool in dict.fromkeys(pools) if pool])


def _pools(source: ImportSource, terms: list[Any]) -> list[str]:
    return [pool for term in terms for pool in _pools_of_term(term, tuple(source.keys_of("node_pool_label")))]


def _pools_of_term(term: Any, keys: tuple[str, ...]) -> Iterator[str]:
    expressions = term.get("matchExpressions") if isinstance(term, dict) else None
    for expression in expressions if isinstance(expressions, list) else ():
        match expression:
            case {"key": key, "operator": "In", "values": [*values]} if key in keys:
                yield from (value for value in values if isinstance(value, str))
            case {"key": key, "operator": "DoesNotExist"} if key in keys:
                yield well_known.DEFAULT_NODE_POOL


def _tolerations_fragment(source: ImportSource) -> Fragment:
    tolerations = []
    for index, _ in source.remainder.items(dict, "spec", "tolerations"):
        texts = {field: source.take(str, "tolerations", index, field) for field in _TOLERATION_TEXTS}
        seconds = source.take(int, "tolerations", index, "tolerationSeconds")
        tolerations.append(set_fields(**texts, seconds=seconds))
    return spec_fragment(tolerations=[toleration for toleration in tolerations if toleration])


ROWS: Final = (
    BackwardRow(("spec.priorityClass",), _priority_fragment),
    BackwardRow(("spec.preemptibility",), _preemptibility_fragment),
    BackwardRow(("spec.nodePools",), _pools_fragment),
    BackwardRow(("spec.tolerations",), _tolerations_fragment),
    BackwardRow(("spec.category",), _category_fragment),
)
