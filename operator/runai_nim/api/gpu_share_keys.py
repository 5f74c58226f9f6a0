"""Annotations for limits and the compute mode of a GPU share, from Run:ai 3.0 and KAI 0.18.2 on.

Source: KAI-Scheduler pkg/common/constants and pkg/common/resources; Run:ai documentation, "Migrate GPU Fractions".
Read, not run. The keys of older versions are in `well_known`.
"""

from typing import Final

CONTAINER: Final = "{container}"
"""Stands for the NIM container's name in a key."""
PORTION_LIMIT: Final = "gpu-fraction.limit"
MEMORY_LIMIT: Final = "gpu-memory.limit"
CONTAINER_PORTION_LIMIT: Final = f"kai.scheduler/container.{CONTAINER}.gpu-memory.portion.limit"
CONTAINER_MEMORY_LIMIT: Final = f"nvidia.com/container.{CONTAINER}.gpu-memory.limit"
CONTAINER_MEMORY_REQUEST: Final = f"nvidia.com/container.{CONTAINER}.gpu-memory.request"
"""KAI's webhook copies the request of a share to this key in GPU sharing mode NvFractions."""
CONTAINER_COMPUTE_MODE: Final = f"nvidia.com/container.{CONTAINER}.gpu-compute.mode"


def with_container(key: str, container: str) -> str:
    """The key with a container's name: `nvidia.com/container.llama-ctr.gpu-memory.limit`."""
    return key.replace(CONTAINER, container)
