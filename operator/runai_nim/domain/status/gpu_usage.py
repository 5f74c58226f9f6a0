"""GPUs that the pods of a service use, as text for the status and as numbers for metrics."""

import re
from decimal import Decimal
from typing import Any, Final, NamedTuple

from runai_nim.api import quantity
from runai_nim.api.short_numbers import decimal_text
from runai_nim.api.untrusted_values import word
from runai_nim.domain.observed import ObservedPod, ObservedState

_AMOUNT: Final = re.compile(
    r"(?:(?P<devices>[0-9]{1,9})x)?(?P<number>[0-9]{1,19}(?:\.[0-9]{1,9})?)(?P<unit>[kMGTPE]|[KMGTPE]i)?", re.ASCII
)

_NANOS: Final = 10**9


class GpuAmount(NamedTuple):
    """Devices and portions of devices, and bytes of GPU memory; one of the two is 0."""

    devices: Decimal = Decimal(0)
    memory: int = 0


def amount_in(stored: Any) -> GpuAmount:
    """The amount in a field of the status, such as `4`, `2x0.5` or `40Gi`; nothing for any other value."""
    found = _AMOUNT.fullmatch(word(stored))
    if found is None:
        return GpuAmount()
    if found["unit"]:
        return GpuAmount(memory=quantity.parse(found["number"] + found["unit"]).nanos // _NANOS)
    return GpuAmount(devices=int(found["devices"] or 1) * Decimal(found["number"]))


def gpus_in_use(per_pod: str, pods: int) -> str:
    """GPUs of so many pods: three pods of `2x0.5` use `3`, two of `20Gi` use `40Gi`; empty without GPUs."""
    found = _AMOUNT.fullmatch(per_pod)
    if found is None:
        return ""
    if found["unit"]:
        of_one = quantity.parse(found["number"] + found["unit"])
        return str(quantity.Quantity(of_one.nanos * pods, of_one.binary))
    return decimal_text(amount_in(per_pod).devices * pods)


def placed_pods(observed: ObservedState) -> int:
    """Number of pods that have a node.

    A pod that ends counts no more, as in the number of replicas: its last seconds are not worth a status write. Of a
    group of pods only the leader is observed, and the others have nodes, too.
    """
    size = observed.workload.group_size if observed.workload else 1
    return size * sum(_has_node(pod) for pod in observed.pods)


def _has_node(pod: ObservedPod) -> bool:
    return pod.unschedulable_message == "" and not pod.is_deleting and pod.disruption is None
