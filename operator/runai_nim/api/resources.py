"""The Kubernetes resources that this package reads or writes, and the types of objects and keys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from runai_nim.api import well_known

KubeObject = dict[str, Any]
"""An object in the API's JSON representation."""
ObjectView = Mapping[str, Any]
"""The same, read-only."""
ObjectKey = tuple[str, str]
"""Namespace (empty for cluster-scoped objects) and name: `("team-a", "llama")`."""


def object_key(obj: ObjectView) -> ObjectKey:
    """The key of an object as the API returns it."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of the API; `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The URL path of one object or of a list, in one namespace or in all."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        return "/" + "/".join(parts)


RUNAI_NIM_POLICIES: Final = Resource(well_known.GROUP, well_known.VERSION, "runainimpolicies", "RunaiNimPolicy")
CLUSTER_RUNAI_NIM_POLICIES: Final = Resource(
    well_known.GROUP, well_known.VERSION, "clusterrunainimpolicies", "ClusterRunaiNimPolicy", namespaced=False
)
RUNAI_NIM_SERVICES: Final = Resource(well_known.GROUP, well_known.VERSION, well_known.PLURAL, well_known.KIND)
NIM_SERVICES: Final = Resource(
    well_known.NIM_GROUP, well_known.NIM_VERSION, well_known.NIMSERVICE_PLURAL, well_known.NIMSERVICE_KIND
)
NIM_CACHES: Final = Resource(
    well_known.NIM_GROUP, well_known.NIM_VERSION, well_known.NIMCACHE_PLURAL, well_known.NIMCACHE_KIND
)
DEPLOYMENTS: Final = Resource("apps", "v1", "deployments", "Deployment")
REPLICA_SETS: Final = Resource("apps", "v1", "replicasets", "ReplicaSet")
SERVICES: Final = Resource("", "v1", "services", "Service")
CLAIMS: Final = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
NAMESPACES: Final = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
PODS: Final = Resource("", "v1", "pods", "Pod")
EVENTS: Final = Resource("", "v1", "events", "Event")
LEADER_WORKER_SETS: Final = Resource(well_known.LWS_GROUP, "v1", "leaderworkersets", well_known.LWS_KIND)
INGRESSES: Final = Resource("networking.k8s.io", "v1", "ingresses", well_known.INGRESS_KIND)
HTTP_ROUTES: Final = Resource(well_known.GATEWAY_GROUP, "v1", "httproutes", well_known.HTTP_ROUTE_KIND)
GRPC_ROUTES: Final = Resource(well_known.GATEWAY_GROUP, "v1", "grpcroutes", well_known.GRPC_ROUTE_KIND)
SERVICE_ACCOUNTS: Final = Resource("", "v1", "serviceaccounts", "ServiceAccount")
ROLES: Final = Resource(well_known.RBAC_GROUP, "v1", "roles", "Role")
ROLE_BINDINGS: Final = Resource(well_known.RBAC_GROUP, "v1", "rolebindings", "RoleBinding")
AUTOSCALERS: Final = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
PRIORITY_CLASSES: Final = Resource("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", namespaced=False)
CONTROLLER_REVISIONS: Final = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")

ROUTES: Final = (INGRESSES, HTTP_ROUTES, GRPC_ROUTES)
"""The resources that can be a RunaiNimService's route."""
