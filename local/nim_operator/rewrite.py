"""What becomes of a NIMService's spec when the NIM Operator adds its finalizer. Pure.

The real one reads the object into Go structs and writes it back whole. What that changes is visible in the recordings:
structs that aren't pointers appear, zero values of fields that aren't pointers vanish, and so do empty maps and lists;
quantities come back in canonical form. Defaults of the CRD are the API server's part.
"""

import copy
from decimal import Decimal, InvalidOperation
from typing import Any

FINALIZER = "finalizer.nimservice.apps.nvidia.com"

# Written even when empty.
ALWAYS: dict[str, Any] = {
    "expose": {"service": {}, "router": {}, "ingress": {"spec": {}}},
    "livenessProbe": {},
    "readinessProbe": {},
    "startupProbe": {},
    "metrics": {"serviceMonitor": {}},
    "scale": {"hpa": {"maxReplicas": 0}},
    "storage": {"nimCache": {}, "pvc": {}},
}
# Pointers, and fields that are always written: their zero values stay.
ZERO_STAYS = frozenset(
    {
        "authSecret",
        "averageUtilization",
        "containerPort",
        "create",
        "enabled",
        "fieldPath",
        "groupID",
        "hostPath",
        "key",
        "maxReplicas",
        "minReplicas",
        "name",
        "operator",
        "optional",
        "periodSeconds",
        "port",
        "readOnly",
        "replicas",
        "repository",
        "stabilizationWindowSeconds",
        "tag",
        "tensor",
        "terminationGracePeriodSeconds",
        "tolerationSeconds",
        "type",
        "userID",
        "value",
        "weight",
    }
)
# In these places such a field is not a pointer after all.
ZERO_VANISHES = frozenset(
    {
        "expose.service.name",
        "expose.service.type",
        "storage.nimCache.name",
        "storage.pvc.name",
        "env.value",
        "tolerations.key",
        "tolerations.operator",
        "tolerations.value",
        "livenessProbe.probe.periodSeconds",
        "readinessProbe.probe.periodSeconds",
        "startupProbe.probe.periodSeconds",
    }
)
MAPS = frozenset({"labels", "annotations", "additionalLabels", "nodeSelector", "requests", "limits"})
QUANTITIES = frozenset({"sizeLimit", "sharedMemorySizeLimit", "averageValue", "tolerance"})
QUANTITY_MAPS = frozenset({"requests", "limits"})

BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}


def rewritten(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the spec that comes back from the first write, before the API server's defaults."""
    return _merged(copy.deepcopy(ALWAYS), _cleaned(spec, ""))


def canonical(quantity: str | int) -> str:
    """Return a Kubernetes quantity as the API machinery writes it (`1024Mi` → `1Gi`, `0.5` → `500m`).

    What is no quantity, or has an exponent, comes back as it is.
    """
    text = str(quantity)
    suffix = next((suffix for suffix in (*BINARY, *DECIMAL) if suffix and text.endswith(suffix)), "")
    try:
        number = Decimal(text.removesuffix(suffix))
    except InvalidOperation:
        return text
    if "e" in text.lower().removesuffix(suffix.lower()):
        return text
    if suffix in BINARY:
        return _scaled(number * 1024 ** BINARY[suffix], Decimal(1024), {power: name for name, power in BINARY.items()})
    return _scaled(
        number * Decimal(1000) ** DECIMAL[suffix], Decimal(1000), {power: name for name, power in DECIMAL.items()}
    )


def _scaled(amount: Decimal, base: Decimal, names: dict[int, str]) -> str:
    """Write an amount with the largest suffix that leaves a whole number; rounds up below the smallest."""
    if amount == 0:
        return "0"
    for power in sorted({0, *names}, reverse=True):
        number = amount / base**power
        if number == number.to_integral_value():
            return f"{number:f}".partition(".")[0] + names.get(power, "")
    return canonical(f"{amount * 1000:f}m") if base == 1024 else f"{(amount * 10**9).to_integral_value('ROUND_UP')}n"


def _cleaned(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        cleaned = {key: _field(key, child, f"{path}.{key}".lstrip(".")) for key, child in value.items()}
        return {key: child for key, child in cleaned.items() if not _vanishes(key, child, f"{path}.{key}".lstrip("."))}
    if isinstance(value, list):
        return [_cleaned(item, path) for item in value]
    return value


def _field(key: str, value: Any, path: str) -> Any:
    if key in QUANTITY_MAPS:
        return {name: canonical(amount) for name, amount in value.items()}
    if key in MAPS:
        return value
    return canonical(value) if key in QUANTITIES else _cleaned(value, path)


def _vanishes(key: str, value: Any, path: str) -> bool:
    if isinstance(value, dict):
        return key in MAPS and not value  # an empty struct behind a pointer stays
    if isinstance(value, list):
        return not value
    return not value and (key not in ZERO_STAYS or path in ZERO_VANISHES)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    for key, value in over.items():
        base[key] = _merged(base[key], value) if isinstance(base.get(key), dict) else value
    return base
