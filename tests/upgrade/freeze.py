"""`python -m tests.upgrade.freeze`: keep what this version makes, to hold later versions against it.

Run once, when a version is released; it needs `make programs chart`. A version that is there already is not
overwritten: what has been released does not change.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, LocalCluster
from local.objects import Object, Objects
from local.programs import chart_programs
from runai_nim import __version__
from runai_nim.api import well_known
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.golden import a_context, canonical, golden_case, golden_cases, stored
from tests.support.services import CLAIM, CR, NIMSERVICE, settled
from tests.upgrade.frozen_outputs import FOLDER, OPERATOR_ENVIRONMENT, Record, cache_ready, owned

INGRESS = "networking.k8s.io/v1 Ingress"
CONVERGED = (
    *("annotations", "autoscaling-cpu", "claim-new-annotations", "claim-new-deleted-with-the-service"),
    *("environment-excluded", "exposed-url-ingress", "gpu-portion-of-several-devices", "labels", "multi-node"),
    *("node-pools", "probe", "sample-gpu-portion", "serving-ports", "stopped", "tolerations"),
)
"""Golden cases whose resources converge as they are: between them they have every kind of child."""


def translations() -> Iterator[Record]:
    """Each golden case, and what is translated of it."""
    for case in golden_cases():
        expected = yaml.safe_load(canonical(translate(input_of(stored(case.cr), a_context(case.context)))))
        yield {"name": case.name, "cr": case.cr, "context": case.context, "expected": expected}


def manifests() -> str:
    """The chart's objects with default values."""
    command = ["helm", "template", OPERATOR_SERVICE_ACCOUNT, str(CHECKOUT / "charts" / "runai-nim-operator")]
    options = [f"--namespace={OPERATOR_NAMESPACE}", "--set=image.repository=registry.example.com/runai-nim-operator"]
    command[0] = str(chart_programs() / command[0])
    return subprocess.run([*command, *options], check=True, text=True, capture_output=True).stdout


def converged(cluster: LocalCluster) -> Iterator[Record]:
    """Let the operator bring each resource to rest in a namespace of its own; what it applied, and the status."""
    for name in CONVERGED:
        cr = golden_case(name).cr
        cluster.kubectl("create", "namespace", name)
        cluster.kubectl("label", "namespace", name, "runai/queue=team-a")
        with Objects(Path(cluster.control_plane.kubeconfig), name) as objects:
            cache_ready(objects)
            objects.apply(cr)
            settled(objects, cr["metadata"]["name"], "Stopped" if name == "stopped" else "Running", 60)
            live = objects.get(CR, cr["metadata"]["name"]) or {}
            found = [child for kind in (CLAIM, NIMSERVICE, INGRESS) for child in objects.list(kind)]
        children = [applied for child in found if (applied := applied_part(child))]
        yield {"name": name, "cr": cr, "children": children, "status": live["status"]}


def applied_part(live: Object) -> Record | None:
    """What the operator applied of an object; None where it applied nothing."""
    for entry in live["metadata"]["managedFields"]:
        if (entry["manager"], entry["operation"]) == (well_known.FIELD_MANAGER, "Apply"):
            metadata = {"name": live["metadata"]["name"], "namespace": live["metadata"]["namespace"]}
            part = owned(live, entry["fieldsV1"])
            head = {"apiVersion": entry["apiVersion"], "kind": live["kind"]}
            return {**head, **part, "metadata": {**metadata, **part.get("metadata", {})}}
    return None


def freeze(folder: Path) -> None:
    """Write the files of `frozen` into a new folder."""
    with tempfile.TemporaryDirectory() as directory:
        cluster = LocalCluster(Path(directory))
        with cluster.control_plane.processes.tied_to_this_process(), cluster.control_plane:
            cluster.apply_manifests()
            cluster.stand_in.start()
            cluster.operator.start(environment=OPERATOR_ENVIRONMENT)
            found = list(converged(cluster))
    folder.mkdir()
    (folder / "stored.jsonl").write_text(lines(found), encoding="utf-8")
    (folder / "translations.jsonl").write_text(lines(translations()), encoding="utf-8")
    (folder / "manifests.yaml").write_text(manifests(), encoding="utf-8")


def lines(found: Any) -> str:
    """One compact line of JSON each."""
    return "".join(json.dumps(record, sort_keys=True, default=str) + "\n" for record in found)


def main() -> int:
    """Freeze this version, whatever stage of its development it is in."""
    folder = FOLDER / __version__.split(".dev")[0]
    if folder.exists():
        print(f"{folder} is there; a version that is out stays as it is. One that is not: delete the folder first.")
        return 1
    freeze(folder)
    print(f"{folder.relative_to(CHECKOUT)} is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
