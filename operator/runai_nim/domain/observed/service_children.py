"""Which objects belong to a RunaiNimService: their names, their label, and the controllers of its pods. Pure."""

from collections.abc import Mapping

from runai_nim.api import well_known
from runai_nim.api.resources import (
    AUTOSCALERS,
    CLAIMS,
    DEPLOYMENTS,
    LEADER_WORKER_SETS,
    NIM_CACHES,
    NIM_SERVICES,
    ROUTES,
    ObjectView,
    Resource,
)
from runai_nim.api.untrusted_values import mapping, word
from runai_nim.domain import names
from runai_nim.domain.observed.resource_tree import Node, nodes_below
from runai_nim.domain.observed.stored_object import controller_of


def child_names(service: ObjectView) -> Mapping[Resource, str]:
    """Names of the objects that the NIM Operator and the operator create for it, and of its NIMCache."""
    name = service["metadata"]["name"]
    model_store = mapping(mapping(service.get("spec")).get("modelStore"))
    named = {
        NIM_SERVICES: name,
        DEPLOYMENTS: name,
        LEADER_WORKER_SETS: name + well_known.LWS_SUFFIX,
        AUTOSCALERS: name,
        CLAIMS: word(mapping(service.get("status")).get("claimName")),
        NIM_CACHES: word(mapping(model_store.get("nimCache")).get("name")),
        **dict.fromkeys(ROUTES, names.route_name(name)),
    }
    return {kind: known for kind, known in named.items() if known}


def child_label(service: ObjectView) -> str:
    """Label selector of its ReplicaSets and pods: `runai-nim.io/service=llama`."""
    return f"{well_known.SERVICE_LABEL}={service['metadata']['name']}"


def pod_owners(tree: Node) -> frozenset[str] | None:
    """uids of the ReplicaSets whose pods belong to the tree, which was read without pods.

    None: the label of a pod decides alone, because the pods of a LeaderWorkerSet have other controllers, or because
    the controllers can't be read.
    """
    nodes = list(nodes_below(tree))
    for node in nodes:
        if node.kind == well_known.LWS_KIND or (node.kind in ("Deployment", "ReplicaSet") and not node.uid):
            return None
    return frozenset(node.uid for node in nodes if node.kind == "ReplicaSet")


def is_pod_of(pod: ObjectView, owners: frozenset[str] | None) -> bool:
    """Whether a pod with the label belongs to the RunaiNimService with these `pod_owners`."""
    return owners is None or word(controller_of(pod).get("uid")) in owners
