"""Manifests → what the operator would make of each, and every remark on the way. No output, no cluster."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from runai_nim.cli.diagnostic import Diagnostic
from runai_nim.cli.manifests import Manifest
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.domain.admission.evaluation import evaluate
from runai_nim.domain.translate import Context, Desired


@dataclass(frozen=True, slots=True)
class ManifestEvaluation:
    """A RunaiNimService as the API server would have it, and what should exist for it."""

    manifest: Manifest
    cr: dict[str, Any]
    context: Context
    desired: Desired
    diagnostics: tuple[Diagnostic, ...]

    @property
    def resource(self) -> str:
        """`<namespace>/<name>`."""
        return resource_of(self.cr)

    @property
    def objects(self) -> tuple[dict[str, Any], ...]:
        """What would be written, the NIMService first; nothing for a resource with errors."""
        manifests = (self.desired.nimservice, self.desired.claim, self.desired.route)
        return tuple(_without_empty_uids(manifest) for manifest in manifests if manifest is not None)


def evaluate_all(
    manifests: Iterable[Manifest | Diagnostic], offline: OfflineContext
) -> Iterator[ManifestEvaluation | Diagnostic]:
    """Each manifest decided; remarks are passed on."""
    for one in manifests:
        yield one if isinstance(one, Diagnostic) else evaluate_manifest(one, offline)


def evaluate_manifest(manifest: Manifest, offline: OfflineContext, uid: str = "") -> ManifestEvaluation:
    """What the operator would make of any manifest; `uid` is that of the stored one."""
    evaluation = evaluate(manifest.value, offline.namespace, offline.context, uid)
    resource = resource_of(evaluation.cr)
    remarks = tuple(manifest.diagnostic(finding, resource) for finding in evaluation.findings)
    return ManifestEvaluation(manifest, evaluation.cr, offline.context, evaluation.desired, remarks)


def resource_of(cr: dict[str, Any]) -> str:
    """`<namespace>/<name>` of a RunaiNimService."""
    return f"{cr['metadata']['namespace']}/{cr['metadata']['name']}"


def _without_empty_uids(manifest: dict[str, Any]) -> dict[str, Any]:
    """A resource that was never stored has no uid, so that none is shown in the owner reference."""
    metadata = manifest["metadata"]
    if not metadata.get("ownerReferences"):
        return manifest
    owners = [{k: v for k, v in owner.items() if k != "uid" or v} for owner in metadata["ownerReferences"]]
    return {**manifest, "metadata": {**metadata, "ownerReferences": owners}}
