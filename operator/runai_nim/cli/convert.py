"""`runai-nim convert`: converts a body of Run:ai's "NVIDIA NIM" REST API to a manifest with comments.

The spec is copied unchanged; findings are those of `validate` about the manifest.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.cli import terminal
from runai_nim.cli.diagnostic import CommandError, Diagnostic, exit_code
from runai_nim.cli.documents import Document, read_documents, read_single_document
from runai_nim.cli.evaluation import evaluate_manifest
from runai_nim.cli.input_files import InputText
from runai_nim.cli.manifests import Manifest
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.cli.yaml_text import to_yaml
from runai_nim.domain.admission.rest_body import RUNAI_METADATA, check_rest_body, make_manifest

_SPEC_FIELDS: Final = frozenset({"image", "modelStore", "servingPort"})
"""Fields that identify a mapping as a spec."""


def convert(argument: str, name: str | None, namespace: str | None, offline: OfflineContext) -> int:
    """Write the manifest and return the exit code. Raises CommandError if the input is not a body of that API."""
    document = read_single_document(argument)
    body = _as_body(document)
    requested = dict(_mapping(document, body, "metadata"))
    if name:
        requested |= {"name": name, "useGivenNameAsPrefix": False}
    manifest = make_manifest({**body, "metadata": requested, "spec": _mapping(document, body, "spec")}, namespace)
    head = _header_comments(manifest["metadata"], requested, offline.settings.project_labels[:1])
    text = "\n".join(head) + "\n" + to_yaml({"spec": manifest["spec"]})
    terminal.write(text)
    remarks = [*body_diagnostics(Manifest(document, body, document.position)), *_manifest_diagnostics(text, offline)]
    if left_out := [field for field in requested if field in RUNAI_METADATA]:
        terminal.write_styled(f"ignored, because Run:ai sets it: {', '.join(left_out)}")
    terminal.write_diagnostics_to_stderr(remarks)
    return exit_code(remarks)


def _as_body(document: Document) -> Mapping[str, Any]:
    """The body; a spec on its own is wrapped."""
    value = document.value
    if not isinstance(value, Mapping):
        raise CommandError(f"{document.file} must contain a body of Run:ai's REST API: a mapping of metadata and spec")
    if "kind" in value:
        raise CommandError(f"{document.file} must contain a body of Run:ai's REST API: it contains a Kubernetes object")
    if "spec" in value:
        return value
    known = {str(field.alias) for field in RunaiNimServiceSpec.model_fields.values()}
    if _SPEC_FIELDS & value.keys() and value.keys() <= known:
        return {"spec": value}
    raise CommandError(f"{document.file} must contain a body of Run:ai's REST API: it has no spec")


def _mapping(document: Document, body: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = body.get(field)
    if not isinstance(value, Mapping | None):
        place = document.locate(field)
        raise CommandError(f"{document.file}:{place.line}:{place.column}: {field} must be a mapping")
    return value or {}


def _header_comments(
    metadata: Mapping[str, Any], requested: Mapping[str, Any], labels: tuple[str, ...]
) -> Iterator[str]:
    yield f"apiVersion: {well_known.API_VERSION}"
    yield f"kind: {well_known.KIND}"
    yield "metadata:"
    yield from (f"  {line}" for line in (to_yaml(metadata).splitlines() if metadata else ()))
    if "generateName" in metadata:
        yield "  # The API server generates the name: use kubectl create, because kubectl apply needs a name."
    if requested.get("name") is None:
        yield "  # name: choose one."
    if "namespace" not in metadata:
        project = f"Run:ai's project {requested['projectId']!r}" if "projectId" in requested else "the Run:ai project"
        listing = "".join(f"; kubectl get namespaces -L {label} lists them" for label in labels)
        yield _comment(f"namespace: set the one of {project}{listing}.")
    if "clusterId" in requested:
        yield _comment(
            f"The body names Run:ai's cluster {requested['clusterId']!r}: use the kubectl context of that cluster."
        )


def _comment(text: str) -> str:
    return "  # " + text.replace("\n", " ")


def body_diagnostics(body: Manifest) -> Iterator[Diagnostic]:
    """Findings about the parts of a body that can't be converted."""
    return (body.diagnostic(found, "") for found in check_rest_body(body.value))


def _manifest_diagnostics(text: str, offline: OfflineContext) -> Iterator[Diagnostic]:
    for document in read_documents(InputText("<stdout>", text)):
        if isinstance(document, Document):
            manifest = Manifest(document, document.value, document.position)
            yield from evaluate_manifest(manifest, offline.decision_input(document.value)).diagnostics
