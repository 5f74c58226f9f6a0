"""What a released operator left in a cluster: written as it had written it, and looked at."""

import copy
import json
from pathlib import Path

import yaml

from local.cluster import LocalCluster
from local.objects import Object, Objects, wait_for
from runai_nim.api import well_known
from tests.support.services import CLAIM, CR, DEPLOYMENT, LWS, NIMSERVICE
from tests.upgrade.frozen_outputs import Record, cache_ready

INGRESS = "networking.k8s.io/v1 Ingress"
KINDS = (CR, NIMSERVICE, CLAIM, INGRESS, DEPLOYMENT, LWS)
MARKS = (well_known.SPEC_HASH, well_known.SERVICE_UID)


def make(cluster: LocalCluster, record: Record) -> None:
    """Write what the released operator had written, and let the NIM Operator act on it.

    The namespace is called as the record.
    """
    namespace = record["name"]
    name = record["cr"]["metadata"]["name"]
    cluster.kubectl("label", "namespace", namespace, "runai/queue=team-a")
    with Objects(Path(cluster.control_plane.kubeconfig), namespace) as objects:
        cache_ready(objects)
        uid = objects.apply(record["cr"])["metadata"]["uid"]
        for child in record["children"]:
            for owner in child["metadata"].get("ownerReferences", ()):
                owner["uid"] = uid
        manager = f"--field-manager={well_known.FIELD_MANAGER}"
        children = "---\n".join(yaml.safe_dump(child) for child in record["children"])
        cluster.kubectl("apply", "--server-side", manager, "--filename=-", stdin=children)
        wanted = "Ready" if record["status"]["phase"] == "Running" else "NotReady"
        wait_for(lambda: (objects.get(NIMSERVICE, name) or {}).get("status", {}).get("state") == wanted)
        cluster.kubectl(
            *("patch", "rnim", name, f"--namespace={namespace}", "--subresource=status", "--type=merge"),
            *(manager, f"--patch={json.dumps({'status': record['status']})}"),
        )


def everything(cluster: LocalCluster, namespace: str) -> list[Object]:
    with Objects(Path(cluster.control_plane.kubeconfig), namespace) as objects:
        return [found for kind in KINDS for found in objects.list(kind)]


def without_marks(live: Object) -> Object:
    """Without what 0.1.0 did not write, and what a write of it changes."""
    found = copy.deepcopy(live)
    metadata = found["metadata"]
    if found["kind"] in ("PersistentVolumeClaim", "Ingress"):
        metadata["annotations"] = {k: v for k, v in (metadata.get("annotations") or {}).items() if k not in MARKS}
        metadata.pop("resourceVersion")
    metadata.pop("managedFields", None)
    return found
