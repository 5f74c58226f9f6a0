"""Conflicts before the first write: objects with names that the NIM Operator uses, and the host of a route."""

from collections.abc import Iterable, Mapping
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, mappings, word
from runai_nim.domain.observed import ObjectView, hosts_of
from runai_nim.domain.plan.ownership import is_ours
from runai_nim.domain.plan.write import Write
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding


def names_to_check(nimservice: Write | None) -> tuple[str, ...]:
    """Names that the NIM Operator will use or delete for a NIMService to be created; empty for an existing one."""
    if nimservice is None or nimservice.resource_version is not None:
        return ()
    name = nimservice.manifest["metadata"]["name"]
    return (name, name + well_known.NIM_PICKER_SUFFIX)


def check_names(name: str, objects: Iterable[tuple[str, ObjectView]]) -> Finding | None:
    """Find foreign objects that the NIM Operator would overwrite or delete, or that would make it fail.

    `objects`: kind and metadata of the existing objects. Objects owned by a NIMService of this name are the NIM
    Operator's own and are waiting for the garbage collector.
    """
    for kind, obj in objects:
        if not _belongs_to_nimservice(obj, name):
            rule = (
                f"not conflict with the existing {kind} {obj['metadata']['name']}, which the NIM Operator would"
                " delete or overwrite, or which would block it forever"
            )
            remedy = f"create this RunaiNimService under another name, or rename the {kind}"
            return Finding(reason=Reason.NAME_CONFLICT, path="metadata.name", value=name, must=rule, remedy=remedy)
    return None


def _belongs_to_nimservice(obj: ObjectView, name: str) -> bool:
    nimservice = well_known.NIM_GROUP, well_known.NIMSERVICE_KIND, name
    return any(
        (word(owner.get("apiVersion")).partition("/")[0], owner.get("kind"), owner.get("name")) == nimservice
        for owner in mappings(mapping(obj.get("metadata")).get("ownerReferences"))
    )


def host_to_check(cr: Mapping[str, Any], route: Write | None, routes: Mapping[str, Mapping[str, Any]]) -> str:
    """The host of the planned `route` that none of the operator's `routes` has yet; empty without one."""
    if route is None:
        return ""
    ours = [live for live in routes.values() if is_ours(cr, live)]
    new = hosts_of(route.manifest).difference(*(hosts_of(live) for live in ours))
    return next(iter(new), "")


def host_taken_finding(host: str, url: str | None, holder: str) -> Finding:
    """The finding for a taken host. For confidentiality it names the kind, but no object of another namespace."""
    article = "an" if holder[0] in "AEIOH" else "a"
    rule = f"not use the host {host}, because {article} {holder} in another namespace uses it"
    remedy = "choose another host"
    return Finding(reason=Reason.HOST_TAKEN, path="spec.servingPort.exposedUrl", value=url, must=rule, remedy=remedy)
