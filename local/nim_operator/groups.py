"""STAND-IN for the LeaderWorkerSet controller, which a control plane alone lacks: creates pods and writes status.

Names, labels, counts and conditions are those of LeaderWorkerSet v0.9. Differences: there are no StatefulSets, so the
LeaderWorkerSet owns the pods; a rollout deletes all outdated pods at once instead of one group at a time; a lost pod is
replaced alone instead of with its whole group.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

import aiohttp

from local.nim_operator import kinds, status
from local.nim_operator.children import Object, digest
from local.nim_operator.client import ApiError, Client
from local.nim_operator.kinds import Kind
from local.nim_operator.queue import Queue, RetryError
from local.nim_operator.store import Key, Store, key_of

PREFIX = "leaderworkerset.sigs.k8s.io/"
SET = PREFIX + "name"
GROUP = PREFIX + "group-index"
POD = PREFIX + "worker-index"
REVISION = PREFIX + "template-revision-hash"
SAID = {  # reason and message of a condition
    "Available": ("AllGroupsReady", "All replicas are ready"),
    "Progressing": ("GroupsProgressing", "Replicas are progressing"),
}


class Groups:
    """Creates the pods of the LeaderWorkerSets in the store and writes the number of ready groups."""

    def __init__(self, client: Client, store: Store) -> None:
        self._client = client
        self._store = store
        self._sets = Queue(self._sync)
        store.listen(self._on_change)

    async def run(self) -> None:
        """Reconcile LeaderWorkerSets until cancelled."""
        await self._sets.run()

    def _on_change(self, kind: Kind, before: Object | None, after: Object | None) -> None:
        item = after or before
        if item and kind is kinds.LEADER_WORKER_SET:
            self._sets.add(key_of(item))
        elif item and kind is kinds.POD and (name := set_of(item)):
            self._sets.add((item["metadata"]["namespace"], name))

    async def _sync(self, key: Key) -> None:
        owner = self._store.get(kinds.LEADER_WORKER_SET, key)
        if owner is None or "deletionTimestamp" in owner["metadata"]:
            return
        try:
            await self._make_pods(owner)
            await self._write_status(owner)
        except (ApiError, aiohttp.ClientError, OSError) as error:
            raise RetryError(str(error)) from error

    async def _make_pods(self, owner: Object) -> None:
        wanted = {pod["metadata"]["name"]: pod for pod in pods_of(owner)}
        present = {pod["metadata"]["name"]: pod for pod in self._present(owner)}
        for name, pod in present.items():
            if name not in wanted or not is_current(pod, owner):
                await self._client.delete(kinds.POD, *key_of(pod))
        for name, pod in wanted.items():
            if name not in present:
                self._store.take(kinds.POD, await self._client.create(kinds.POD, pod))

    async def _write_status(self, owner: Object) -> None:
        previous = owner.get("status", {})
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = status.add_transition_times(status_of(owner, self._present(owner)), previous, now)
        if not status.is_same(said, previous):
            written = await self._client.merge_status(kinds.LEADER_WORKER_SET, owner["metadata"], said)
            self._store.take(kinds.LEADER_WORKER_SET, written)

    def _present(self, owner: Object) -> list[Object]:
        namespace, name = key_of(owner)
        return [pod for pod in self._store.all(kinds.POD, namespace) if set_of(pod) == name]


def set_of(pod: Object) -> str:
    """Name of the pod's LeaderWorkerSet; empty without one."""
    return str(pod["metadata"].get("labels", {}).get(SET, ""))


def revision(owner: Object) -> str:
    """Hash of the pod templates."""
    return digest(owner["spec"]["leaderWorkerTemplate"])


def is_current(pod: Object, owner: Object) -> bool:
    """Whether the pod comes from the current template."""
    return bool(pod["metadata"]["labels"].get(REVISION) == revision(owner))


def pods_of(owner: Object) -> Iterator[Object]:
    """Render the pods of all groups, in each group the leader first."""
    name, template = owner["metadata"]["name"], owner["spec"]["leaderWorkerTemplate"]
    for group in range(owner["spec"]["replicas"]):
        yield _pod(owner, name=f"{name}-{group}", template=template["leaderTemplate"], group=group, index=0)
        for index in range(1, template["size"]):
            yield _pod(
                owner, name=f"{name}-{group}-{index}", template=template["workerTemplate"], group=group, index=index
            )


def _pod(owner: Object, *, name: str, template: Object, group: int, index: int) -> Object:
    made = template.get("metadata", {})
    labels = {SET: owner["metadata"]["name"], GROUP: str(group), POD: str(index), REVISION: revision(owner)}
    reference = {
        "apiVersion": kinds.LEADER_WORKER_SET.api_version,
        "kind": kinds.LEADER_WORKER_SET.name,
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metadata = {
        "name": name,
        "namespace": owner["metadata"]["namespace"],
        "labels": {**made.get("labels", {}), **labels},
        "annotations": made.get("annotations", {}),
        "ownerReferences": [reference],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def status_of(owner: Object, pods: list[Object]) -> Object:
    """The status without transition times. It counts groups, not pods."""
    groups: defaultdict[str, list[Object]] = defaultdict(list)
    for pod in pods:
        groups[pod["metadata"]["labels"][GROUP]].append(pod)
    size = owner["spec"]["leaderWorkerTemplate"]["size"]
    ready = [group for group in groups.values() if len(group) == size and all(map(is_ready, group))]
    updated = [group for group in groups.values() if all(is_current(pod, owner) for pod in group)]
    available = len([group for group in ready if group in updated]) == owner["spec"]["replicas"]
    return {
        "replicas": len(groups),
        "readyReplicas": len(ready),
        "updatedReplicas": len(updated),
        "observedGeneration": owner["metadata"]["generation"],
        "conditions": list(_conditions(owner, available=available)),
    }


def is_ready(pod: Object) -> bool:
    """Whether the pod is ready and is not being deleted."""
    conditions = pod.get("status", {}).get("conditions", [])
    said = {(known["type"], known["status"]) for known in conditions}
    return ("Ready", "True") in said and "deletionTimestamp" not in pod["metadata"]


def _conditions(owner: Object, *, available: bool) -> Iterator[Object]:
    """The conditions, without those that have never been True."""
    known = {condition["type"] for condition in owner.get("status", {}).get("conditions", [])}
    for type_, is_so in (("Available", available), ("Progressing", not available)):
        if is_so or type_ in known:
            said = status.condition(type_, "True" if is_so else "False", *SAID[type_])
            yield {**said, "observedGeneration": owner["metadata"]["generation"]}
