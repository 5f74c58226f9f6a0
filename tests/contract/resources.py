"""RunaiNimServices and contexts to translate: the golden cases', in any of several settings. Values only."""

from collections.abc import Iterator
from typing import Any

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.translate import Desired
from tests.contract.specs import SCHEMA, Place, Schema, Spec, places
from tests.support.golden import golden_cases
from tests.support.resources import SPEC

GATEWAY = {
    "external_mode": "gateway",
    "external_domain": "example.com",
    "external_hosts": ["*"],
    "external_gateway_name": "public",
    "external_gateway_namespace": "gateways",
}
INGRESS = {
    "external_mode": "ingress",
    "external_domain": "example.com",
    "external_hosts": ["*"],
    "external_ingress_class": "nginx",
}
OWN_KEYS = {
    "scheduler_name": "mine",
    "queue_label": "example.com/queue",
    "priority_label": "example.com/priority",
    "preemptibility_label": "example.com/preemptibility",
    "node_pool_label": "example.com/pool",
    "node_pools_annotation": "example.com/pools",
    "gpu_fraction_annotation": "example.com/fraction",
    "gpu_fraction_limit_annotation": "example.com/fraction-limit",
    "gpu_devices_annotation": "example.com/devices",
    "gpu_container_annotation": "example.com/container",
    "gpu_memory_annotation": "example.com/memory",
    "gpu_memory_limit_annotation": "example.com/memory-limit",
    "gpu_compute_mode_annotation": "example.com/{container}-mode",
    "category_annotation": "example.com/category",
    "project_labels": ["example.com/project"],
    "user_credential_secret": "runai-{name}",
}
PLATFORM = {
    "runtime_class_name": "nvidia",
    "node_selector": {"nvidia.com/gpu.present": "true"},
    "shared_memory_size": "16Gi",
    "startup_probe": {"failure_threshold": 360},
    "proxy": {"https": "http://proxy.example.com:3128", "certificates_config_map": "ca-certificates"},
    "metrics_service_monitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "service_annotations": {"example.com/team": "platform"},
    "allowed_scheduler_annotations": ["kai.scheduler/topology*"],
}
CONTEXTS = {
    name: Context(load_settings(given, {}), {"runai/queue": "team-a", "example.com/project": "team-b"})
    for name, given in {
        "runai": {},
        "kai": {"dialect": "kai", **GATEWAY},
        "nvfractions": {"dialect": "kai", "gpu_fraction_keys": "nvfractions"},
        "own keys": {**OWN_KEYS, **INGRESS},
        "platform": PLATFORM,
    }.items()
}
VALID: Spec = {**SPEC, "modelStore": {"nimCache": {"name": "cache"}}}
GOLDEN: list[Spec] = [case.cr["spec"] for case in golden_cases()]


def fields(schema: Schema, place: Place = ()) -> Iterator[tuple[Place, Schema]]:
    """Every field below a schema, as a place in a spec; those of lists in their first item."""
    for name, field in schema.get("properties", {}).items():
        yield (*place, name), field
        yield from fields(field, (*place, name))
        if "items" in field:
            yield from fields(field["items"], (*place, name, 0))


FIELDS: dict[Place, Schema] = dict(fields(SCHEMA))


def where(field: Place) -> list[tuple[Spec, Place]]:
    """Golden cases that have the object around this field, and where it is or would be, in any item of a list."""
    return [
        (spec, (*parent, field[-1]))
        for spec in GOLDEN
        for parent in [(), *places(spec)]
        if tuple(0 if isinstance(step, int) else step for step in parent) == field[:-1]
    ]


def manifests(desired: Desired) -> list[dict[str, Any]]:
    return [made for made in (desired.nimservice, desired.claim, desired.route) if made is not None]


def refused(desired: Desired) -> bool:
    return any(finding.severity == "error" for finding in desired.findings)


def key_sets(desired: Desired) -> list[dict[str, str]]:
    """Labels and annotations of the objects, and those that reach pods."""
    parts = [part for made in manifests(desired) for part in (made["metadata"], made["spec"])]
    return [part.get(field, {}) for part in parts for field in ("labels", "annotations")]
