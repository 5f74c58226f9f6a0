import pytest

from runai_nim import keys
from runai_nim.settings import Settings


@pytest.mark.parametrize(
    ("key", "owner"),
    [
        ("kai.scheduler/queue", "the namespace's project"),
        ("kai.scheduler/preemptibility", "spec.preemptibility"),
        ("kai.scheduler/node-pools", "spec.nodePools"),
        ("kai.scheduler/anything", "the fields of spec"),
        ("runai/node-pool", "spec.nodePools"),
        ("runai/queue", "the namespace's project"),
        ("run.ai/x", "the namespace's project"),
        ("runai-nim.io/service", "the operator"),
        ("project", "the namespace's project"),
        ("priorityClassName", "spec.priorityClass"),
        ("gpu-fraction", "spec.compute.gpuPortionRequest"),
        ("gpu-fraction-limit", "spec.compute.gpuPortionLimit"),
        ("gpu-fraction-num-devices", "spec.compute.gpuDevicesRequest"),
        ("gpu-memory", "spec.compute.gpuMemoryRequest"),
        ("gpu-memory-limit", "spec.compute.gpuMemoryRequest"),
        ("nvidia.com/gpu", "spec.compute.gpuDevicesRequest"),
        ("user", "Run:ai's admission"),
        ("pod-group-name", "the scheduler"),
    ],
)
def test_reserved_keys_name_what_sets_them(key: str, owner: str) -> None:
    assert keys.owner_of(key) == owner


@pytest.mark.parametrize(
    "key", ["app", "app.kubernetes.io/name", "projects", "team", "helm.sh/chart", "nvidia.company/x"]
)
def test_other_keys_are_free(key: str) -> None:
    assert keys.owner_of(key) is None


def test_every_key_of_the_settings_is_reserved() -> None:
    settings = Settings.model_validate({"node_pool_label": "example.com/pool"})

    assert keys.owner_of("example.com/pool", settings.configured_keys) == "spec.nodePools"
    assert all(keys.owner_of(key, settings.configured_keys) for key in settings.configured_keys)
