"""`runai-nim diff`: compares manifests, settings, NIM Operator versions or a cluster."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from runai_nim.api.count_text import count_text
from runai_nim.cli import terminal
from runai_nim.cli.changes import HIDDEN_VALUE, Change, ChangeSide, Difference, compare_evaluations
from runai_nim.cli.diagnostic import EXIT_FAILURE, EXIT_FINDINGS, EXIT_OK, MAX_DIAGNOSTICS, UNREADABLE, Diagnostic
from runai_nim.cli.evaluation import ManifestEvaluation, evaluate_all
from runai_nim.cli.manifests import Manifest, read_manifests
from runai_nim.cli.offline_context import OfflineContext

OutputFormat = Literal["text", "json"]


ManifestsOrDiagnostics = Sequence[Manifest | Diagnostic]


def diff(
    old: tuple[ManifestsOrDiagnostics, OfflineContext],
    new: tuple[ManifestsOrDiagnostics, OfflineContext],
    output: OutputFormat,
) -> int:
    """Write the differences from one side to the other and return the exit code."""
    before, unreadable = evaluations_by_resource(*old)
    after, unreadable_too = evaluations_by_resource(*new)
    remarks = list(dict.fromkeys([*unreadable, *unreadable_too]))
    terminal.write_diagnostics_to_stderr(remarks)
    if remarks:
        return EXIT_FAILURE
    names = dict.fromkeys([*before, *after])
    return write_differences((compare_evaluations(name, before.get(name), after.get(name)) for name in names), output)


def diff_files(
    old: Sequence[str],
    before: OfflineContext,
    new: Sequence[str] | None,
    after: OfflineContext,
    *,
    output: OutputFormat,
) -> int:
    """Write the differences between files and return the exit code. Without `new`, both sides are `old`, read once."""
    terminal.write_diagnostics_to_stderr(dict.fromkeys([*before.remarks, *after.remarks]))
    manifests = list(read_manifests(old))
    new_manifests = manifests if new is None else list(read_manifests(new))
    return diff((manifests, before), (new_manifests, after), output)


def evaluations_by_resource(
    manifests: ManifestsOrDiagnostics, offline: OfflineContext
) -> tuple[dict[str, ManifestEvaluation], list[Diagnostic]]:
    """All RunaiNimServices by `<namespace>/<name>`, and diagnostics about unreadable input."""
    services: dict[str, ManifestEvaluation] = {}
    remarks: list[Diagnostic] = []
    for found in evaluate_all(manifests, offline):
        if isinstance(found, Diagnostic):
            remarks += [found] if found.severity == "error" else []
        elif found.resource in services:
            message = f"{found.resource} must be defined once: remove one, or set another namespace"
            remarks.append(
                Diagnostic(found.manifest.document.file, found.manifest.position, message, reason=UNREADABLE)
            )
        else:
            services[found.resource] = found
    return services, remarks


def write_differences(differences: Iterable[Difference], output: OutputFormat) -> int:
    """Write the differences and return the exit code."""
    reported_differences = [one for one in differences if one]
    if output == "json":
        terminal.write_json([_as_json(one) for one in reported_differences])
    else:
        for one in reported_differences:
            for line in difference_lines(one):
                terminal.write_line(line)
    return EXIT_FINDINGS if reported_differences else EXIT_OK


def difference_lines(one: Difference) -> Iterator[str]:
    """The lines of one difference; those that start with - or + are the sides of a change."""
    yield f"RunaiNimService {one.resource}" + (f", {one.when}" if one.when else "")
    for sign, message in one.findings[:MAX_DIAGNOSTICS]:
        yield f"{'+' if sign > 0 else '-'} {message}"
    if (more := len(one.findings) - MAX_DIAGNOSTICS) > 0:
        yield f"  {count_text(more, 'more finding')} {'changes' if more == 1 else 'change'}: -o json prints all of them"
    for changed in one.objects:
        yield f"  {changed.name}"
        for change in changed.changes:
            yield from (f"{sign} {_line(change, side)}" for sign, side in _existing_sides(change))
    if one.restart_reason:
        yield f"  pods restart: {'yes' if one.restarts else 'no'} ({one.restart_reason})"


def _line(change: Change, side: ChangeSide) -> str:
    value = _display(change, side)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{change.path}: {text}" + (f"  # {side.origin}" if side.origin else "")


def _display(change: Change, side: ChangeSide) -> Any:
    return HIDDEN_VALUE if change.hidden else side.value


def _existing_sides(change: Change) -> Iterator[tuple[str, ChangeSide]]:
    yield from ((sign, side) for sign, side in (("-", change.old), ("+", change.new)) if side.exists)


def _as_json(one: Difference) -> dict[str, Any]:
    return {
        "resource": one.resource,
        **({"when": one.when} if one.when else {}),
        "findings": [{"change": "added" if sign > 0 else "removed", "message": text} for sign, text in one.findings],
        "changes": [
            {
                "object": changed.name,
                "path": change.path,
                **{name: _display(change, side) for name, side in _named_sides(change)},
                "from": change.new.origin or change.old.origin or None,
            }
            for changed in one.objects
            for change in changed.changes
        ],
        "podsRestart": one.restarts,
        "podsRestartReason": one.restart_reason or None,
    }


def _named_sides(change: Change) -> Iterator[tuple[str, ChangeSide]]:
    yield from ((name, side) for name, side in (("old", change.old), ("new", change.new)) if side.exists)
