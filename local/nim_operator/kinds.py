"""The Kubernetes kinds that the stand-in reads and writes, and the API paths of their objects."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A namespaced kind. `api_version` is that of its objects. An `optional` kind may not be installed."""

    api_version: str
    name: str
    plural: str
    optional: bool = False

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """API path of one object, of the objects in a namespace, or of all objects."""
        root = f"/{'api' if self.api_version == 'v1' else 'apis'}/{self.api_version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return "/".join(part for part in (f"{root}{scope}/{self.plural}", name, subresource) if part)


NIM_SERVICE = Kind("apps.nvidia.com/v1alpha1", "NIMService", "nimservices")
NIM_CACHE = Kind("apps.nvidia.com/v1alpha1", "NIMCache", "nimcaches")
SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
SERVICE = Kind("v1", "Service", "services")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
INGRESS = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
HTTP_ROUTE = Kind("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes", optional=True)
GRPC_ROUTE = Kind("gateway.networking.k8s.io/v1", "GRPCRoute", "grpcroutes", optional=True)
HPA = Kind("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
SERVICE_MONITOR = Kind("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors", optional=True)
LEADER_WORKER_SET = Kind("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", "leaderworkersets", optional=True)
CLAIM = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
SECRET = Kind("v1", "Secret", "secrets")
EVENT = Kind("v1", "Event", "events")
POD = Kind("v1", "Pod", "pods")

MANAGED_BY = ("app.kubernetes.io/managed-by", "k8s-nim-operator")
MANAGED = "=".join(MANAGED_BY)
