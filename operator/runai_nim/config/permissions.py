"""RBAC permissions of the operator and the REST API, from which deploy/rbac.yaml and the chart's rules are generated.

They cover no Secrets, no ConfigMaps, no writes of pods, RBAC objects or webhooks.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from runai_nim.api import well_known

_READ_VERBS: Final = ("list", "watch")
_MANAGE_VERBS: Final = ("list", "watch", "create", "patch", "delete")
_NAME_CHECK: Final = "whether a name is free, before the first write"
_ROUTES: Final = f"routes of exposedUrl, and whether another namespace uses the same host (get: {_NAME_CHECK})"
_GET: Final = ("get",)
_DELETE_NOTE: Final = (
    "delete: the API server requires it to set or remove an owner of an existing object; the operator itself deletes "
    "none"
)


@dataclass(frozen=True, slots=True)
class Permission:
    """Verbs on one resource (`pods`, or a subresource such as `pods/log`), and their purpose.

    scope: every served namespace, or the operator's own namespace. listed: the verbs in a namespace of
    `settings.namespaces`, with a Role in each; None: the same verbs. name: the only object that they apply to; empty:
    all. optional: verbs without which the operator still serves; `why` says what it then can't do.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str
    scope: Literal["cluster", "own namespace"] = "cluster"
    listed_scope_verbs: tuple[str, ...] | None = None
    name: str = ""
    optional: tuple[str, ...] = ()

    @property
    def listed_namespace_verbs(self) -> tuple[str, ...]:
        """The verbs in a namespace of `settings.namespaces`."""
        return self.verbs if self.listed_scope_verbs is None else self.listed_scope_verbs


class Access(NamedTuple):
    """One verb on one resource in one namespace; an empty namespace or name means all."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str = ""

    def __str__(self) -> str:
        """In kubectl's notation: `list nimservices.apps.nvidia.com in namespace team-a`."""
        group = f".{self.group}" if self.group else ""
        name = f" {self.name}" if self.name else ""
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.resource}{group}{name}{where}"

    @property
    def optional(self) -> bool:
        """Whether the operator serves without it."""
        return self[:3] in _OPTIONAL


PERMISSIONS: Final[tuple[Permission, ...]] = (
    Permission(well_known.GROUP, well_known.PLURAL, ("get", *_READ_VERBS), "the resources to reconcile"),
    Permission(well_known.GROUP, f"{well_known.PLURAL}/status", ("patch",), "their status"),
    Permission(
        well_known.GROUP,
        f"{well_known.PLURAL}/finalizers",
        ("update",),
        "for owner references that block the owner's deletion",
    ),
    Permission(well_known.GROUP, "runainimpolicies", _READ_VERBS, "the policies of projects"),
    Permission(well_known.GROUP, "runainimpolicies/status", ("patch",), "their status"),
    Permission(
        well_known.GROUP,
        resource="clusterrunainimpolicies",
        verbs=_READ_VERBS,
        why="the policies of the cluster and of departments",
        # A Role can't allow it, and where namespaces are listed the operator has no ClusterRole.
        listed_scope_verbs=(),
    ),
    Permission(
        well_known.GROUP,
        resource="clusterrunainimpolicies/status",
        verbs=("patch",),
        why="their status",
        listed_scope_verbs=(),
    ),
    Permission(
        "apps",
        "controllerrevisions",
        _MANAGE_VERBS,
        "what policies gave a spec when it was accepted, so that a change of a policy restarts no model",
    ),
    Permission(
        well_known.NIM_GROUP,
        well_known.NIMSERVICE_PLURAL,
        ("get", *_MANAGE_VERBS),
        f"the NIMServices of RunaiNimServices ({_DELETE_NOTE})",
    ),
    Permission(well_known.NIM_GROUP, well_known.NIMCACHE_PLURAL, ("get", *_READ_VERBS), "whether a model is cached"),
    Permission("", "persistentvolumeclaims", ("get", *_MANAGE_VERBS), f"model stores ({_DELETE_NOTE})"),
    Permission(
        "",
        "namespaces",
        _READ_VERBS,
        "the project of a namespace, and whether it is being deleted",
        listed_scope_verbs=("get",),
    ),
    Permission(
        "",
        "services",
        ("get", *_READ_VERBS),
        f"whether the NIM Operator has processed a spec (get: {_NAME_CHECK})",
        optional=_GET,
    ),
    Permission("", "pods", _READ_VERBS, "why a pod is not ready"),
    Permission(
        "",
        "events",
        ("list", "create", "patch"),
        "events on the resources; list: why a pod with a node is not started, or a claim has no volume, read while that"
        " lasts",
        optional=("list",),
    ),
    Permission("apps", "deployments", ("get", *_READ_VERBS), f"replicas (get: {_NAME_CHECK})", optional=_GET),
    Permission(well_known.LWS_GROUP, "leaderworkersets", _READ_VERBS, "replicas on several nodes"),
    Permission("networking.k8s.io", "ingresses", ("get", *_MANAGE_VERBS), _ROUTES, optional=_GET),
    Permission(well_known.GATEWAY_GROUP, "httproutes", ("get", *_MANAGE_VERBS), _ROUTES, optional=_GET),
    Permission(well_known.GATEWAY_GROUP, "grpcroutes", ("get", *_MANAGE_VERBS), _ROUTES, optional=_GET),
    Permission("", "serviceaccounts", _GET, _NAME_CHECK, optional=_GET),
    Permission(well_known.RBAC_GROUP, "roles", _GET, _NAME_CHECK, optional=_GET),
    Permission(well_known.RBAC_GROUP, "rolebindings", _GET, _NAME_CHECK, optional=_GET),
    Permission(
        "autoscaling",
        "horizontalpodautoscalers",
        ("get", *_READ_VERBS),
        f"why autoscaling does nothing (get: {_NAME_CHECK})",
        optional=("get", *_READ_VERBS),
    ),
    Permission(
        "scheduling.k8s.io",
        resource="priorityclasses",
        verbs=_GET,
        why="whether the PriorityClass behind a priority exists",
        # A Role can't allow it, and where namespaces are listed the operator has no ClusterRole.
        listed_scope_verbs=(),
        optional=_GET,
    ),
    Permission(
        "coordination.k8s.io",
        resource="leases",
        verbs=("get", "create", "patch"),
        why="the Lease for leader election",
        scope="own namespace",
        # Server-side apply has the name in the URL even for a create, so RBAC can restrict it by name.
        name=well_known.FIELD_MANAGER,
    ),
)
"""Every permission of the operator. The tests run with exactly these, so a missing verb is a 403 there."""

_OPTIONAL: Final = {(verb, one.group, one.resource) for one in PERMISSIONS for verb in one.optional}

REST_PERMISSIONS: Final[tuple[Permission, ...]] = (
    Permission("", "namespaces", _READ_VERBS, "the project of a namespace, and the uid that identifies the cluster"),
    Permission(well_known.GROUP, "runainimpolicies", _READ_VERBS, "policies for workloads, whoever the caller is"),
    Permission(well_known.GROUP, "clusterrunainimpolicies", _READ_VERBS, "the same of the cluster"),
    Permission(
        well_known.GROUP,
        well_known.PLURAL,
        _READ_VERBS,
        "namespace and name behind the id of a workload; the process asks for the metadata only",
    ),
)
"""Permissions of the REST API's own identity. It reads and writes workloads with the caller's token, and policies,
too, where a caller asks for them."""


def required_access(namespaces: Collection[str], lease_namespace: str | None) -> Iterator[Access]:
    """Every access that the operator needs: in all or the given namespaces, and to its Lease if it has one."""
    for permission in PERMISSIONS:
        verbs = permission.verbs
        places = namespaces or ("",)
        if permission.scope == "own namespace":
            places = (lease_namespace,) if lease_namespace else ()
        elif namespaces:
            verbs = permission.listed_namespace_verbs
        for place in places:
            for verb in verbs:
                yield Access(
                    verb,
                    group=permission.group,
                    resource=permission.resource,
                    namespace=place,
                    name=permission.name,
                )
