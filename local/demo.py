"""`python -m local demo`: shows three RunaiNimServices live on a real control plane.

It fails unless each service reaches the expected phase.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from local.cluster import CHECKOUT, LocalCluster
from local.objects import Objects

CR = "runai-nim.io/v1alpha1 RunaiNimService"
NIMSERVICE = "apps.nvidia.com/v1alpha1 NIMService"
CLAIM = "v1 PersistentVolumeClaim"
NAMESPACE = "team-a"
SAMPLES = CHECKOUT / "deploy" / "samples"
SECONDS = 60.0

EXPECTED = {"gpu-portion": "Running", "whole-gpus-nimcache": "Running", "mistake": "Failed"}
"""Sample → the phase that it must reach."""


def demo(cluster: LocalCluster, console: Console) -> bool:
    """Apply the samples and show their changes; True if each reaches the expected phase."""
    namespace = {"metadata": {"name": NAMESPACE, "labels": {"runai/queue": "team-a"}}}
    cluster.kubectl(
        "apply", "--filename=-", stdin=yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", **namespace})
    )
    with Objects(Path(cluster.control_plane.kubeconfig), NAMESPACE) as objects:
        shown = [_show(objects, console, sample, phase) for sample, phase in EXPECTED.items()]
        return all(shown)


def _show(objects: Objects, console: Console, sample: str, expected: str) -> bool:
    text = (SAMPLES / f"{sample}.yaml").read_text(encoding="utf-8")
    body: dict[str, Any] = yaml.safe_load(text)
    name = body["metadata"]["name"]
    console.rule(f"[bold]{name}[/bold]  (deploy/samples/{sample}.yaml)")
    console.print(Syntax(yaml.safe_dump(body["spec"], sort_keys=False), "yaml", background_color="default"))
    _prepare_cache(objects, body)
    started = time.monotonic()
    objects.apply(body)
    last = ""
    for phase, condition in _changes(objects, name, started + SECONDS):
        last = phase
        took = time.monotonic() - started
        colour = {"True": "green", "False": "red" if phase == "Failed" else "yellow"}[condition["status"]]
        console.print(f"  {took:5.2f} s  [{colour}]{phase:13}[/{colour}] {condition['reason']}: {condition['message']}")
        if phase == expected:
            break
    _show_children(objects, console, name)
    return _judge(objects, console=console, name=name, phase=last, expected=expected)


def _prepare_cache(objects: Objects, body: dict[str, Any]) -> None:
    """Create the sample's NIMCache as ready, with its claim, because the demo doesn't show the download."""
    cache = body["spec"]["modelStore"].get("nimCache")
    if not cache:
        return
    metadata = {"name": cache["name"]}
    modes = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "300Gi"}}}
    objects.apply({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": modes})
    source = {"modelPuller": body["spec"]["image"], "pullSecret": "nvcr", "authSecret": "ngc-api-key"}
    spec = {"source": {"ngc": source}, "storage": {"pvc": {"create": False, "name": cache["name"]}}}
    objects.apply({"apiVersion": "apps.nvidia.com/v1alpha1", "kind": "NIMCache", "metadata": metadata, "spec": spec})
    ready = {"status": {"state": "Ready", "pvc": cache["name"], "profiles": []}}
    objects.patch("apps.nvidia.com/v1alpha1 NIMCache", cache["name"], ready, "status")


def _changes(objects: Objects, name: str, deadline: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Phase and condition Ready, each time that either changes."""
    before: tuple[str, str] | None = None
    while time.monotonic() < deadline:
        status = (objects.get(CR, name) or {}).get("status", {})
        ready = next((c for c in status.get("conditions", []) if c["type"] == "Ready"), None)
        if ready and before != (status["phase"], ready["message"]):
            before = (status["phase"], ready["message"])
            yield status["phase"], ready
        time.sleep(0.02)


def _show_children(objects: Objects, console: Console, name: str) -> None:
    live = objects.get(NIMSERVICE, name)
    if live is None:
        console.print("  the operator created no NIMService and no claim\n")
        return
    spec = live["spec"]
    table = Table("created object", "", show_edge=False, pad_edge=False)
    table.add_row("NIMService", f"{name}, owned by {live['metadata']['ownerReferences'][0]['kind']}")
    table.add_row("image", f"{spec['image']['repository']}:{spec['image']['tag']}")
    table.add_row("schedulerName", spec["schedulerName"])
    for key, value in sorted((spec.get("labels") or {}).items()):
        table.add_row("pod label", f"{key}: {value}")
    for key, value in sorted((spec.get("annotations") or {}).items()):
        table.add_row("pod annotation", f"{key}: {value}")
    table.add_row("resources", str(spec.get("resources", "none")))
    table.add_row("storage", str({kind: store for kind, store in spec["storage"].items() if store}))
    for claim in objects.list(CLAIM, f"runai-nim.io/service={name}"):
        size = claim["spec"]["resources"]["requests"]["storage"]
        table.add_row("claim", f"{claim['metadata']['name']}, {size}, {claim['status']['phase']}")
    console.print(table, "")


def _judge(objects: Objects, console: Console, *, name: str, phase: str, expected: str) -> bool:
    wanted = expected != "Failed"
    if phase == expected and (objects.get(NIMSERVICE, name) is not None) == wanted:
        return True
    console.print(
        f"  [red]{name} should be {expected}, but is {phase or 'without status'} after {SECONDS:.0f} s[/red]\n"
    )
    return False
