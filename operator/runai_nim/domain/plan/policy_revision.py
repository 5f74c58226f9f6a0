"""Plans the ControllerRevision that keeps what policies gave a spec, and the deletion of obsolete ones."""

from typing import Any

from runai_nim.domain.observed import ObservedState
from runai_nim.domain.plan.write import Deletion, Write


def policy_revision_write(manifest: dict[str, Any] | None, observed: ObservedState) -> Write | None:
    """The creation of the revision unless it exists."""
    if manifest is None or manifest["metadata"]["name"] in {found.name for found in observed.policy_revisions}:
        return None
    return Write(manifest, None)


def obsolete_policy_revisions(
    namespace: str, manifest: dict[str, Any] | None, observed: ObservedState
) -> tuple[Deletion, ...]:
    """The deletions of all other revisions of the RunaiNimService, once the NIMService is written."""
    wanted = None if manifest is None else manifest["metadata"]["name"]
    return tuple(
        Deletion(
            "ControllerRevision",
            namespace=namespace,
            name=found.name,
            uid=found.uid,
            resource_version=found.resource_version,
        )
        for found in observed.policy_revisions
        if found.name != wanted
    )
