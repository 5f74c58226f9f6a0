"""Scheduler, queue, priority, preemptibility, node pools and category → NIMService.

Expects a spec without errors. Only labels and annotations of the NIMService's spec reach the pods; labels are put on
the NIMService too, for schedulers that climb owner references.
"""

from collections.abc import Sequence
from typing import Any, Final

from runai_nim import keys
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.settings import Settings
from runai_nim.validate import Context

_HIGHEST_WEIGHT: Final = 100


def scheduling_fragment(spec: RunaiNimServiceSpec, context: Context) -> dict[str, Any]:
    """`schedulerName`, and where asked for `labels`, `annotations` and `affinity`."""
    settings, pools = context.settings, spec.node_pools or ()
    labels = {
        settings.queue_label: context.queue,
        settings.priority_label: spec.priority_class and settings.priority_classes[spec.priority_class],
        settings.preemptibility_label: spec.preemptibility,
        # A pod label "default" would name a pool that no node is labelled with.
        settings.node_pool_label: pools[0] if len(pools) == 1 and pools[0] != keys.DEFAULT_NODE_POOL else None,
    }
    annotations = {
        settings.category_annotation: spec.category,
        settings.node_pools_annotation: " ".join(pools) if len(pools) > 1 else None,
    }
    fragment: dict[str, Any] = {
        "labels": {key: value for key, value in labels.items() if key and value},
        "annotations": {key: value for key, value in annotations.items() if key and value},
        "affinity": _affinity(pools, settings),
    }
    return {"schedulerName": settings.scheduler_name} | {key: value for key, value in fragment.items() if value}


def _affinity(pools: Sequence[str], settings: Settings) -> dict[str, Any]:
    if not pools:
        return {}
    named = [pool for pool in pools if pool != keys.DEFAULT_NODE_POOL]
    required = [_term(settings, named)] if named else []
    if keys.DEFAULT_NODE_POOL in pools:
        required.append(_term(settings, []))
    preferred = [
        {
            "weight": _HIGHEST_WEIGHT - rank,
            "preference": _term(settings, [] if pool == keys.DEFAULT_NODE_POOL else [pool]),
        }
        for rank, pool in enumerate(pools)
    ]
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": required},
            "preferredDuringSchedulingIgnoredDuringExecution": preferred,
        }
    }


def _term(settings: Settings, pools: Sequence[str]) -> dict[str, Any]:
    """Nodes of these pools; of none: nodes without a pool, which is what pool `default` is."""
    key = settings.node_pool_label
    found = {"operator": "In", "values": list(pools)} if pools else {"operator": "DoesNotExist"}
    return {"matchExpressions": [{"key": key, **found}]}
