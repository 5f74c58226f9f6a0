"""What the operator may do in a cluster, as one table: deploy/rbac.yaml and the chart's rules are written from it.

Data only. What is not here the operator does not ask for: no Secret, no pod's life, no RBAC object, no webhook.
"""

from dataclasses import dataclass
from typing import Final, Literal

from runai_nim import keys

_SEE: Final = ("list", "watch")
_KEEP: Final = ("list", "watch", "create", "patch", "delete")
_OWNED: Final = (
    "delete: the API server asks for it before an owner is set on an object that is there already; "
    "the operator itself deletes none"
)


@dataclass(frozen=True, slots=True)
class Permission:
    """Verbs on one resource (`pods`, or with a subresource `pods/log`), and what they are for.

    scope: in every namespace, or in the namespace that the operator runs in.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str
    scope: Literal["cluster", "own namespace"] = "cluster"


PERMISSIONS: Final[tuple[Permission, ...]] = (
    Permission(keys.GROUP, keys.PLURAL, ("get", *_SEE), "the resources that it serves"),
    Permission(keys.GROUP, f"{keys.PLURAL}/status", ("patch",), "their status"),
    Permission(
        keys.GROUP, f"{keys.PLURAL}/finalizers", ("update",), "for owner references that block the owner's deletion"
    ),
    Permission(
        keys.NIM_GROUP,
        keys.NIMSERVICE_PLURAL,
        ("get", *_KEEP),
        f"what a RunaiNimService becomes ({_OWNED})",
    ),
    Permission(keys.NIM_GROUP, keys.NIMCACHE_PLURAL, _SEE, "whether a model is cached"),
    Permission("", "persistentvolumeclaims", _KEEP, f"model stores ({_OWNED})"),
    Permission("", "namespaces", _SEE, "the project of a namespace, and whether it is being deleted"),
    Permission("", "services", _SEE, "whether the NIM Operator has seen a spec"),
    Permission("", "pods", _SEE, "why a pod is not ready"),
    Permission("", "events", ("create", "patch"), "events on the resources"),
    Permission("apps", "deployments", _SEE, "replicas"),
    Permission(keys.LWS_GROUP, "leaderworkersets", _SEE, "replicas on several nodes"),
    Permission("networking.k8s.io", "ingresses", _KEEP, "routes of exposedUrl"),
    Permission(keys.GATEWAY_GROUP, "httproutes", _KEEP, "routes of exposedUrl"),
    Permission(keys.GATEWAY_GROUP, "grpcroutes", _KEEP, "routes of exposedUrl"),
    Permission("apiextensions.k8s.io", "customresourcedefinitions", _SEE, "Kopf learns from these when a kind appears"),
    Permission(
        "coordination.k8s.io",
        "leases",
        ("get", "create", "patch"),
        "the Lease that says which replica writes",
        "own namespace",
    ),
)
"""Every permission, and no other: a verb that is missing is a 403 in the tests, where the operator has only these."""
