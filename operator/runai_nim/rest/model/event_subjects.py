"""Which events are about a RunaiNimService: those of the objects that `runai-nim status` shows."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.domain.observed.resource_tree import Node, nodes_below
from runai_nim.domain.observed.service_children import child_names
from runai_nim.rest.model.listed_event import seen_at
from runai_nim.rest.model.timestamps import moment


@dataclass(frozen=True, slots=True)
class EventSubjects:
    """The objects by uid, and by kind and name those that the caller may not read.

    A name may have belonged to an earlier object, so its events count from `since` on only.
    """

    uids: frozenset[str]
    names: frozenset[tuple[str, str]]
    replica_sets: re.Pattern[str] | None
    since: datetime | None

    @classmethod
    def of(cls, service: ObjectView, tree: Node, *, pods: Collection[str], unread: Collection[str]) -> Self:
        """Of a tree that was read without pods. `pods`: uids of its pods; `unread`: kinds that may not be read."""
        nodes = list(nodes_below(tree))
        name = service["metadata"]["name"]
        named = {(kind.kind, known) for kind, known in child_names(service).items() if kind.kind in unread}
        if well_known.LWS_KIND in (node.kind for node in nodes):
            # The StatefulSet of its leaders reports pods that are refused; it has the same name.
            named.add(("StatefulSet", name + well_known.LWS_SUFFIX))
        of_deployment = re.compile(rf"{re.escape(name)}-[a-z0-9]+") if "ReplicaSet" in unread else None
        uids = frozenset((*(node.uid for node in nodes if node.uid), *pods))
        return cls(uids, frozenset(named), of_deployment, moment(service["metadata"].get("creationTimestamp")))

    def include(self, event: ObjectView) -> bool:
        """Whether the event is about one of them."""
        about = mapping(event.get("involvedObject"))
        if word(about.get("uid")) in self.uids:
            return True
        kind = word(about.get("kind"))
        name = word(about.get("name"))
        is_replica_set = kind == "ReplicaSet" and self.replica_sets and self.replica_sets.fullmatch(name)
        if not is_replica_set and (kind, name) not in self.names:
            return False
        at = moment(seen_at(event))
        return at is not None and self.since is not None and at >= self.since
