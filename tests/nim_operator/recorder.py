"""Records what happens in namespaces of a real API server, in the form of the recordings in `traces/`."""

import asyncio
from collections import defaultdict
from typing import Any

from local.nim_operator import kinds
from local.nim_operator.client import Client
from local.nim_operator.kinds import Kind

Change = dict[str, Any]

KINDS = (
    kinds.NIM_SERVICE,
    kinds.DEPLOYMENT,
    kinds.SERVICE,
    kinds.SERVICE_ACCOUNT,
    kinds.ROLE,
    kinds.ROLE_BINDING,
    kinds.INGRESS,
    kinds.HPA,
    kinds.CLAIM,
    kinds.CONFIG_MAP,
    kinds.SECRET,
    kinds.EVENT,
)
# Not recorded, because it has nothing to do with NIMServices.
OF_THE_CLUSTER = {("ServiceAccount", "default")}
PARTS = ("metadata", "spec", "data", "type", "rules", "subjects", "roleRef", "status")
METADATA = ("name", "namespace", "labels", "annotations", "ownerReferences", "finalizers", "deletionTimestamp")
RECORDED_ADDRESS = "10.96.0.10"
DEPLOYMENT_STATUS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


class Recorder:
    """Takes down the changes of all KINDS, by namespace, in the order in which the API server made them."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._seen: dict[tuple[str, str, str], Change] = {}
        self._changes: defaultdict[str, list[tuple[int, Change]]] = defaultdict(list)
        self.addresses: dict[str, str] = {}
        self.last_change: defaultdict[str, float] = defaultdict(float)

    async def run(self, version: str) -> None:
        """Record what follows `version`, for ever."""
        async with asyncio.TaskGroup() as group:
            for kind in KINDS:
                group.create_task(self._follow(kind, version))

    def taken(self, namespace: str) -> list[Change]:
        """Return the namespace's changes since the last call."""
        changes = sorted(self._changes.pop(namespace, []), key=lambda change: change[0])
        return [change for _, change in changes]

    async def _follow(self, kind: Kind, version: str) -> None:
        async for event in self._client.watch(kind.path(), resourceVersion=version):
            assert event["type"] in {"ADDED", "MODIFIED", "DELETED"}, event
            self._take(kind, event["type"], event["object"])
        raise AssertionError(f"the watch of {kind.plural} ended")

    def _take(self, kind: Kind, event: str, item: Change) -> None:
        metadata = item["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        if (kind.name, name) in OF_THE_CLUSTER:
            return
        change = event_change(event, item) if kind is kinds.EVENT else self._object_change(kind, event, item)
        if change:
            self._changes[namespace].append((int(metadata["resourceVersion"]), change))
            self.last_change[namespace] = asyncio.get_running_loop().time()

    def _object_change(self, kind: Kind, event: str, item: Change) -> Change | None:
        namespace, name = item["metadata"]["namespace"], item["metadata"]["name"]
        key = (kind.name, namespace, name)
        if event == "DELETED":
            self._seen.pop(key, None)
            return {"op": "deleted", "kind": kind.name, "name": name}
        if kind is kinds.SERVICE:
            self.addresses[item["spec"]["clusterIP"]] = RECORDED_ADDRESS
        new = masked(kind, item, self.addresses)
        old = self._seen.get(key)
        self._seen[key] = new
        changed = new if old is None else {part: value for part, value in new.items() if old.get(part) != value}
        if not changed:
            return None
        return {"op": "created" if old is None else "changed", "kind": kind.name, "name": name, "object": changed}


def event_change(event: str, item: Change) -> Change | None:
    """Return a new event about a NIMService; repeated ones are counted up, which isn't recorded."""
    about = item["involvedObject"]
    if event != "ADDED" or about["kind"] != "NIMService":
        return None
    said = {
        "type": item["type"],
        "reason": item["reason"],
        "message": item["message"],
        "involvedObject": {"kind": about["kind"], "name": about["name"]},
    }
    return {"op": "created", "kind": "Event", "name": None, "object": said}


def masked(kind: Kind, item: Change, addresses: dict[str, str]) -> Change:
    """Return an object without what differs from run to run, as the recordings have it."""
    parts = {part: item[part] for part in PARTS if part in item}
    parts["metadata"] = {key: item["metadata"][key] for key in METADATA if key in item["metadata"]}
    if "deletionTimestamp" in parts["metadata"]:
        parts["metadata"]["deletionTimestamp"] = "(set)"
    for owner in parts["metadata"].get("ownerReferences", []):
        owner.pop("uid", None)
    if "data" in parts:
        parts["data"] = dict.fromkeys(parts["data"], "(data)")
    if kind is kinds.SERVICE:
        parts["spec"] = {key: value for key, value in parts["spec"].items() if key not in ("clusterIP", "clusterIPs")}
    if kind is kinds.DEPLOYMENT:
        parts["spec"]["template"]["metadata"].pop("creationTimestamp", None)
        status = parts.get("status", {})
        parts["status"] = {key: status[key] for key in DEPLOYMENT_STATUS if key in status}
    elif kind is kinds.NIM_SERVICE and "status" in parts:
        parts["status"] = masked_status(parts["status"], addresses)
    else:
        parts.pop("status", None)
    return parts


def masked_status(status: Change, addresses: dict[str, str]) -> Change:
    """Return a NIMService's status without times and addresses."""
    made = dict(status)
    made["conditions"] = [
        {key: value for key, value in condition.items() if key != "lastTransitionTime"}
        for condition in status.get("conditions", [])
    ]
    if "model" in made:
        address, _, port = made["model"]["clusterEndpoint"].partition(":")
        made["model"] = {**made["model"], "clusterEndpoint": f"{addresses.get(address, address)}:{port}"}
    return made
