"""CPU time to parse, validate and translate one RunaiNimService, and to apply policies to it, without a cluster."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import yaml

from local.cluster import CHECKOUT
from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, FieldKind
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.decision_input import DecisionInput, make_decision_input
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.policy import CompiledPolicies, Policy, Scope, compile_policies, effective_spec
from runai_nim.domain.policy.values import get
from runai_nim.domain.translate import translate

EVERY_FIELD = CHECKOUT / "tests" / "contract" / "rest" / "every-field-pvc.yaml"
ROUNDS = 2000


def translate_us() -> float:
    """Median microseconds on one core, for a resource that uses every field that can be used beside the others."""
    spec: dict[str, Any] = yaml.safe_load(EVERY_FIELD.read_text(encoding="utf-8"))["spec"]
    cr = {"metadata": {"name": "full", "namespace": "team-a", "uid": "u-1"}, "spec": spec}
    settings = load_settings({"user_credential_secret": "{name}"}, {})
    schema = NIMServiceSchema()

    def decision_input() -> DecisionInput:
        return make_decision_input(
            cr, settings=settings, namespace_labels={"runai/queue": "team-a"}, nimservice_schema=schema
        ).with_children(claim_exists=False, nimservice_exists=False)

    if (desired := translate(decision_input())).nimservice is None:
        raise RuntimeError(f"{EVERY_FIELD.name} is rejected: {[finding.message for finding in desired.findings]}")
    return median_us(lambda: translate(decision_input()))


def policy_us() -> float:
    """Median microseconds on one core to apply large policies to the same resource, which keeps to them."""
    spec: dict[str, Any] = yaml.safe_load(EVERY_FIELD.read_text(encoding="utf-8"))["spec"]
    cr = {"metadata": {"name": "full", "namespace": "team-a"}, "spec": spec}
    policies = large_policies(spec)
    if policies.rejected or (findings := effective_spec(cr, policies).findings):
        raise RuntimeError(f"the policies don't fit: {policies.rejected or findings}")
    return median_us(lambda: effective_spec(cr, policies))


def large_policies(spec: dict[str, Any]) -> CompiledPolicies:
    """About 100 rules and 40 defaults, of which most fields of the resource are concerned."""
    defaults: dict[str, Any] = {"labels": {"instances": [{"name": "team", "value": "a"}]}}
    rules: dict[str, Any] = {}
    for path, kind in FIELD_KINDS.items():
        value = get(spec, tuple(path.split(".")))
        if kind in (FieldKind.INTEGER, FieldKind.NUMBER):
            put(rules, path, {"min": 0, "max": 10**6} | ({"step": value} if value else {}))
        elif kind in (FieldKind.BYTES, FieldKind.QUANTITY):
            put(rules, path, {"max": "10T"})
        elif kind in (FieldKind.STRING, FieldKind.ENUMERATION) and isinstance(value, str):
            put(rules, path, {"required": True, "options": [{"value": value}]})
        if value is not None and kind not in (FieldKind.ITEMS, FieldKind.LIST):
            put(defaults, path, value)
    return compile_policies([Policy("large", Scope.CLUSTER, defaults, rules)])


def put(tree: dict[str, Any], path: str, value: Any) -> None:
    """Set a value in a tree of mappings."""
    *parents, last = path.split(".")
    for name in parents:
        tree = tree.setdefault(name, {})
    tree[last] = value


def median_us(measured: Callable[[], object]) -> float:
    """Median microseconds of a call."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        measured()
        times.append(time.perf_counter() - begin)
    return round(statistics.median(times) * 1e6, 1)
