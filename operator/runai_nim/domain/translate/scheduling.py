"""Scheduler, queue, priority, preemptibility, node pools, tolerations and category → NIMService.

Expects a valid spec. The NIM Operator copies only labels and annotations in the NIMService's spec to the pods.
"""

from collections.abc import Sequence
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.v1alpha1 import Toleration
from runai_nim.config.settings import Settings
from runai_nim.domain.context import one_pool
from runai_nim.domain.translate.rules import (
    Fragment,
    MappingRow,
    TranslationSource,
    label_fragment,
    no_output,
    pod_annotation_fragment,
)

_HIGHEST_WEIGHT: Final = 100


def _priority_fragment(source: TranslationSource) -> Fragment:
    priority = source.spec.priority_class
    return label_fragment(source.settings.priority_label, priority and source.settings.priority_classes[priority])


def _category_fragment(source: TranslationSource) -> Fragment:
    key = source.settings.category_annotation
    category = source.spec.category
    return {"metadata": {"annotations": {key: category}}, **pod_annotation_fragment(key, category)} if category else {}


def _pools_fragment(source: TranslationSource) -> Fragment:
    pools = source.spec.node_pools or ()
    settings = source.settings
    if not pools:
        return {}
    affinity = {"spec": {"affinity": {"nodeAffinity": _node_affinity(pools, settings)}}}
    if len(pools) > 1:
        listed = pod_annotation_fragment(settings.node_pools_annotation, " ".join(pools)).get("spec", {})
        return {"spec": affinity["spec"] | listed}
    # No node has the label value "default".
    label = label_fragment(settings.node_pool_label, one_pool(pools))
    return {**label, "spec": affinity["spec"] | label.get("spec", {})}


def _node_affinity(pools: Sequence[str], settings: Settings) -> dict[str, Any]:
    named = [pool for pool in pools if pool != well_known.DEFAULT_NODE_POOL]
    required = [_term(settings, named)] if named else []
    if well_known.DEFAULT_NODE_POOL in pools:
        required.append(_term(settings, []))
    selected = _selected_nodes(settings)  # terms are alternatives, so each gets them
    required = [{"matchExpressions": [*term["matchExpressions"], *selected]} for term in required]
    preferred = [
        {
            "weight": _HIGHEST_WEIGHT - rank,
            "preference": _term(settings, [] if pool == well_known.DEFAULT_NODE_POOL else [pool]),
        }
        for rank, pool in enumerate(pools)
    ]
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": required},
        "preferredDuringSchedulingIgnoredDuringExecution": preferred,
    }


def _term(settings: Settings, pools: Sequence[str]) -> dict[str, Any]:
    """Node selector term for these pools; without pools it selects nodes without a pool, which is pool `default`."""
    key = settings.node_pool_label
    expression = {"operator": "In", "values": list(pools)} if pools else {"operator": "DoesNotExist"}
    return {"matchExpressions": [{"key": key, **expression}]}


def _selected_nodes(settings: Settings) -> list[dict[str, Any]]:
    """Requirements of the setting node_selector."""
    return [{"key": key, "operator": "In", "values": [value]} for key, value in sorted(settings.node_selector.items())]


def _node_selector_fragment(source: TranslationSource) -> Fragment:
    selected = _selected_nodes(source.settings)
    if not selected or source.spec.node_pools or source.spec.multi_node is not None:
        return {}
    required = {"nodeSelectorTerms": [{"matchExpressions": selected}]}
    return {"spec": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}}


def _tolerations_fragment(source: TranslationSource) -> Fragment:
    tolerations = [_toleration(item) for item in source.spec.tolerations or () if not item.exclude]
    return {"spec": {"tolerations": tolerations}} if tolerations else {}


def _toleration(item: Toleration) -> dict[str, Any]:
    fields = {
        "operator": item.operator,
        "key": item.key,
        "value": item.value,
        "effect": None if item.effect == "Any" else item.effect,
        "tolerationSeconds": item.seconds,
    }
    return {name: value for name, value in fields.items() if value not in (None, "")}


ROWS = (
    MappingRow(
        "",
        "`spec.schedulerName` (setting `scheduler_name`)",
        lambda s: {"spec": {"schedulerName": s.settings.scheduler_name}},
    ),
    MappingRow(
        "",
        "with the kai dialect the queue's label, on the NIMService and its pods; if `spec.nodePools` names one pool,"
        " the queue of the setting `queue_of_pool`",
        lambda s: label_fragment(s.settings.queue_label, s.context.queue_of(s.spec.node_pools)),
        "Run:ai's own admission takes the queue from the namespace; a label could charge another project.",
    ),
    MappingRow(
        "spec.priorityClass",
        "the label `priorityClassName`, on the NIMService and its pods (settings `priority_label`, `priority_classes`)",
        _priority_fragment,
        "A PriorityClass that does not exist is silently ignored by the scheduler.",
    ),
    MappingRow(
        "spec.preemptibility",
        "the label `kai.scheduler/preemptibility`, on the NIMService and its pods",
        lambda s: label_fragment(s.settings.preemptibility_label, s.spec.preemptibility),
    ),
    MappingRow(
        "spec.nodePools",
        "`spec.affinity.nodeAffinity`: these pools are required, and preferred in their order; one pool is also a label"
        " of the pods, several are listed in an annotation if the scheduler reads one",
        _pools_fragment,
        "Pool `default` means nodes without a pool. A nodeSelector would only work for names that YAML reads as text."
        " Run:ai ignores preferred affinity, so the order has no effect there. KAI has a scheduler for each pool (a"
        " SchedulingShard), which sees only pods, queues and nodes with the pool's label. The"
        " requirements of the setting `node_selector` are added to each term.",
    ),
    MappingRow(
        "",
        "`spec.affinity.nodeAffinity`: nodes with these labels are required; with `spec.nodePools` its row renders it",
        _node_selector_fragment,
        "As for nodePools, a nodeSelector would only work for values that YAML reads as text.",
        setting="node_selector",
    ),
    MappingRow(
        "spec.tolerations",
        "`spec.tolerations`: operator, key, value, effect (`Any` is none), seconds",
        _tolerations_fragment,
        "The NIM Operator drops the seconds; a warning says so.",
    ),
    MappingRow("spec.tolerations[].name", "nothing; it identifies the item within the list", no_output),
    MappingRow(
        "spec.category",
        "the annotation `runai-nim.io/category` (setting `category_annotation`), on the NIMService and its pods",
        _category_fragment,
    ),
)
