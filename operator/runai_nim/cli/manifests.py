"""Finds the RunaiNimServices in documents, including items of Lists."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.api import well_known
from runai_nim.cli.diagnostic import Diagnostic, Position
from runai_nim.cli.documents import Document, read_documents
from runai_nim.cli.input_files import read_input
from runai_nim.domain.validate import Finding


@dataclass(frozen=True, slots=True)
class Manifest:
    """A RunaiNimService as written, and its position."""

    document: Document
    value: Mapping[str, Any]
    position: Position

    def diagnostic(self, finding: Finding, resource: str) -> Diagnostic:
        """A diagnostic at the position of the field or of the nearest enclosing value."""
        return Diagnostic(
            file=self.document.file,
            position=self.document.locate(finding.path, self.value, self.position),
            message=finding.message,
            severity=finding.severity,
            reason=str(finding.reason),
            path=finding.path,
            resource=resource,
        )


def read_manifests(arguments: Iterable[str]) -> Iterator[Manifest | Diagnostic]:
    """All RunaiNimServices that `-f` names; other documents become notes. Each `-f` must contain one."""
    for argument in arguments:
        holds_one = failed = False
        for text in read_input(argument):
            for document in read_documents(text):
                for found in _manifests_in(document):
                    yield found
                    holds_one |= isinstance(found, Manifest)
                    failed |= isinstance(found, Diagnostic) and found.severity == "error"
        if not holds_one and not failed:
            message = f"must contain a {well_known.KIND}: it contains none"
            yield Diagnostic(argument, Position(), message)


def _manifests_in(document: Document | Diagnostic) -> Iterator[Manifest | Diagnostic]:
    if isinstance(document, Diagnostic):
        yield document
        return
    items = document.value.get("items") if isinstance(document.value, dict) else None
    if isinstance(items, list) and str(document.value.get("kind", "")).endswith("List"):
        places = document.positions[id(items)]
        for index, item in enumerate(items):
            yield _classify(document, item, places[index])
    else:
        yield _classify(document, document.value, document.position)


def _classify(document: Document, value: Any, position: Position) -> Manifest | Diagnostic:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        message = "must be a Kubernetes object, with apiVersion and kind: correct or remove it"
        return Diagnostic(document.file, position, message, reason="InvalidObject")
    if value["kind"] == well_known.KIND:
        return Manifest(document, value, position)
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    shown = f"{value['kind']} {name}" if isinstance(name, str) else value["kind"]
    return Diagnostic(document.file, position=position, message=f"skipped {shown}", severity="note", reason="Skipped")
