"""`runai-nim diff`: what changes between two manifests, settings or versions. Decides nothing."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from runai_nim.cli import terminal
from runai_nim.cli.changes import HIDDEN, Change, Difference, Side, difference
from runai_nim.cli.diagnostic import FINE, FOUND, MOST, TROUBLE, UNREADABLE, Remark
from runai_nim.cli.evaluation import Decided, decide
from runai_nim.cli.manifests import Manifest
from runai_nim.cli.offline_context import Assumed

Output = Literal["text", "json"]


Found = Sequence[Manifest | Remark]


def diff(old: tuple[Found, Assumed], new: tuple[Found, Assumed], output: Output) -> int:
    """Write what changes from one side to the other; the exit code."""
    before, unreadable = decided(*old)
    after, unreadable_too = decided(*new)
    remarks = list(dict.fromkeys([*unreadable, *unreadable_too]))
    terminal.say_remarks(remarks)
    if remarks:
        return TROUBLE
    names = dict.fromkeys([*before, *after])
    return write_differences((difference(name, before.get(name), after.get(name)) for name in names), output)


def decided(manifests: Found, assumed: Assumed) -> tuple[dict[str, Decided], list[Remark]]:
    """All RunaiNimServices by `<namespace>/<name>`, and what could not be read."""
    services: dict[str, Decided] = {}
    remarks: list[Remark] = []
    for found in decide(manifests, assumed):
        if isinstance(found, Remark):
            remarks += [found] if found.severity == "error" else []
        elif found.resource in services:
            message = f"{found.resource} must be there once: remove one, or name another namespace"
            remarks.append(Remark(found.manifest.document.file, found.manifest.position, message, reason=UNREADABLE))
        else:
            services[found.resource] = found
    return services, remarks


def write_differences(differences: Iterable[Difference], output: Output) -> int:
    """Write what differs; the exit code."""
    found = [one for one in differences if one]
    if output == "json":
        terminal.write_json([_as_json(one) for one in found])
    else:
        for one in found:
            for line in _lines(one):
                terminal.write_line(line)
    return FOUND if found else FINE


def _lines(one: Difference) -> Iterator[str]:
    yield f"RunaiNimService {one.resource}"
    for sign, message in one.findings[:MOST]:
        yield f"{'+' if sign > 0 else '-'} {message}"
    if (more := len(one.findings) - MOST) > 0:
        yield f"  {more} more findings change: -o json prints all of them"
    for changed in one.objects:
        yield f"  {changed.name}"
        for change in changed.changes:
            yield from (f"{sign} {_line(change, side)}" for sign, side in _sides(change))
    if one.restart_reason:
        yield f"  pods restart: {'yes' if one.restarts else 'no'} ({one.restart_reason})"


def _line(change: Change, side: Side) -> str:
    value = _shown(change, side)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{change.path}: {text}" + (f"  # {side.note}" if side.note else "")


def _shown(change: Change, side: Side) -> Any:
    return HIDDEN if change.hidden else side.value


def _sides(change: Change) -> Iterator[tuple[str, Side]]:
    yield from ((sign, side) for sign, side in (("-", change.old), ("+", change.new)) if side.there)


def _as_json(one: Difference) -> dict[str, Any]:
    return {
        "resource": one.resource,
        "findings": [{"change": "added" if sign > 0 else "removed", "message": text} for sign, text in one.findings],
        "changes": [
            {
                "object": changed.name,
                "path": change.path,
                **{name: _shown(change, side) for name, side in _named_sides(change)},
                "from": change.new.note or change.old.note or None,
            }
            for changed in one.objects
            for change in changed.changes
        ],
        "podsRestart": one.restarts,
        "podsRestartReason": one.restart_reason or None,
    }


def _named_sides(change: Change) -> Iterator[tuple[str, Side]]:
    yield from ((name, side) for name, side in (("old", change.old), ("new", change.new)) if side.there)
