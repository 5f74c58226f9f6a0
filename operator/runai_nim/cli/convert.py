"""`runai-nim convert`: a body of Run:ai's "NVIDIA NIM" REST API → a manifest, with comments where a person decides.

The spec is taken over as it is; what is wrong with it is said by the rules of `validate`, about the manifest.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.cli import terminal
from runai_nim.cli.diagnostic import CommandError, Remark, exit_code
from runai_nim.cli.documents import Document, documents_of, only_document
from runai_nim.cli.evaluation import decide_one
from runai_nim.cli.input_files import Text
from runai_nim.cli.manifests import Manifest
from runai_nim.cli.offline_context import Assumed
from runai_nim.cli.yaml_text import yaml_of
from runai_nim.domain.admission.rest_body import SET_BY_RUNAI, check_body, make_manifest

_TELLING: Final = frozenset({"image", "modelStore", "servingPort"})
"""Any of these fields says that a mapping is a spec."""


def convert(argument: str, name: str | None, namespace: str | None, assumed: Assumed) -> int:
    """Write the manifest; the exit code. Raises CommandError for what is no body of that API."""
    document = only_document(argument)
    body = _body_of(document)
    asked = dict(_mapping(document, body, "metadata"))
    if name:
        asked |= {"name": name, "useGivenNameAsPrefix": False}
    manifest = make_manifest({**body, "metadata": asked, "spec": _mapping(document, body, "spec")}, namespace)
    head = _head(manifest["metadata"], asked, assumed.context.settings.project_labels[:1])
    text = "\n".join(head) + "\n" + yaml_of({"spec": manifest["spec"]})
    terminal.write(text)
    remarks = [*_about_body(document, body), *_findings(text, assumed)]
    if left_out := [field for field in asked if field in SET_BY_RUNAI]:
        terminal.say(f"left out, since Run:ai sets it: {', '.join(left_out)}")
    terminal.say_remarks(remarks)
    return exit_code(remarks)


def _body_of(document: Document) -> Mapping[str, Any]:
    """The body; a spec alone is made one."""
    value = document.value
    if not isinstance(value, Mapping):
        raise CommandError(f"{document.file} must hold a body of Run:ai's REST API: a mapping of metadata and spec")
    if "kind" in value:
        raise CommandError(f"{document.file} must hold a body of Run:ai's REST API: it holds a Kubernetes object")
    if "spec" in value:
        return value
    known = {str(field.alias) for field in RunaiNimServiceSpec.model_fields.values()}
    if _TELLING & value.keys() and value.keys() <= known:
        return {"spec": value}
    raise CommandError(f"{document.file} must hold a body of Run:ai's REST API: it has no spec")


def _mapping(document: Document, body: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found = body.get(field)
    if not isinstance(found, Mapping | None):
        place = document.locate(field)
        raise CommandError(f"{document.file}:{place.line}:{place.column}: {field} must be a mapping")
    return found or {}


def _head(metadata: Mapping[str, Any], asked: Mapping[str, Any], labels: tuple[str, ...]) -> Iterator[str]:
    yield f"apiVersion: {well_known.API_VERSION}"
    yield f"kind: {well_known.KIND}"
    yield "metadata:"
    yield from (f"  {line}" for line in (yaml_of(metadata).splitlines() if metadata else ()))
    if "generateName" in metadata:
        yield "  # The API server completes the name: use kubectl create, since kubectl apply needs a name."
    if asked.get("name") is None:
        yield "  # name: choose one."
    if "namespace" not in metadata:
        project = f"Run:ai's project {asked['projectId']!r}" if "projectId" in asked else "the Run:ai project"
        listing = "".join(f"; kubectl get namespaces -L {label} lists them" for label in labels)
        yield _comment(f"namespace: that of {project}{listing}.")
    if "clusterId" in asked:
        yield _comment(f"It was for the cluster that Run:ai calls {asked['clusterId']!r}: use that kubectl context.")


def _comment(text: str) -> str:
    return "  # " + text.replace("\n", " ")


def _about_body(document: Document, body: Mapping[str, Any]) -> Iterator[Remark]:
    for found in check_body(body):
        place = document.locate(found.path)
        yield Remark(document.file, place, found.message, found.severity, str(found.reason), found.path)


def _findings(text: str, assumed: Assumed) -> Iterator[Remark]:
    for document in documents_of(Text("<stdout>", text)):
        if isinstance(document, Document):
            yield from decide_one(Manifest(document, document.value, document.position), assumed).remarks
