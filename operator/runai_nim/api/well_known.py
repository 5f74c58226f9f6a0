"""Labels, annotations, groups and kinds of other projects and of this operator, with their source.

Administrators of Run:ai or KAI can rename some keys. Those are defaults here; `settings` has the effective ones.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

# Our own API.
GROUP: Final = "runai-nim.io"
VERSION: Final = "v1alpha1"
KIND: Final = "RunaiNimService"
PLURAL: Final = "runainimservices"
API_VERSION: Final = f"{GROUP}/{VERSION}"
FIELD_MANAGER: Final = "runai-nim-operator"
"""Field manager of the operator's server-side apply."""

# Our keys on objects.
SERVICE_LABEL: Final = "runai-nim.io/service"
"""Label: name of the RunaiNimService that an object or pod belongs to."""
SPEC_HASH: Final = "runai-nim.io/spec-hash"
"""Annotation: hash of a rendered NIMService, claim or route. The NIM Operator copies a NIMService's to the Service,
which proves that it has processed this spec."""
SERVICE_UID: Final = "runai-nim.io/service-uid"
"""Annotation of a claim: uid of the RunaiNimService that it was created for. Names can be reused, uids can't."""
POD_HASH: Final = "runai-nim.io/pod-hash"
"""Annotation of the pods and their Deployment: hash of the pod template, without replicas and Service type."""
MULTI_NODE_REPLICAS: Final = "runai-nim.io/multi-node-replicas"
"""Annotation of a multi-node NIMService: its initial number of replicas, which is the maximum."""
ADOPT: Final = "runai-nim.io/adopt"
"""Annotation `"true"` on a foreign NIMService: the RunaiNimService with the same name may adopt it."""
PAUSED: Final = "runai-nim.io/paused"
"""Annotation `"true"` on a RunaiNimService: the operator doesn't write its children."""
RESTARTED_AT: Final = "runai-nim.io/restarted-at"
"""Annotation on a RunaiNimService; a new value starts a rolling restart of the pods."""
CREATED_BY: Final = "runai-nim.io/created-by"
UPDATED_BY: Final = "runai-nim.io/updated-by"
IDEMPOTENCY_KEY: Final = "runai-nim.io/idempotency-key"
"""Annotations on a RunaiNimService: who created or last changed it through the REST API, and hashes of the POST that
created it. Everyone who may write the object may write these."""
PROJECT_ID: Final = "runai-nim.io/project-id"
"""Label of a namespace: its project's id in Run:ai, if that isn't the project's name."""
CATEGORY: Final = "runai-nim.io/category"
"""Default annotation for a workload's category. It is a setting, because Run:ai doesn't document its own."""

# NVIDIA NIM Operator 3.1.2, api/apps/v1alpha1 and internal/controller.
NIM_GROUP: Final = "apps.nvidia.com"
NIM_VERSION: Final = "v1alpha1"
NIM_API_VERSION: Final = f"{NIM_GROUP}/{NIM_VERSION}"
NIMSERVICE_KIND: Final = "NIMService"
NIMSERVICE_PLURAL: Final = "nimservices"
NIMCACHE_KIND: Final = "NIMCache"
NIMCACHE_PLURAL: Final = "nimcaches"
NIM_MODEL_PROFILE: Final = "NIM_MODEL_PROFILE"
"""Environment variable of a NIM container: the model profile."""
NIM_PORT_VARIABLES: Final = ("NIM_SERVER_PORT", "NIM_HTTP_API_PORT")
"""Environment variables of a NIM container: the port of its HTTP API."""
NIM_GRPC_PORT_VARIABLES: Final = ("NIM_GRPC_API_PORT", "NIM_TRITON_GRPC_PORT")
"""Environment variables of a NIM container: the port of its gRPC API."""
NIM_METRICS_PORT: Final = "NIM_TRITON_METRICS_PORT"
"""Environment variable of a NIM container: the port of its metrics."""
NIM_CACHE_PATH: Final = "NIM_CACHE_PATH"
"""Environment variable of a NIM container: the directory of its model."""
NIM_MULTI_NODE_VARIABLES: Final = ("NIM_LEADER_ROLE", "NIM_NUM_COMPUTE_NODES")
"""Environment variables of the containers of a multi-node NIM."""
NGC_API_KEY: Final = "NGC_API_KEY"
"""Environment variable of a NIM container, and key of the Secret that authSecret names: the API key of NGC."""
NIM_PICKER_SUFFIX: Final = "-epp"
"""The NIM Operator deletes objects named `<NIMService name>-epp` if it creates no endpoint picker."""
NIM_CONTAINER_SUFFIX: Final = "-ctr"
"""The NIM container is named `<NIMService name>-ctr`."""

# Kubernetes networking and the Gateway API (gateway-api v1).
INGRESS_API_VERSION: Final = "networking.k8s.io/v1"
INGRESS_KIND: Final = "Ingress"
GATEWAY_GROUP: Final = "gateway.networking.k8s.io"
GATEWAY_API_VERSION: Final = f"{GATEWAY_GROUP}/v1"
HTTP_ROUTE_KIND: Final = "HTTPRoute"
GRPC_ROUTE_KIND: Final = "GRPCRoute"

RBAC_GROUP: Final = "rbac.authorization.k8s.io"

# LeaderWorkerSet (kubernetes-sigs/lws v1).
LWS_GROUP: Final = "leaderworkerset.x-k8s.io"
LWS_KIND: Final = "LeaderWorkerSet"
LWS_SUFFIX: Final = "-lws"
"""The NIM Operator names the LeaderWorkerSet `<NIMService name>-lws`."""

# NVIDIA device plugin.
NVIDIA_GPU: Final = "nvidia.com/gpu"
NVIDIA_VISIBLE_DEVICES: Final = "NVIDIA_VISIBLE_DEVICES"
"""Environment variable of a container: the GPUs that the container runtime gives it."""

# Run:ai and KAI (KAI-Scheduler pkg/common/constants; Run:ai documentation, GPU fractions and node pools).
RUNAI_SCHEDULER: Final = "runai-scheduler"
KAI_SCHEDULER: Final = "kai-scheduler"
RUNAI_PROJECT: Final = "runai/queue"
KAI_PROJECT: Final = "kai/project"
KAI_QUEUE: Final = "kai.scheduler/queue"
PRIORITY_CLASS_NAME: Final = "priorityClassName"
KAI_PREEMPTIBILITY: Final = "kai.scheduler/preemptibility"
GPU_FRACTION: Final = "gpu-fraction"
GPU_FRACTION_DEVICES: Final = "gpu-fraction-num-devices"
GPU_FRACTION_CONTAINER: Final = "gpu-fraction-container-name"
GPU_FRACTION_LIMIT: Final = "gpu-fraction-limit"
"""Limit of a portion in Run:ai 2.x; newer schedulers ignore it."""
GPU_MEMORY: Final = "gpu-memory"
RUNAI_NODE_POOL: Final = "runai/node-pool"
KAI_NODE_POOL: Final = "kai.scheduler/node-pool"
DEFAULT_NODE_POOL: Final = "default"
"""The pool of nodes without a node pool label."""

PRIORITIES: Final = ("very-low", "low", "medium-low", "medium", "medium-high", "high", "very-high")
"""Run:ai's workload priorities, lowest first."""

SCHEDULING_KEYS: Final[dict[str, str]] = {
    "kai.scheduler/container.*.gpu-memory.portion.limit": "spec.compute.gpuPortionLimit",
    "kai.scheduler/preemptibility": "spec.preemptibility",
    "kai.scheduler/node-pool*": "spec.nodePools",
    "kai.scheduler/queue": "the namespace's project",
    "kai.scheduler/*": "",
    "runai/node-pool": "spec.nodePools",
    "runai/queue": "the namespace's project",
    "runai/*": "",
    "run.ai/*": "",
    "runai-nim.io/*": "the operator",
    "kai/project": "the namespace's project",
    "kai/*": "",
    "project": "the namespace's project",
    "user": "Run:ai's admission",
    "priorityClassName": "spec.priorityClass",
    "gpu-fraction": "spec.compute.gpuPortionRequest",
    "gpu-fraction-num-devices": "spec.compute.gpuDevicesRequest",
    "gpu-fraction-container-name": "the operator",
    "gpu-fraction-limit": "spec.compute.gpuPortionLimit",
    "gpu-fraction.limit": "spec.compute.gpuPortionLimit",
    "gpu-fraction*": "",
    "gpu-memory": "spec.compute.gpuMemoryRequest",
    "gpu-memory-limit": "spec.compute.gpuMemoryLimit",
    "gpu-memory.limit": "spec.compute.gpuMemoryLimit",
    "gpu-memory*": "",
    "mps": "",
    "runai-gpu-limit": "",
    "pod-group-name": "the scheduler",
    "received-resource-type": "the scheduler",
    "nvidia.com/gpu": "spec.compute.gpuDevicesRequest",
    "nvidia.com/container.*.gpu-memory.request": "spec.compute.gpuMemoryRequest",
    "nvidia.com/container.*.gpu-memory.limit": "spec.compute.gpuMemoryLimit",
    "nvidia.com/container.*.gpu-compute.mode": "spec.compute.gpuComputeMode",
    "nvidia.com/*": "",
    "openshift.io/required-scc": "the NIM Operator",
}
"""Reserved keys, with one `*` for any text, and what sets them; empty where nothing does. The first match wins."""

SCHEDULER_DOMAINS: Final = ("kai.scheduler/", "runai/", "run.ai/")
"""Domains of keys that only a scheduler reads; an administrator can allow those that nothing sets."""

CHILD_KEYS: Final[dict[str, str]] = {
    "app": "the NIM Operator",
    "app.kubernetes.io/*": "the NIM Operator",
    "nim-llm-role": "the NIM Operator",
}
"""Keys reserved on children only. Helm, Argo CD and users set them on RunaiNimServices, whose metadata isn't copied."""

EDGE_KEYS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Ingress controllers and gateways: authentication, rewriting, snippets, upstreams.
        "ingress.*/*": "ingress controllers",
        "*.ingress.kubernetes.io/*": "ingress controllers",
        "kubernetes.io/ingress.*": "ingress controllers",
        "nginx.org/*": "ingress controllers",
        "nginx.com/*": "ingress controllers",
        "*.nginx.org/*": "ingress controllers",
        "*.nginx.com/*": "ingress controllers",
        "haproxy.org/*": "ingress controllers",
        "haproxy.com/*": "ingress controllers",
        "*.haproxy.org/*": "ingress controllers",
        "haproxy-ingress.github.io/*": "ingress controllers",
        "traefik.io/*": "ingress controllers",
        "*.traefik.io/*": "ingress controllers",
        "traefik.containo.us/*": "ingress controllers",
        "konghq.com/*": "ingress controllers",
        "*.konghq.com/*": "ingress controllers",
        "projectcontour.io/*": "ingress controllers",
        "contour.heptio.com/*": "ingress controllers",
        "getambassador.io/*": "ingress controllers",
        "k8s.apisix.apache.org/*": "ingress controllers",
        "higress.io/*": "ingress controllers",
        "k8s.ngrok.com/*": "ingress controllers",
        "zalando.org/*": "ingress controllers",
        "*.f5.com/*": "ingress controllers",
        "*.ako.vmware.com/*": "ingress controllers",
        "ako.vmware.com/*": "ingress controllers",
        "ncp/*": "ingress controllers",
        "tailscale.com/*": "ingress controllers",
        "route.openshift.io/*": "ingress controllers",
        "router.openshift.io/*": "ingress controllers",
        "*.router.openshift.io/*": "ingress controllers",
        "gateway.*/*": "gateways",
        "kgateway.dev/*": "gateways",
        "networking.istio.io/*": "gateways",
        "networking.gke.io/*": "gateways",
        "alb.networking.azure.io/*": "gateways",
        # Names and certificates.
        "external-dns.*/*": "external-dns",
        "dns.alpha.kubernetes.io/*": "controllers of DNS",
        "dns.gardener.cloud/*": "controllers of DNS",
        "cert-manager.io/*": "cert-manager",
        "*.cert-manager.io/*": "cert-manager",
        "certmanager.k8s.io/*": "cert-manager",
        "kubernetes.io/tls-acme": "cert-manager",
        "cert.gardener.cloud/*": "issuers of certificates",
        "service.beta.openshift.io/*": "issuers of certificates",
        "service.alpha.openshift.io/*": "issuers of certificates",
        # Load balancers.
        "service.kubernetes.io/*": "load balancers",
        "service.beta.kubernetes.io/*": "load balancers",
        "service.alpha.kubernetes.io/*": "load balancers",
        "*.k8s.aws/*": "load balancers",
        "cloud.google.com/*": "load balancers",
        "*.cloud.google.com/*": "load balancers",
        "oci.oraclecloud.com/*": "load balancers",
        "*.oraclecloud.com/*": "load balancers",
        "loadbalancer.openstack.org/*": "load balancers",
        "load-balancer.hetzner.cloud/*": "load balancers",
        "kubernetes.digitalocean.com/*": "load balancers",
        "k8s.scaleway.com/*": "load balancers",
        "kubernetes.io/elb.*": "load balancers",
        "kubernetes.civo.com/*": "load balancers",
        "metallb.io/*": "load balancers",
        "metallb.universe.tf/*": "load balancers",
        "purelb.io/*": "load balancers",
        "kube-vip.io/*": "load balancers",
        "loxilb.io/*": "load balancers",
        "lbipam.cilium.io/*": "load balancers",
        "io.cilium/*": "load balancers",
        "service.cilium.io/*": "load balancers",
        "projectcalico.org/*": "load balancers",
        "*.openelb.io/*": "load balancers",
        # Metrics adapters query what an annotation of an HPA says, including arbitrary URLs.
        "metric-config.*/*": "metrics adapters",
        "autoscaling.alpha.kubernetes.io/*": "autoscalers",
    }
)
"""Annotation keys that controllers at the cluster's edge read, with `*` for any text, and the reader.

The NIM Operator puts a NIMService's annotations on its Service, Ingress, routes and HPA, and they override the
router's.
"""


def matching_pattern(key: str, patterns: Mapping[str, str]) -> str | None:
    """The value of the first of `patterns` that matches `key`; the first `*` of a pattern matches any text.

    The chart's admission policy compares in the same way.
    """
    return next((patterns[pattern] for pattern in patterns if _fits(key, *pattern.partition("*"))), None)


def _fits(key: str, prefix: str, star: str, suffix: str) -> bool:
    return key.startswith(prefix) and key.endswith(suffix) if star else key == prefix


def owner_of(key: str, configured: Mapping[str, str] = MappingProxyType({})) -> str | None:
    """The field or component that sets the reserved key: `spec.preemptibility` for `kai.scheduler/preemptibility`.

    Empty if nothing sets it; None if users may set `key`. `configured` maps the keys in the settings, in which `*`
    stands for a container, to what sets them. CHILD_KEYS are not included.
    """
    owner = matching_pattern(key, SCHEDULING_KEYS)
    return owner or matching_pattern(key, configured) or owner


def set_by(owner: str) -> str:
    """What a message says of the `owner` of a reserved key: `this is set through spec.nodePools`."""
    return f"this is set through {owner}" if owner else "no field of the spec sets it"


def key_matches(key: str, patterns: Iterable[str]) -> bool:
    """Whether `key` matches one of `patterns`, in which `*` matches any text."""
    return any(_regex(pattern).fullmatch(key) for pattern in patterns)


def edge_reader(key: str) -> str | None:
    """The controllers at the cluster's edge that read annotation `key`: `cert-manager` for `cert-manager.io/issuer`."""
    if _EDGE.fullmatch(key) is None:
        return None
    return next(reader for pattern, reader in EDGE_KEYS.items() if key_matches(key, (pattern,)))


@cache
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")))


_EDGE: Final = re.compile("|".join(_regex(pattern).pattern for pattern in EDGE_KEYS))
