"""The text and the JSON of `runai-nim status`. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, mappings, number, text, word
from runai_nim.cli.cluster.service_row import ServiceRow
from runai_nim.cli.cluster.table import age, lines, widths_of
from runai_nim.domain.observed import ObservedEvent
from runai_nim.domain.observed.resource_tree import Node, do_next, nodes_below

LATEST_EVENTS: Final = 10


def status_json(service: ObjectView, tree: Node, events: Sequence[ObjectView], events_problem: str) -> dict[str, Any]:
    """The row of `list`, the tree, conditions and events."""
    conditions = [
        {field: condition.get(field) for field in ("type", "status", "reason", "message", "lastTransitionTime")}
        for condition in mappings(mapping(service.get("status")).get("conditions"))
    ]
    latest = [dict(zip(("at", "type", "reason", "object", "message"), row, strict=True)) for row in _events(events)]
    service_json = ServiceRow.from_object(service).as_json()
    told = {"do": do_next(service), "conditions": conditions, "tree": tree.as_json(), "events": latest}
    return {**service_json, **told, "eventsProblem": events_problem or None}


def status_lines(
    service: ObjectView, tree: Node, events: Sequence[ObjectView], *, problem: str, now: datetime
) -> Iterator[str]:
    """The lines; `problem`: why events can't be read."""
    row = ServiceRow.from_object(service)
    ready = "ready" if row.is_ready else "not ready"
    state = f"{row.phase or 'no phase'}, {ready} ({row.reason or 'no reason'})"
    yield f"RunaiNimService {row.namespace}/{row.name}: {state}"
    yield f"  {do_next(service)}"
    yield ""
    yield from _tree_table(tree, now)
    yield ""
    conditions = mappings(mapping(service.get("status")).get("conditions"))
    told = [_condition_cells(condition, now) for condition in conditions]
    yield from _table([("CONDITION", "STATUS", "REASON", "AGE", "MESSAGE"), *told])
    yield ""
    if problem:
        yield f"Events {problem}"
    else:
        latest = [(age(at, now), *rest) for at, *rest in _events(events)]
        yield from _table([("EVENT", "TYPE", "REASON", "OBJECT", "MESSAGE"), *latest])


def progress_line(service: ObjectView) -> str:
    """What the service waits for: phase, reason, replicas and what to do. The same text while nothing changes."""
    row = ServiceRow.from_object(service)
    state = f"{row.phase or 'no phase'} ({row.reason or 'no reason'})"
    return f"waiting: {state}, {row.ready_replicas} of {row.replicas} replicas ready: {do_next(service)}"


def _condition_cells(condition: ObjectView, now: datetime) -> tuple[str, ...]:
    words = (word(condition.get(field)) for field in ("type", "status", "reason"))
    return (*words, age(condition.get("lastTransitionTime"), now), text(condition.get("message")))


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield from lines(rows, widths_of(rows))


def _tree_table(tree: Node, now: datetime) -> Iterator[str]:
    """The tree. Why a kind can't be read stands at the end of its line, and makes no column wider."""
    rows = [("OBJECT", "STATE", "AGE", "DETAILS"), *_tree_rows(tree, now)]
    widths = widths_of(row if len(row) == len(rows[0]) else (row[0], "", "", "") for row in rows)
    for row in rows:
        yield from lines([row], widths[: len(row)])


def _tree_rows(node: Node, now: datetime, lead: str = "", below: str = "") -> Iterator[tuple[str, ...]]:
    """Objects with their state, age and details; a kind that can't be read with the reason alone."""
    at = age(node.created_at, now) if node.created_at else ""
    if node.name:
        yield f"{lead}{node.kind} {node.name}", node.state, at, ", ".join(node.details)
    else:
        yield f"{lead}{node.kind}", node.state
    for number_, child in enumerate(node.children, start=1):
        last = number_ == len(node.children)
        yield from _tree_rows(child, now, below + ("└─ " if last else "├─ "), below + ("   " if last else "│  "))


def events_of(tree: Node, events: Sequence[ObjectView]) -> list[ObjectView]:
    """Events about the objects of the tree."""
    uids = {node.uid for node in nodes_below(tree) if node.uid}
    return [event for event in events if word(mapping(event.get("involvedObject")).get("uid")) in uids]


def _events(events: Sequence[ObjectView]) -> list[tuple[str, ...]]:
    """The latest: time, type, reason, object and message, with the number of times."""
    found: list[tuple[str, ...]] = []
    for event in events:
        about = mapping(event.get("involvedObject"))
        seen = ObservedEvent.from_object(event)
        times = max(number(event.get("count")), number(mapping(event.get("series")).get("count")))
        message = f"{seen.message} (x{times})" if times > 1 else seen.message
        name = f"{word(about.get('kind'))} {word(about.get('name'))}"
        found.append((seen.at, word(event.get("type")), seen.reason, name, message))
    return sorted(found, reverse=True)[:LATEST_EVENTS]
