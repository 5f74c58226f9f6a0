"""Compares what the stand-in did with what the real NIM Operator was recorded doing.

All content of all objects counts, in the order in which each part of an object changed, and so does the order in which
children were made. Left open is only what a second recording of the real one leaves open:

- how many steps of a rollout it catches: messages about rollout progress may be missing from the middle, never from the
  end of a step, and there may be none that the recording doesn't know, but for the one about old replicas pending
  termination: the real one says that too where it looks between two writes of the deployment controller, which no
  recording happened to catch and a busy machine does;
- the deployment controller's counts in between; those at the end of a step must agree;
- how often a failing pass was repeated; the states that it goes round must agree;
- values of hashes: for an object's own it must agree when it changes, for its parent's also which objects share it;
- the order of deletions, which is the garbage collector's, and node ports;
- the end of a claim that is being deleted: the recordings were made without the controller that lets it go.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

Trace = dict[str, Any]
Change = dict[str, Any]

LAST_APPLIED = "nvidia.com/last-applied-hash"
PARENT_SPEC = "nvidia.com/parent-spec-hash"
# What the recorded person applied; everything else was made for them.
APPLIED = {("Secret", "ngc"), ("PersistentVolumeClaim", "store")}


def problems(expected: Trace, actual: Trace) -> list[str]:
    """Return how `actual` differs from `expected`, in words; empty when it doesn't."""
    found = [
        f"step {number}: {problem}"
        for number, (want, have) in enumerate(zip(with_plain_hashes(expected), with_plain_hashes(actual), strict=True))
        for problem in step_problems(want, have)
    ]
    return [*found, *progress_problems(expected, actual), *final_problems(expected, actual)]


def step_problems(expected: list[Change], actual: list[Change]) -> Iterator[str]:
    """Yield differences of one step that don't depend on earlier ones."""
    want, have = by_object(expected), by_object(actual)
    for name in sorted(want.keys() | have.keys()):
        yield from (f"{name}: {problem}" for problem in object_problems(want.get(name, {}), have.get(name, {})))
    if made(expected) != made(actual):
        yield f"made in the order {made(actual)}, really {made(expected)}"
    states = lasting_states(expected), lasting_states(actual)
    if states[0] != states[1]:
        yield f"NIMService states are {states[1]}, really {states[0]}"
    events = lasting_events(expected), lasting_events(actual)
    if events[0] != events[1]:
        yield f"events are {events[1]}, really {events[0]}"


def object_problems(expected: dict[str, list[Any]], actual: dict[str, list[Any]]) -> Iterator[str]:
    """Yield differences between the changes of one object; its status is compared elsewhere."""
    for part in sorted(expected.keys() | actual.keys()):
        if expected.get(part) != actual.get(part):
            yield f"{part} became {actual.get(part)}, really {expected.get(part)}"


def by_object(changes: list[Change]) -> dict[str, dict[str, list[Any]]]:
    """Return, for each object, the values that each of its parts took, and what was done with it."""
    found: defaultdict[str, defaultdict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for change in changes:
        if change["kind"] == "Event":
            continue
        parts = found[f"{change['kind']} {change['name']}"]
        if change["op"] != "changed" and not is_end_of_claim(change):
            parts["op"].append(change["op"])
        for part, value in change.get("object", {}).items():
            if part != "status":
                parts[part].append(without_node_ports(value) if part == "spec" else value)
    # An object whose status alone changed has no parts here.
    return {name: dict(parts) for name, parts in found.items() if parts}


def is_end_of_claim(change: Change) -> bool:
    return (change["kind"], change["op"]) == ("PersistentVolumeClaim", "deleted")


def without_node_ports(spec: dict[str, Any]) -> dict[str, Any]:
    if "ports" not in spec:
        return spec
    ports = [
        {key: bool(value) if key == "nodePort" else value for key, value in port.items()} for port in spec["ports"]
    ]
    return {**spec, "ports": ports}


def made(changes: list[Change]) -> list[str]:
    """Return the objects that the NIM Operator made for NIMServices, in order."""
    return [
        f"{change['kind']} {change['name']}"
        for change in changes
        if change["op"] == "created" and "ownerReferences" in change["object"].get("metadata", {})
    ]


def states(changes: list[Change]) -> list[Any]:
    return [
        change["object"]["status"]
        for change in changes
        if change["kind"] == "NIMService" and "status" in change.get("object", {})
    ]


def is_progress(text: str) -> bool:
    """Tell whether a message says how far a rollout is; empty: the Deployment wasn't known yet."""
    return text == "" or "rollout to finish" in text


def is_caught(item: dict[str, Any]) -> bool:
    """Tell whether a state or event is about old replicas that are still going."""
    messages = [item.get("message", ""), *(condition["message"] for condition in item.get("conditions", []))]
    return any(message.endswith("old replicas are pending termination...\n") for message in messages)


def is_progress_state(status: dict[str, Any]) -> bool:
    ready = next((known for known in status["conditions"] if known["type"] == "Ready"), None)
    return status["state"] == "NotReady" and ready is not None and is_progress(ready["message"])


def is_progress_event(event: dict[str, Any]) -> bool:
    return event["reason"] == "NotReady" and is_progress(event["message"].partition("not ready, msg: ")[2])


def lasting_states(changes: list[Change]) -> tuple[list[Any], bool]:
    """Return the states but those of rollout progress, a repeated round once, and whether a round was repeated."""
    left = [status for status in states(changes) if not is_progress_state(status)]
    repeated = False
    while len(left) >= 4 and left[-2:] == left[-4:-2]:
        left = left[:-2]
        repeated = True
    if len(left) >= 3 and left[-1] == left[-3]:
        left = left[:-1]
    return left, repeated


def events(changes: list[Change]) -> list[dict[str, Any]]:
    return [change["object"] for change in changes if change["kind"] == "Event"]


def lasting_events(changes: list[Change]) -> list[tuple[str, str, str]]:
    return [
        (event["type"], event["reason"], event["message"]) for event in events(changes) if not is_progress_event(event)
    ]


def progress_problems(expected: Trace, actual: Trace) -> Iterator[str]:
    """Yield what is said about rollout progress that the real one was never recorded saying, and what is missing."""
    for what, of in (("state", states), ("event", events)):
        is_one = is_progress_state if of is states else is_progress_event
        known, said = (
            [item for step in trace["steps"] for item in of(step["then"]) if is_one(item)]
            for trace in (expected, actual)
        )
        yield from (f"{what} {item} was never recorded" for item in said if item not in known and not is_caught(item))
        if bool(known) != bool(said):
            yield f"there is {'no' if known else 'a'} {what} about rollout progress"


def final_problems(expected: Trace, actual: Trace) -> Iterator[str]:
    """Yield differences between the last statuses of NIMServices and Deployments at the end of each step."""
    want, have = Statuses(), Statuses()
    for number, (wanted, got) in enumerate(zip(expected["steps"], actual["steps"], strict=True)):
        want.take(wanted["then"])
        have.take(got["then"])
        failing = lasting_states(wanted["then"])[1]
        for key in sorted(want.last.keys() | have.last.keys()):
            if want.last.get(key) != have.last.get(key) and not (failing and key.startswith("NIMService")):
                yield f"step {number}: {key} ends as {have.last.get(key)}, really {want.last.get(key)}"


class Statuses:
    """The statuses that are known after some changes."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}

    def take(self, changes: list[Change]) -> None:
        """Take in changes."""
        for change in changes:
            key = f"{change['kind']} {change['name']}"
            if change["op"] == "deleted":
                self.last.pop(key, None)
            elif "status" in change["object"]:
                self.last[key] = change["object"]["status"]


def with_plain_hashes(trace: Trace) -> list[list[Change]]:
    """Return the steps' changes with each hash replaced by a number that says how it behaves."""
    own: defaultdict[Any, list[str]] = defaultdict(list)
    parents: list[str] = []
    for step in trace["steps"]:
        # In one order of kinds, so that the numbers don't depend on which kind's change came first.
        for change in sorted(step["then"], key=lambda change: str(change["kind"])):
            hashes = annotations_of(change)
            for key, known in ((LAST_APPLIED, own[change["kind"], change["name"]]), (PARENT_SPEC, parents)):
                if key in hashes and hashes[key] not in known:
                    known.append(hashes[key])
    return [
        [plain_hashes(change, own[change["kind"], change["name"]], parents) for change in step["then"]]
        for step in trace["steps"]
    ]


def annotations_of(change: Change) -> dict[str, Any]:
    found: dict[str, Any] = change.get("object", {}).get("metadata", {}).get("annotations", {})
    return found


def plain_hashes(change: Change, own: list[str], parents: list[str]) -> Change:
    annotations = dict(annotations_of(change))
    if not annotations:
        return change
    for key, known in ((LAST_APPLIED, own), (PARENT_SPEC, parents)):
        if key in annotations:
            annotations[key] = known.index(annotations[key])
    metadata = {**change["object"]["metadata"], "annotations": annotations}
    return {**change, "object": {**change["object"], "metadata": metadata}}
