"""Specs made with Run:ai's Python client, as its users make them: each field of the API is in one of them."""

import json
from typing import Any

import pytest

Spec = dict[str, Any]

_NEEDED: Spec = {"image": "nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.5", "ngc_auth_secret": "ngc-api"}


NAMES = ("minimal", "claim", "cache", "multi-node")


def client_spec() -> Any:
    """The client's class NimServiceSpec. It takes a second or two to import, so nothing does until a test asks."""
    models = pytest.importorskip("runai.models", reason="runapy, Run:ai's Python client, is not installed")
    return models.NimServiceSpec


def bodies() -> dict[str, Spec]:
    """`spec` of a REST body for each of `NAMES`, as the client would send it."""
    made = (_minimal(), _on_a_claim(), _on_a_cache(), _on_several_nodes())
    sent = (client_spec()(**_NEEDED, **fields).to_json() for fields in made)
    return dict(zip(NAMES, map(json.loads, sent), strict=True))


def _minimal() -> Spec:
    return {"model_store": {"pvc": {"claim_info": {"size": "100Gi"}}}, "serving_port": {"port": 8000}}


def _on_a_claim() -> Spec:
    return {
        "image_pull_policy": "IfNotPresent",
        "image_pull_secrets": [
            {"name": "ngc-registry"},
            {"name": "mine", "user_credential": True},
            {"name": "old", "exclude": True},
        ],
        "model_store": {
            "pvc": {
                "existing_pvc": False,
                "claim_name": "llama-weights",
                "read_only": False,
                "claim_info": {
                    "size": "100Gi",
                    "storage_class": "fast-ssd",
                    "access_modes": {"read_write_once": False, "read_only_many": True, "read_write_many": True},
                    "volume_mode": "Filesystem",
                    "added_attr_values": [{"key": "tier", "value": "gold"}],
                },
            }
        },
        "serving_port": {
            "service_type": "NodePort",
            "port": 8000,
            "grpc_port": 50051,
            "metrics_port": 8002,
            "expose_externally": True,
            "exposed_url": "https://llama.example.com",
            "exposed_protocol": "grpc",
        },
        "compute": {
            "cpu_core_request": 0.1,
            "cpu_core_limit": 4,
            "cpu_memory_request": "8Gi",
            "cpu_memory_limit": "16G",
            "gpu_devices_request": 2,
            "gpu_request_type": "portion",
            "gpu_portion_request": 0.35,
            "gpu_portion_limit": 1.0,
        },
        "autoscaling": {
            "min_replicas": 1,
            "max_replicas": 5,
            "metric": "vllm:num_requests_waiting",
            "metric_threshold": 10,
            "scale_window_seconds": 600,
        },
        "environment_variables": [
            {"name": "NIM_LOG_LEVEL", "value": "INFO", "description": "how much the NIM says"},
            {"name": "TOKEN", "secret": {"name": "hub", "key": "token"}},
            {"name": "MODE", "config_map": {"name": "modes", "key": "mode"}},
            {"name": "POD_IP", "pod_field_ref": {"path": "status.podIP"}},
            {"name": "MY_TOKEN", "user_credential": {"name": "mine", "key": "token"}},
            {"name": "OLD", "exclude": True},
        ],
        "labels": [{"name": "team", "value": "search"}, {"name": "old", "exclude": True}],
        "annotations": [{"name": "owner", "value": "Ana"}, {"name": "old", "exclude": True}],
        "probes": {
            "readiness": {
                "initial_delay_seconds": 0,
                "period_seconds": 15,
                "timeout_seconds": 5,
                "success_threshold": 1,
                "failure_threshold": 120,
                "handler": {"http_get": {"path": "/v1/ready", "port": 8000, "host": "10.0.0.7", "scheme": "HTTPS"}},
            }
        },
        "security": {"run_as_uid": 1000, "run_as_gid": 2000},
    }


def _on_a_cache() -> Spec:
    return {
        "model_store": {"nim_cache": {"name": "nemotron", "profile": "tensorrt_llm-h100-fp8-tp1"}},
        "serving_port": {"port": 8000},
        "compute": {"gpu_request_type": "memory", "gpu_memory_request": "20G", "gpu_memory_limit": "20G"},
        "replicas": 3,
        "priority_class": "very-high",
        "preemptibility": "non-preemptible",
        "node_pools": ["h100", "default"],
        "tolerations": [
            {"name": "gpu", "operator": "Equal", "key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"},
            {"name": "drain", "operator": "Exists", "key": "maintenance", "effect": "NoExecute", "seconds": 300},
            {"name": "old", "exclude": True},
        ],
        "category": "inference",
    }


def _on_several_nodes() -> Spec:
    return {
        "model_store": {"pvc": {"existing_pvc": True, "claim_name": "llama-405b"}},
        "serving_port": {"port": 8000},
        "compute": {"gpu_devices_request": 8},
        "multi_node": {"workers": 1},
    }
