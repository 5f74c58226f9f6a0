"""Rewrites a NIMService's spec as the NIM Operator does when it adds its finalizer.

The real one decodes the object into Go structs and updates it as a whole. The recordings show what this changes: it
adds structs that aren't pointers, drops zero values of fields that aren't pointers, drops empty maps and lists, and
writes quantities in canonical form. The API server adds the CRD's defaults.
"""

import copy
from decimal import Decimal, InvalidOperation
from typing import Any

FINALIZER = "finalizer.nimservice.apps.nvidia.com"

# Structs that are written even if empty.
ALWAYS: dict[str, Any] = {
    "expose": {"service": {}, "router": {}, "ingress": {"spec": {}}},
    "livenessProbe": {},
    "readinessProbe": {},
    "startupProbe": {},
    "metrics": {"serviceMonitor": {}},
    "scale": {"hpa": {"maxReplicas": 0}},
    "storage": {"nimCache": {}, "pvc": {}},
}
# Fields that are pointers or have no `omitempty`: their zero values are kept.
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
# Fields with one of these names that are no pointers: their zero values are dropped.
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


def rewrite_spec(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec after the first update, without the API server's defaults."""
    return _merge(copy.deepcopy(ALWAYS), _drop_zero_values(spec, ""))


def canonical(quantity: str | int) -> str:
    """The canonical form of a Kubernetes quantity (`1024Mi` → `1Gi`, `0.5` → `500m`).

    Malformed quantities and those with an exponent are returned unchanged.
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
        return _format_amount(
            number * 1024 ** BINARY[suffix], Decimal(1024), {power: name for name, power in BINARY.items()}
        )
    return _format_amount(
        number * Decimal(1000) ** DECIMAL[suffix], Decimal(1000), {power: name for name, power in DECIMAL.items()}
    )


def _format_amount(amount: Decimal, base: Decimal, names: dict[int, str]) -> str:
    """Format an amount with the largest suffix that gives an integer; amounts below the smallest are rounded up."""
    if amount == 0:
        return "0"
    for power in sorted({0, *names}, reverse=True):
        number = amount / base**power
        if number == number.to_integral_value():
            return f"{number:f}".partition(".")[0] + names.get(power, "")
    return canonical(f"{amount * 1000:f}m") if base == 1024 else f"{(amount * 10**9).to_integral_value('ROUND_UP')}n"


def _drop_zero_values(value: Any, path: str) -> Any:
    if isinstance(value, dict):
        cleaned = {key: _field(key, child, f"{path}.{key}".lstrip(".")) for key, child in value.items()}
        return {
            key: child for key, child in cleaned.items() if not _is_dropped(key, child, f"{path}.{key}".lstrip("."))
        }
    if isinstance(value, list):
        return [_drop_zero_values(item, path) for item in value]
    return value


def _field(key: str, value: Any, path: str) -> Any:
    if key in QUANTITY_MAPS:
        return {name: canonical(amount) for name, amount in value.items()}
    if key in MAPS:
        return value
    return canonical(value) if key in QUANTITIES else _drop_zero_values(value, path)


def _is_dropped(key: str, value: Any, path: str) -> bool:
    if isinstance(value, dict):
        return key in MAPS and not value  # an empty struct behind a pointer stays
    if isinstance(value, list):
        return not value
    return not value and (key not in ZERO_STAYS or path in ZERO_VANISHES)


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    for key, value in over.items():
        base[key] = _merge(base[key], value) if isinstance(base.get(key), dict) else value
    return base
