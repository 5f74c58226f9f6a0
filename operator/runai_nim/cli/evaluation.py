"""Manifests → what the operator would make of each, and every remark on the way. No output, no cluster."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from runai_nim.cli.diagnostic import Remark
from runai_nim.cli.manifests import Manifest
from runai_nim.cli.offline_context import Assumed
from runai_nim.domain.admission.evaluation import judge
from runai_nim.domain.translate import Context, Desired


@dataclass(frozen=True, slots=True)
class Decided:
    """A RunaiNimService as the API server would have it, and what should exist for it."""

    manifest: Manifest
    cr: dict[str, Any]
    context: Context
    desired: Desired
    remarks: tuple[Remark, ...]

    @property
    def resource(self) -> str:
        """`<namespace>/<name>`."""
        return resource_of(self.cr)

    @property
    def objects(self) -> tuple[dict[str, Any], ...]:
        """What would be written, the NIMService first; nothing for a resource with errors."""
        found = (self.desired.nimservice, self.desired.claim, self.desired.route)
        return tuple(_readable(manifest) for manifest in found if manifest is not None)


def decide(found: Iterable[Manifest | Remark], assumed: Assumed) -> Iterator[Decided | Remark]:
    """Each manifest decided; remarks are passed on."""
    for one in found:
        yield one if isinstance(one, Remark) else decide_one(one, assumed)


def decide_one(manifest: Manifest, assumed: Assumed, uid: str = "") -> Decided:
    """What the operator would make of any manifest; `uid` is that of the stored one."""
    judged = judge(manifest.value, assumed.namespace, assumed.context, uid)
    resource = resource_of(judged.cr)
    remarks = tuple(manifest.remark(finding, resource) for finding in judged.findings)
    return Decided(manifest, judged.cr, assumed.context, judged.desired, remarks)


def resource_of(cr: dict[str, Any]) -> str:
    """`<namespace>/<name>` of a RunaiNimService."""
    return f"{cr['metadata']['namespace']}/{cr['metadata']['name']}"


def _readable(manifest: dict[str, Any]) -> dict[str, Any]:
    """A resource that was never stored has no uid, so that none is shown in the owner reference."""
    metadata = manifest["metadata"]
    if not metadata.get("ownerReferences"):
        return manifest
    owners = [{k: v for k, v in owner.items() if k != "uid" or v} for owner in metadata["ownerReferences"]]
    return {**manifest, "metadata": {**metadata, "ownerReferences": owners}}
