"""Evaluates manifests: the objects that the operator would write for each, and diagnostics."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from runai_nim.api.resources import ObjectView
from runai_nim.cli.diagnostic import Diagnostic
from runai_nim.cli.manifests import Manifest
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.domain.admission.evaluation import evaluate
from runai_nim.domain.decision_input import DecisionInput
from runai_nim.domain.translate import Desired


@dataclass(frozen=True, slots=True)
class ManifestEvaluation:
    """A RunaiNimService as the API server would store it, and the objects that should exist for it."""

    manifest: Manifest
    decision_input: DecisionInput
    desired: Desired
    diagnostics: tuple[Diagnostic, ...]

    @property
    def cr(self) -> ObjectView:
        """The RunaiNimService as the API server would store it."""
        return self.decision_input.resource

    @property
    def resource(self) -> str:
        """`<namespace>/<name>`."""
        return resource_of(self.cr)

    @property
    def objects(self) -> tuple[dict[str, Any], ...]:
        """The objects that the operator would write, the NIMService first; empty for a resource with errors."""
        manifests = (self.desired.nimservice, self.desired.claim, self.desired.route)
        return tuple(_without_empty_uids(manifest) for manifest in manifests if manifest is not None)


def evaluate_all(
    manifests: Iterable[Manifest | Diagnostic], offline: OfflineContext
) -> Iterator[ManifestEvaluation | Diagnostic]:
    """Evaluate each manifest; diagnostics are passed through."""
    for one in manifests:
        yield one if isinstance(one, Diagnostic) else evaluate_manifest(one, offline.decision_input(one.value))


def evaluate_manifest(manifest: Manifest, decision_input: DecisionInput) -> ManifestEvaluation:
    """Evaluate a manifest with the decision input that was made from it."""
    desired = evaluate(manifest.value, decision_input)
    resource = resource_of(decision_input.resource)
    remarks = tuple(manifest.diagnostic(finding, resource) for finding in desired.findings)
    return ManifestEvaluation(manifest, decision_input, desired, remarks)


def resource_of(cr: ObjectView) -> str:
    """`<namespace>/<name>` of a RunaiNimService."""
    return f"{cr['metadata']['namespace']}/{cr['metadata']['name']}"


def _without_empty_uids(manifest: dict[str, Any]) -> dict[str, Any]:
    """Remove empty uids from owner references: a resource that was never stored has no uid."""
    metadata = manifest["metadata"]
    if not metadata.get("ownerReferences"):
        return manifest
    owners = [{k: v for k, v in owner.items() if k != "uid" or v} for owner in metadata["ownerReferences"]]
    return {**manifest, "metadata": {**metadata, "ownerReferences": owners}}
