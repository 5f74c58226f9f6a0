"""A scenario for each permission of the operator that fails without it."""

from collections.abc import Mapping
from typing import ClassVar

from local.cluster import OPERATOR_NAMESPACE, OPERATOR_USER, LocalCluster
from local.objects import Object, Objects, wait_for
from runai_nim.api import well_known
from tests.support.permissions import Permission
from tests.support.routes import BY_GATEWAY, BY_INGRESS, PORTS, url_of
from tests.support.services import CR, NIMSERVICE, present, sample, serve, settled


class Stage:
    """What a scenario has: the objects of its namespace, and its settings of the operator, as environment."""

    settings: Mapping[str, str] = {}

    def __init__(self, cluster: LocalCluster, objects: Objects) -> None:
        self.cluster, self.objects = cluster, objects

    def before(self) -> None:
        """With all permissions."""

    def act(self) -> None:
        """The scenario of one permission."""

    def after(self) -> None:
        """Remove what isn't in the namespace."""


class Started(Stage):
    """The operator lists and watches every kind from the start."""


class Made(Stage):
    """A model with a new claim."""

    def act(self) -> None:
        self.objects.apply(sample("gpu-portion"))


class Changed(Stage):
    """The operator sets an owner on an existing NIMService."""

    def before(self) -> None:
        serve(self.objects)
        self.objects.delete(CR, "llama-8b", "Orphan")
        wait_for(lambda: "ownerReferences" not in present(self.objects, NIMSERVICE, "llama-8b")["metadata"])

    def act(self) -> None:
        self.objects.apply(sample("gpu-portion"))


class Disposable(Stage):
    """The operator sets an owner on an existing claim when retentionPolicy becomes Delete."""

    def before(self) -> None:
        serve(self.objects)

    def act(self) -> None:
        store = sample("gpu-portion")["spec"]["modelStore"]["pvc"]
        self.objects.apply(sample("gpu-portion", modelStore={"pvc": {**store, "retentionPolicy": "Delete"}}))


class FromAClaim(Stage):
    """The operator reads a foreign claim by name."""

    store: ClassVar[Object] = {"pvc": {"existingPvc": True, "claimName": "weights"}}

    def act(self) -> None:
        self.objects.apply(sample("gpu-portion", modelStore=self.store))


class FromACache(FromAClaim):
    store: ClassVar[Object] = {"nimCache": {"name": "cache"}}


class Lost(Stage):
    """The operator recreates a manually deleted NIMService after it has confirmed that the resource exists."""

    def before(self) -> None:
        serve(self.objects)

    def act(self) -> None:
        self.objects.delete(NIMSERVICE, "llama-8b")


class Pulled(Lost):
    """Another field manager keeps changing a field, so the operator reads the object's managedFields."""

    def act(self) -> None:
        def pulled() -> bool:
            if present(self.objects, NIMSERVICE, "llama-8b")["spec"]["schedulerName"] != "theirs":
                self.objects.patch(NIMSERVICE, "llama-8b", {"spec": {"schedulerName": "theirs"}})
            requests = self.cluster.audit_log.requests(user=OPERATOR_USER)
            return any(request[1:3] == ("get", "nimservices") for request in requests if request.code == 403)

        wait_for(pulled)


class Stuck(Stage):
    """A pod has a node and doesn't start: its events are read. The model runs all the same."""

    def act(self) -> None:
        serve(self.objects)
        (pod,) = self.objects.list("v1 Pod", "runai-nim.io/service=llama-8b")
        waits = {"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"}
        conditions = [{"type": "PodScheduled", "status": "True"}, waits]
        # The counts of the Deployment stay what they are as long as the pod is Ready.
        ready = [{"type": type_, "status": "True"} for type_ in ("ContainersReady", "Ready")]
        status = {"phase": "Pending", "conditions": [*conditions, *ready]}
        self.objects.patch("v1 Pod", pod["metadata"]["name"], {"status": status}, "status")


class RoutedByIngress(Stage):
    """The operator creates a route."""

    settings: Mapping[str, str] = BY_INGRESS
    ports: ClassVar[Object] = {"port": 8000}

    def act(self) -> None:
        ports = {**self.ports, "exposedUrl": url_of(self.objects)}
        self.objects.apply(sample("gpu-portion", servingPort=ports))


class RoutedByGateway(RoutedByIngress):
    settings = BY_GATEWAY


class RoutedForGrpc(RoutedByGateway):
    ports: ClassVar[Object] = PORTS


class Unrouted(Stage):
    """The operator deletes the route of another scenario."""

    def before(self) -> None:
        super().act()
        settled(self.objects, "llama-8b", "Running")

    def act(self) -> None:
        self.objects.apply(sample("gpu-portion"))


class UnroutedByIngress(Unrouted, RoutedByIngress): ...


class UnroutedByGateway(Unrouted, RoutedByGateway): ...


class UnroutedForGrpc(Unrouted, RoutedForGrpc): ...


class Elected(Stage):
    """Replicas elect a leader with a Lease that doesn't exist at first."""

    settings: Mapping[str, str] = {
        "RUNAI_NIM_LEADER_ELECTION": "true",
        "RUNAI_NIM_LEASE_NAMESPACE": OPERATOR_NAMESPACE,
    }

    def before(self) -> None:
        self.cluster.operator.stop()
        self.cluster.kubectl("delete", "leases", "--all", f"--namespace={OPERATOR_NAMESPACE}")


class Bounded(Stage):
    """A policy concerns a model: its status is written, and what it gave is kept."""

    def bound(self, value: str) -> None:
        defaults = {"labels": {"instances": [{"name": "team", "value": value}]}}
        metadata = {"name": "team"}
        self.objects.apply({**POLICY, "metadata": metadata, "spec": {"defaults": defaults}})

    def before(self) -> None:
        self.bound("a")

    def act(self) -> None:
        self.objects.apply(sample("gpu-portion"))


class Rebounded(Bounded):
    """What a policy gave before goes once a changed spec has taken what it gives now."""

    def before(self) -> None:
        self.bound("a")
        serve(self.objects)

    def act(self) -> None:
        self.bound("b")
        self.objects.apply(sample("gpu-portion", replicas=2))


class BoundEverywhere(Stage):
    """A policy of the cluster has a status."""

    def act(self) -> None:
        self.objects.apply(EVERYWHERE)

    def after(self) -> None:
        self.objects.delete(CLUSTER_POLICY, "probe")


CLUSTER_POLICY = "runai-nim.io/v1alpha1 ClusterRunaiNimPolicy"
POLICY: Object = {"apiVersion": well_known.API_VERSION, "kind": "RunaiNimPolicy"}
EVERYWHERE: Object = {
    "apiVersion": well_known.API_VERSION,
    "kind": "ClusterRunaiNimPolicy",
    "metadata": {"name": "probe"},
    "spec": {"rules": {"replicas": {"max": 1000}}},
}
SEEN = (
    *(
        (well_known.GROUP, well_known.PLURAL),
        (well_known.GROUP, "runainimpolicies"),
        (well_known.GROUP, "clusterrunainimpolicies"),
        (well_known.NIM_GROUP, well_known.NIMSERVICE_PLURAL),
        (well_known.NIM_GROUP, well_known.NIMCACHE_PLURAL),
    ),
    *(("", plural) for plural in ("persistentvolumeclaims", "namespaces", "services", "pods")),
    *(
        ("apps", "deployments"),
        ("apps", "controllerrevisions"),
        (well_known.LWS_GROUP, "leaderworkersets"),
        ("networking.k8s.io", "ingresses"),
    ),
    *((well_known.GATEWAY_GROUP, "httproutes"), (well_known.GATEWAY_GROUP, "grpcroutes")),
)
NAMED = (
    *(("", "serviceaccounts"), ("", "services"), ("apps", "deployments")),
    *(
        (well_known.RBAC_GROUP, "roles"),
        (well_known.RBAC_GROUP, "rolebindings"),
        ("autoscaling", "horizontalpodautoscalers"),
    ),
    *(
        ("networking.k8s.io", "ingresses"),
        (well_known.GATEWAY_GROUP, "httproutes"),
        (well_known.GATEWAY_GROUP, "grpcroutes"),
    ),
)
SCENARIOS: dict[Permission, type[Stage]] = {
    **{Permission(verb, *kind): Started for verb in ("list", "watch") for kind in SEEN},
    **{Permission(verb, well_known.NIM_GROUP, well_known.NIMSERVICE_PLURAL): Made for verb in ("create", "patch")},
    **{Permission(verb, "", "persistentvolumeclaims"): Made for verb in ("create", "patch")},
    **{Permission(verb, "", "events"): Made for verb in ("create", "patch")},
    Permission("list", "", "events"): Stuck,
    **{Permission(verb, "apps", "controllerrevisions"): Bounded for verb in ("create", "patch")},
    Permission("delete", "apps", "controllerrevisions"): Rebounded,
    Permission("patch", well_known.GROUP, "runainimpolicies/status"): Bounded,
    Permission("patch", well_known.GROUP, "clusterrunainimpolicies/status"): BoundEverywhere,
    **{Permission(verb, "autoscaling", "horizontalpodautoscalers"): Made for verb in ("list", "watch")},
    Permission("patch", well_known.GROUP, f"{well_known.PLURAL}/status"): Made,
    Permission("update", well_known.GROUP, f"{well_known.PLURAL}/finalizers"): Made,
    Permission("delete", well_known.NIM_GROUP, well_known.NIMSERVICE_PLURAL): Changed,
    Permission("delete", "", "persistentvolumeclaims"): Disposable,
    Permission("get", "", "persistentvolumeclaims"): FromAClaim,
    Permission("get", well_known.NIM_GROUP, well_known.NIMCACHE_PLURAL): FromACache,
    Permission("get", well_known.GROUP, well_known.PLURAL): Lost,
    Permission("get", well_known.NIM_GROUP, well_known.NIMSERVICE_PLURAL): Pulled,
    **{Permission(verb, "networking.k8s.io", "ingresses"): RoutedByIngress for verb in ("create", "patch")},
    **{Permission(verb, well_known.GATEWAY_GROUP, "httproutes"): RoutedByGateway for verb in ("create", "patch")},
    **{Permission(verb, well_known.GATEWAY_GROUP, "grpcroutes"): RoutedForGrpc for verb in ("create", "patch")},
    Permission("delete", "networking.k8s.io", "ingresses"): UnroutedByIngress,
    Permission("delete", well_known.GATEWAY_GROUP, "httproutes"): UnroutedByGateway,
    Permission("delete", well_known.GATEWAY_GROUP, "grpcroutes"): UnroutedForGrpc,
    **{Permission("get", *kind): Made for kind in NAMED},
    Permission("get", "scheduling.k8s.io", "priorityclasses"): Made,
    **{Permission(verb, "coordination.k8s.io", "leases"): Elected for verb in ("get", "create", "patch")},
}
"""The scenario of each permission."""
