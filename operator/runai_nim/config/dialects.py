"""The settings' defaults that depend on the scheduler: Run:ai's or KAI's alone, and its generation of GPU shares."""

from typing import Any, Final

from runai_nim.api import gpu_share_keys, well_known

DEFAULTS_OF_DIALECT: Final[dict[str, dict[str, Any]]] = {
    "runai": {
        "scheduler_name": well_known.RUNAI_SCHEDULER,
        "project_labels": (well_known.RUNAI_PROJECT,),
        # Run:ai's admission takes the queue from the namespace; a label would charge another project.
        "queue_label": None,
        "gpu_fraction_limit_annotation": well_known.GPU_FRACTION_LIMIT,
        "node_pool_label": well_known.RUNAI_NODE_POOL,
        "node_pools_annotation": None,
    },
    "kai": {
        "scheduler_name": well_known.KAI_SCHEDULER,
        "project_labels": (well_known.KAI_PROJECT, well_known.RUNAI_PROJECT),
        "queue_label": well_known.KAI_QUEUE,
        "gpu_fraction_limit_annotation": None,
        "node_pool_label": well_known.KAI_NODE_POOL,
        # Nothing in KAI reads a list of pools (tried with 0.17).
        "node_pools_annotation": None,
    },
}

DEFAULTS_OF_GENERATION: Final[dict[str, dict[str, Any]]] = {
    "annotations": {"gpu_memory_limit_annotation": None, "gpu_compute_mode_annotation": None},
    "shorthand": {
        "gpu_fraction_limit_annotation": gpu_share_keys.PORTION_LIMIT,
        "gpu_memory_limit_annotation": gpu_share_keys.MEMORY_LIMIT,
        "gpu_compute_mode_annotation": None,
    },
    "nvfractions": {
        "gpu_fraction_limit_annotation": gpu_share_keys.CONTAINER_PORTION_LIMIT,
        "gpu_memory_limit_annotation": gpu_share_keys.CONTAINER_MEMORY_LIMIT,
        "gpu_compute_mode_annotation": gpu_share_keys.CONTAINER_COMPUTE_MODE,
    },
}
"""By setting `gpu_fraction_keys`; these win over the dialect's."""
