"""What others may have before the first write: names that the NIM Operator takes, the host of a route. Pure."""

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
    """The names that the NIM Operator will take, or free, for a NIMService that is to be created; none for others."""
    if nimservice is None or nimservice.resource_version is not None:
        return ()
    name = nimservice.manifest["metadata"]["name"]
    return (name, name + well_known.NIM_PICKER_SUFFIX)


def check_names(name: str, objects: Iterable[tuple[str, ObjectView]]) -> Finding | None:
    """The NIM Operator overwrites, deletes or stumbles over what has its names, whoever made it.

    `objects`: kind and metadata of what there is. What a NIMService of this name owns is the NIM Operator's own, left
    by one that the garbage collector has not caught up with.
    """
    for kind, obj in objects:
        if not _belongs_to_nimservice(obj, name):
            rule = (
                f"not make the NIM Operator take the name of {kind} {obj['metadata']['name']}, which no NIMService of"
                " this name owns: it would delete it, overwrite it, or wait for ever"
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
    """The host that the planned `route` would have and none of our `routes` has; empty when there is none."""
    if route is None:
        return ""
    ours = [live for live in routes.values() if is_ours(cr, live)]
    new = hosts_of(route.manifest).difference(*(hosts_of(live) for live in ours))
    return next(iter(new), "")


def host_taken_finding(host: str, url: str | None, holder: str) -> Finding:
    """Says so of a kind that holds it; which object of another namespace that is is nobody's business."""
    article = "an" if holder[0] in "AEIOH" else "a"
    rule, remedy = f"not have the host {host}, which {article} {holder} of another namespace has", "choose another host"
    return Finding(reason=Reason.HOST_TAKEN, path="spec.servingPort.exposedUrl", value=url, must=rule, remedy=remedy)
