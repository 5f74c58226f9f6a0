import pytest

from runai_nim.api import well_known
from runai_nim.config.settings import Settings


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("kai.scheduler/queue", "the namespace's project"),
        ("kai.scheduler/preemptibility", "spec.preemptibility"),
        ("kai.scheduler/node-pools", "spec.nodePools"),
        ("kai.scheduler/anything", ""),
        ("runai/node-pool", "spec.nodePools"),
        ("runai/queue", "the namespace's project"),
        ("run.ai/x", ""),
        ("runai-nim.io/service", "the operator"),
        ("project", "the namespace's project"),
        ("priorityClassName", "spec.priorityClass"),
        ("gpu-fraction", "spec.compute.gpuPortionRequest"),
        ("gpu-fraction-limit", "spec.compute.gpuPortionLimit"),
        ("gpu-fraction-num-devices", "spec.compute.gpuDevicesRequest"),
        ("gpu-memory", "spec.compute.gpuMemoryRequest"),
        ("gpu-memory-limit", "spec.compute.gpuMemoryLimit"),
        ("gpu-fraction.limit", "spec.compute.gpuPortionLimit"),
        ("gpu-fraction-container-name", "the operator"),
        ("gpu-fraction-anything", ""),
        ("runai/anything", ""),
        ("kai/project", "the namespace's project"),
        ("mps", ""),
        ("nvidia.com/container.llama-ctr.gpu-compute.mode", "spec.compute.gpuComputeMode"),
        ("nvidia.com/container.llama-ctr.gpu-memory.limit", "spec.compute.gpuMemoryLimit"),
        ("nvidia.com/container.llama-ctr.gpu-memory.request", "spec.compute.gpuMemoryRequest"),
        ("kai.scheduler/container.llama-ctr.gpu-memory.portion.limit", "spec.compute.gpuPortionLimit"),
        ("nvidia.com/container.llama-ctr.gpus.devices", ""),
        ("kai.scheduler/container.llama-ctr.gpu-memory.limit", ""),
        ("nvidia.com/gpu", "spec.compute.gpuDevicesRequest"),
        ("user", "Run:ai's admission"),
        ("pod-group-name", "the scheduler"),
    ],
)
def test_reserved_keys_name_what_sets_them(key: str, owner: str) -> None:
    assert well_known.owner_of(key) == owner


def test_only_what_a_field_sets_is_said_to_be_set_by_it() -> None:
    assert well_known.set_by("spec.nodePools") == "this is set through spec.nodePools"
    assert well_known.set_by("") == "no field of the spec sets it"


@pytest.mark.parametrize(
    "key", ["app", "app.kubernetes.io/name", "projects", "team", "helm.sh/chart", "nvidia.company/x"]
)
def test_other_keys_are_free(key: str) -> None:
    assert well_known.owner_of(key) is None


def test_every_key_of_the_settings_is_reserved() -> None:
    settings = Settings.model_validate({"node_pool_label": "example.com/pool"})

    assert well_known.owner_of("example.com/pool", settings.configured_keys) == "spec.nodePools"
    assert all(well_known.owner_of(key, settings.configured_keys) for key in settings.configured_keys)


def test_a_key_of_the_settings_with_a_container_is_reserved_for_every_container() -> None:
    settings = Settings.model_validate({"gpu_memory_limit_annotation": "example.com/{container}-limit"})

    assert well_known.owner_of("example.com/llama-ctr-limit", settings.configured_keys) == "spec.compute.gpuMemoryLimit"
    assert well_known.owner_of("example.com/llama-ctr", settings.configured_keys) is None


@pytest.mark.parametrize(
    ("key", "reader"),
    [
        ("nginx.ingress.kubernetes.io/auth-url", "ingress controllers"),
        ("ingress.kubernetes.io/ssl-redirect", "ingress controllers"),
        ("kubernetes.io/ingress.class", "ingress controllers"),
        ("alb.ingress.kubernetes.io/group.name", "ingress controllers"),
        ("traefik.ingress.kubernetes.io/router.middlewares", "ingress controllers"),
        ("nginx.org/server-snippets", "ingress controllers"),
        ("haproxy.org/backend-config-snippet", "ingress controllers"),
        ("konghq.com/plugins", "ingress controllers"),
        ("ingress.gcp.kubernetes.io/pre-shared-cert", "ingress controllers"),
        ("gateway.envoyproxy.io/x", "gateways"),
        ("networking.istio.io/exportTo", "gateways"),
        ("external-dns.alpha.kubernetes.io/hostname", "external-dns"),
        ("external-dns.kubernetes.io/hostname", "external-dns"),
        ("cert-manager.io/cluster-issuer", "cert-manager"),
        ("acme.cert-manager.io/http01-edit-in-place", "cert-manager"),
        ("service.beta.openshift.io/serving-cert-secret-name", "issuers of certificates"),
        ("service.beta.kubernetes.io/aws-load-balancer-eip-allocations", "load balancers"),
        ("elbv2.k8s.aws/pod-readiness-gate-inject", "load balancers"),
        ("cloud.google.com/backend-config", "load balancers"),
        ("metallb.io/allow-shared-ip", "load balancers"),
        ("lbipam.cilium.io/ips", "load balancers"),
        ("metric-config.pods.queue.json-path/path", "metrics adapters"),
    ],
)
def test_a_key_of_the_cluster_s_edge_names_its_reader(key: str, reader: str) -> None:
    assert well_known.edge_reader(key) == reader


@pytest.mark.parametrize(
    "key",
    [
        *(
            "prometheus.io/scrape",
            "sidecar.istio.io/inject",
            "kubernetes.io/ingress-bandwidth",
            "example.com/ingress.x",
        ),
        *("k8s.v1.cni.cncf.io/networks", "cluster-autoscaler.kubernetes.io/safe-to-evict", "my-cert-manager.io/x"),
        *("nginx.organisation/x", "note", "cloud.google.community/x"),
    ],
)
def test_an_annotation_of_pods_is_free(key: str) -> None:
    assert well_known.edge_reader(key) is None


@pytest.mark.parametrize(
    ("key", "pattern", "fits"),
    [
        ("a.b/c", "a.b/c", True),
        ("axb/c", "a.b/c", False),
        ("a.b/c", "*", True),
        ("a.b/c", "*/c", True),
        ("a.b/c", "a.*/*", True),
        ("a.b/cd", "a.b/c", False),
        ("xa.b/c", "a.b/c", False),
        ("", "*", True),
    ],
)
def test_a_star_stands_for_any_text(key: str, pattern: str, fits: bool) -> None:
    assert well_known.key_matches(key, ("never", pattern)) is fits
    assert not well_known.key_matches(key, ())
