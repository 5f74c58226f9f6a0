"""`runai-nim import`: prints or writes RunaiNimServices, and shows what differs from the NIMServices they are from."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from runai_nim.api import quantity, well_known
from runai_nim.api.untrusted_values import mapping
from runai_nim.cli import terminal
from runai_nim.cli.adoption import adoption_steps
from runai_nim.cli.changes import Change, Difference, ObjectChanges, name_of, object_changes
from runai_nim.cli.diagnostic import EXIT_FAILURE, CommandError, Diagnostic, Position, exit_code
from runai_nim.cli.diff import difference_lines
from runai_nim.cli.evaluation import ManifestEvaluation, evaluate_manifest
from runai_nim.cli.import_sources import ImportedManifest
from runai_nim.cli.input_files import InputText
from runai_nim.cli.manifest_directory import KUSTOMIZATION, write_directory
from runai_nim.cli.manifests import manifests_in
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.cli.yaml_text import to_yaml

_FILE_NAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_WITHOUT_RESTART: Final = (
    *("spec.replicas", "spec.scale", "spec.metrics", "spec.expose.router", "spec.expose.ingress"),
    *("spec.expose.service.type", "spec.storage.pvc", "spec.resources.requests[nvidia.com/gpu]"),
)
"""Fields that change without new pods, such as how a claim is created; limits of GPUs are requests, too."""
_EMPTY: Final[tuple[Any, ...]] = (None, "", {}, [])
_ADDED_DEFAULTS: Final = {
    "spec.inferencePlatform": "standalone",
    "spec.scale.hpa.maxReplicas": 0,
    "spec.scale.hpa.minReplicas": 1,
}
_OF_OTHERS: Final = ("metadata.labels", "metadata.annotations")
"""What the operator leaves as it is, but for its own keys. kubectl keeps whole manifests there, variables included."""
_NOT_COMPARED: Final = (
    *("creationTimestamp", "deletionTimestamp", "finalizers", "generation", "managedFields", "namespace"),
    *("ownerReferences", "resourceVersion", "selfLink", "uid"),
)
"""Metadata that the API server and controllers set, and the namespace."""


@dataclass(frozen=True, slots=True)
class ImportOutput:
    """Where and how manifests are written. Without `directory` to stdout. `adopt`: print the steps of adoption.

    `namespace`: of manifests without one; empty for none.
    """

    format: Literal["yaml", "json"]
    namespace: str = ""
    directory: str | None = None
    force: bool = False
    adopt: bool = False


def run_import(found: Sequence[ImportedManifest | Diagnostic], offline: OfflineContext, output: ImportOutput) -> int:
    """Write the manifests and return the exit code."""
    imported = [one for one in found if isinstance(one, ImportedManifest)]
    unread = [one for one in found if isinstance(one, Diagnostic)]
    files = _files(imported, output)
    unread += _name_diagnostics(imported, output)
    if exit_code(unread) == EXIT_FAILURE:
        terminal.write_diagnostics_to_stderr(unread)
        return EXIT_FAILURE
    _write(files, output)
    evaluations = [evaluation for name, text in files.items() for evaluation in _evaluate(name, text, offline)]
    remarks = [*unread, *(remark for one in imported for remark in one.remarks)]
    remarks += [remark for one in evaluations for remark in one.diagnostics]
    terminal.write_diagnostics_to_stderr(remarks)
    for one, evaluation in zip(imported, evaluations, strict=True):
        difference = _difference(one, evaluation)
        for line in difference_lines(difference) if difference else ():
            terminal.write_line_to_stderr(line)
        if output.adopt:
            terminal.write(adoption_steps(one, evaluation.manifest.document.file, difference))
    return exit_code(remarks)


def _files(imported: Sequence[ImportedManifest], output: ImportOutput) -> dict[str, str]:
    """Texts by name: one for each manifest in a directory, else one of all for stdout."""
    if output.directory is not None:
        return {
            f"{output.directory.rstrip('/')}/{_file_name(one, output)}": _text([one.manifest], output)
            for one in imported
        }
    return {"<stdout>": _text([one.manifest for one in imported], output)}


def _file_name(one: ImportedManifest, output: ImportOutput) -> str:
    """`llama.yaml`, or with a namespace `team-a.llama.yaml`."""
    return ".".join(part for part in (one.namespace, one.name, output.format) if part)


def _text(manifests: Sequence[dict[str, Any]], output: ImportOutput) -> str:
    if output.format == "yaml":
        return "---\n".join(to_yaml(manifest) for manifest in manifests)
    whole = manifests[0] if output.directory else {"apiVersion": "v1", "kind": "List", "items": manifests}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _name_diagnostics(imported: Iterable[ImportedManifest], output: ImportOutput) -> list[Diagnostic]:
    """Errors for manifests that can't have a file of their own: without a usable name, or twice."""
    found: list[Diagnostic] = []
    counts: Counter[str] = Counter([KUSTOMIZATION])
    for one in imported if output.directory is not None else ():
        name = _file_name(one, output)
        counts[name] += 1
        parts = [one.name, one.namespace] if one.namespace else [one.name]
        if not all(_FILE_NAME.fullmatch(part) for part in parts):
            message = f'metadata.name "{one.name}" must be the name of an object, to name its file: correct it'
            found.append(Diagnostic(output.directory or "", Position(), message))
        elif counts[name] > 1:
            message = f"{name} must be the file of one object only: give each NIMService a namespace and a name"
            found.append(Diagnostic(output.directory or "", Position(), message))
    return found


def _write(files: Mapping[str, str], output: ImportOutput) -> None:
    if output.directory is None:
        terminal.write("".join(files.values()))
        return
    named = {path.rpartition("/")[2]: text for path, text in files.items()}
    head = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": sorted(named)}
    write_directory(output.directory, {**named, KUSTOMIZATION: to_yaml(head)}, force=output.force)


def _evaluate(name: str, text: str, offline: OfflineContext) -> Iterable[ManifestEvaluation]:
    for manifest in manifests_in(InputText(name, text)):
        if isinstance(manifest, Diagnostic):
            raise CommandError(f"{manifest.place} {manifest.message}")
        yield evaluate_manifest(manifest, offline.decision_input(manifest.value))


def _difference(one: ImportedManifest, evaluation: ManifestEvaluation) -> Difference | None:
    """What differs between the NIMService and the one that the operator would write; None if it would write none."""
    if one.nimservice is None or not evaluation.objects:
        return None
    rendered = evaluation.objects[0]
    before = {**one.nimservice, "metadata": {"name": one.name, **_compared(one.nimservice)}}
    before.pop("status", None)
    after = {**rendered, "metadata": _compared(rendered)}
    found = object_changes(before, after, None, evaluation)
    changes = tuple(change for change in found.changes if not _says_the_same(change)) if found else ()
    objects = (ObjectChanges(name_of(rendered), changes),) if changes else ()
    restarts, reason = _restart(before, after, [change.path for change in changes])
    return Difference(evaluation.resource, objects=objects, restarts=restarts, restart_reason=reason)


def _says_the_same(change: Change) -> bool:
    """Whether nothing changes: a resource of `1` and `"1"`, an empty struct or default that the API server and the NIM
    Operator add, or a label or annotation that the operator doesn't write."""
    old = change.old.value
    if not change.new.exists:
        return change.path.startswith(_OF_OTHERS) or old in _EMPTY or _ADDED_DEFAULTS.get(change.path) == old
    return (
        change.old.exists
        and change.path.startswith("spec.resources.")
        and quantity.is_equal(str(old), str(change.new.value))
    )


def _compared(nimservice: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping(nimservice.get("metadata")).items() if key not in _NOT_COMPARED}


def _restart(before: Mapping[str, Any], after: Mapping[str, Any], paths: Iterable[str]) -> tuple[bool, str]:
    """Whether and why running pods are replaced when the operator writes its NIMService."""
    spec = mapping(before.get("spec"))
    if spec.get("replicas") == 0:
        return False, "scaled to zero"
    changed = [path for path in paths if path.startswith("spec.") and not path.startswith(_WITHOUT_RESTART)]
    if changed:
        return True, ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    if mapping(spec.get("annotations")).get(well_known.POD_HASH) != after["spec"]["annotations"][well_known.POD_HASH]:
        return True, f"the annotation {well_known.POD_HASH} is new"
    return False, "the pod template stays the same"
