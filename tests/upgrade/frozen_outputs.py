"""What a released version made, in `tests/upgrade/<version>`; never changed once the version is out.

translations.jsonl  each golden case: its resource, its context and what was translated
stored.jsonl        resources that had converged: what the operator had applied, and their status
manifests.yaml      the chart's objects, with default values
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.objects import Objects

FOLDER = Path(__file__).parent
VERSIONS = sorted(path.name for path in FOLDER.iterdir() if (path / "translations.jsonl").exists())
OPERATOR_ENVIRONMENT = {
    "RUNAI_NIM_EXTERNAL_MODE": "ingress",
    "RUNAI_NIM_EXTERNAL_DOMAIN": "nim.example.com",
    "RUNAI_NIM_EXTERNAL_HOSTS": '["llama.example.com"]',
    "RUNAI_NIM_EXTERNAL_INGRESS_CLASS": "nginx",
}
"""Settings of the operator under which the stored resources converged: 0.1.0, which had no external_hosts, allowed all
hosts, and the changelog asks for them to be listed before the upgrade."""

Record = dict[str, Any]


def records(version: str, name: str) -> list[Record]:
    """The lines of a file."""
    return [json.loads(line) for line in (FOLDER / version / name).read_text(encoding="utf-8").splitlines()]


def cache_ready(objects: Objects) -> None:
    """Have the NIMCache that many resources name, with its claim."""
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}
    objects.apply(
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "cache-pvc"}, "spec": spec}
    )
    source = {"ngc": {"authSecret": "ngc", "modelPuller": "nvcr.io/nim/x:1"}}
    cache = {"apiVersion": "apps.nvidia.com/v1alpha1", "kind": "NIMCache", "metadata": {"name": "cache"}}
    objects.apply({**cache, "spec": {"source": source, "storage": {"pvc": {"create": True}}}})
    ready = {"status": {"state": "Ready", "pvc": "cache-pvc", "conditions": []}}
    objects.patch("apps.nvidia.com/v1alpha1 NIMCache", "cache", ready, "status")


def owned(value: Any, fields: Mapping[str, Any]) -> Any:
    """The part of `value` that `fields` (FieldsV1 of a manager) are about: what that manager applied."""
    below = {key: part for key, part in fields.items() if key != "."}
    if not below:
        return value
    if isinstance(value, list):
        items = [(item, _fields_of_item(item, below)) for item in value]
        return [owned(item, part) for item, part in items if part is not None]
    return {key[2:]: owned(value[key[2:]], part) for key, part in below.items()}


def _fields_of_item(item: Any, fields: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    for key, part in fields.items():
        kind = key[:2]
        told = json.loads(key[2:])
        if kind == "k:" and all(item.get(name) == value for name, value in told.items()):
            return part
        if kind == "v:" and item == told:
            return part
    return None
