"""`python -m local.node.provisioner <kubeconfig> <directory>`: provisions hostPath volumes for claims of its classes.

A volume of a class with parameter `missing` has a path that doesn't exist, so that its pods can't start.
"""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

PROVISIONER = "runai-nim.io/host-path"
PAUSE_SECONDS = 0.5


def main(kubeconfig: str, directory: Path) -> None:
    """Provision and delete volumes until the process is stopped."""
    config.load_kube_config(kubeconfig)
    core: Any = client.CoreV1Api()  # all fields of its models are optional
    storage: Any = client.StorageV1Api()
    while True:
        try:
            classes = {found.metadata.name: found for found in storage.list_storage_class().items}
            ours = {name: found for name, found in classes.items() if found.provisioner == PROVISIONER}
            for claim in core.list_persistent_volume_claim_for_all_namespaces().items:
                if claim.status.phase == "Pending" and claim.spec.storage_class_name in ours:
                    _provision(core, claim, ours[claim.spec.storage_class_name], directory)
            for volume in core.list_persistent_volume().items:
                if volume.status.phase == "Released" and volume.spec.storage_class_name in ours:
                    core.delete_persistent_volume(volume.metadata.name)
                    shutil.rmtree(directory / volume.metadata.name, ignore_errors=True)
        except (ApiException, OSError) as error:  # the API server doesn't answer; urllib3's errors are OSErrors
            print(f"provisioner: {error}", file=sys.stderr, flush=True)
        time.sleep(PAUSE_SECONDS)


def _provision(core: Any, claim: Any, storage_class: Any, directory: Path) -> None:
    name = f"pvc-{claim.metadata.uid}"
    path = directory / name
    if not (storage_class.parameters or {}).get("missing"):
        path.mkdir(exist_ok=True)
        path.chmod(0o777)
    reference = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": claim.metadata.namespace,
        "name": claim.metadata.name,
        "uid": claim.metadata.uid,
    }
    volume = {
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": claim.spec.resources.requests["storage"]},
            "accessModes": claim.spec.access_modes,
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": storage_class.metadata.name,
            "claimRef": reference,
            "hostPath": {"path": str(path), "type": "Directory"},
        },
    }
    try:
        core.create_persistent_volume(volume)
    except ApiException as error:
        if error.status != 409:  # created in an earlier round, and not bound yet
            raise


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
