"""Finds the objects of one kind in documents, including items of Lists."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.api import well_known
from runai_nim.cli.diagnostic import Diagnostic, Position
from runai_nim.cli.documents import Document, read_documents
from runai_nim.cli.input_files import InputText, read_input
from runai_nim.domain.validate import Finding


@dataclass(frozen=True, slots=True)
class Manifest:
    """A RunaiNimService, or an object of another kind that was asked for, as written, and its position."""

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

    def problem(self, message: str) -> Diagnostic:
        """A diagnostic about the whole object, which can't be used."""
        return Diagnostic(self.document.file, self.position, message)

    def skipped(self) -> Diagnostic:
        """A note that the object is of no use here."""
        metadata = self.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        shown = f"{self.value['kind']} {name}" if isinstance(name, str) else self.value["kind"]
        return Diagnostic(
            self.document.file, position=self.position, message=f"skipped {shown}", severity="note", reason="Skipped"
        )


def read_manifests(
    arguments: Iterable[str], kind: str = well_known.KIND, others: Collection[str] = ()
) -> Iterator[Manifest | Diagnostic]:
    """All objects of this kind, and of `others`, that `-f` names; other documents become notes.

    Each `-f` must contain one of this kind or of `others`.
    """
    for argument in arguments:
        holds_one = failed = False
        for text in read_input(argument):
            for found in manifests_in(text, kind, others):
                yield found
                holds_one |= isinstance(found, Manifest)
                failed |= isinstance(found, Diagnostic) and found.severity == "error"
        if not holds_one and not failed:
            message = f"must contain a {kind}: it contains none"
            yield Diagnostic(argument, Position(), message)


def manifests_in(
    text: InputText, kind: str = well_known.KIND, others: Collection[str] = ()
) -> Iterator[Manifest | Diagnostic]:
    """All objects of this kind, and of `others`, in a text; other documents become notes."""
    for document in read_documents(text):
        yield from _manifests_in_document(document, {kind, *others})


def _manifests_in_document(document: Document | Diagnostic, kinds: Collection[str]) -> Iterator[Manifest | Diagnostic]:
    if isinstance(document, Diagnostic):
        yield document
        return
    for value, position in objects_in(document):
        yield _classify(document, value, position=position, kinds=kinds)


def objects_in(document: Document) -> Iterator[tuple[Any, Position]]:
    """The object of a document, or the items of a List, with their positions."""
    items = document.value.get("items") if isinstance(document.value, dict) else None
    if isinstance(items, list) and str(document.value.get("kind", "")).endswith("List"):
        places = document.positions[id(items)]
        yield from ((item, places[index]) for index, item in enumerate(items))
    else:
        yield document.value, document.position


def _classify(document: Document, value: Any, *, position: Position, kinds: Collection[str]) -> Manifest | Diagnostic:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        message = "must be a Kubernetes object, with apiVersion and kind: correct or remove it"
        return Diagnostic(document.file, position, message, reason="InvalidObject")
    manifest = Manifest(document, value, position)
    return manifest if value["kind"] in kinds else manifest.skipped()
