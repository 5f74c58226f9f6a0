"""What would fail later, as tables: what is added to a valid resource, and its findings (severity, reason, path)."""

from typing import Any

import pytest

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.validate import Finding, depends_on_claim, validate
from runai_nim.domain.validate.secrets import is_plain_secret, is_secret_name
from tests.support.decisions import input_of
from tests.support.resources import a_cr, with_claim

Spec = dict[str, Any]
CACHE: Spec = {"modelStore": {"nimCache": {"name": "cache"}}}
SETTINGS = load_settings({}, {})


def findings(spec: Spec, context: Context | None = None, **metadata: Any) -> tuple[Finding, ...]:
    known = context or Context(SETTINGS, {"runai/queue": "team-a"})
    return validate(input_of(a_cr(CACHE | spec, **metadata), known))[1]


def found(spec: Spec, context: Context | None = None) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.reason, finding.path) for finding in findings(spec, context)]


@pytest.mark.parametrize(("exists", "warns"), [(None, False), (True, False), (False, True)])
def test_a_priority_needs_a_priority_class(exists: bool | None, warns: bool) -> None:
    settings = load_settings({"priority_classes": {"high": "fast"}}, {})
    context = Context(settings, {"runai/queue": "team-a"}, priority_class_exists=exists)
    told = findings({"priorityClass": "high"}, context)
    assert [(finding.severity, finding.reason, finding.path) for finding in told] == (
        [("warning", "PriorityClassNotFound", "spec.priorityClass")] if warns else []
    )
    assert not warns or "the cluster has no fast, so the scheduler uses its default" in told[0].message
    assert findings({}, context) == ()


def variables(**values: Any) -> Spec:
    """Each value is a literal, or another source."""
    items = [{"name": name, **(of if isinstance(of, dict) else {"value": of})} for name, of in values.items()]
    return {"environmentVariables": items}


@pytest.mark.parametrize(
    "name",
    [
        *(
            "NGC_API_KEY",
            "HF_TOKEN",
            "HUGGING_FACE_HUB_TOKEN",
            "hfToken",
            "apiKey",
            "OPENAI_APIKEY",
            "AWS_SECRET_ACCESS_KEY",
        ),
        *(
            "DB_PASSWORD",
            "PGPASSWORD",
            "DB_PASS",
            "MYSQL_PWD",
            "HF_TOKEN_2",
            "API_KEY_PROD",
            "MY_SECRET_VALUE",
            "GITHUB_PAT",
        ),
        *("my.secret", "redis-password", "TOKEN", "SSH_PRIVATE_KEY", "API_KEYS", "CLIENT_CREDENTIALS", "BEARER"),
        "example.com/api-token",
    ],
)
def test_a_name_of_a_secret(name: str) -> None:
    assert is_secret_name(name)
    assert is_plain_secret(name, "x7Fq")


@pytest.mark.parametrize(
    "name",
    [
        *("PWD", "NIM_MAX_TOKEN", "NIM_MAX_NUM_BATCHED_TOKENS", "TOKENIZERS_PARALLELISM", "NIM_TOKENIZER_MODE", "9"),
        *("NIM_SSL_KEY_PATH", "HF_TOKEN_PATH", "SECRET_NAME", "EOS_TOKEN", "PUBLIC_KEY", "KEYCLOAK_URL", "MONKEY"),
        *("NIM_PASSTHROUGH_ARGS", "NIM_LOG_LEVEL", "COMPASS", "HOME"),
    ],
)
def test_a_name_that_only_resembles_one(name: str) -> None:
    assert not is_secret_name(name)
    assert not is_plain_secret(name, "x7Fq")


@pytest.mark.parametrize("value", ["", "1", "true", "False", "$(NGC_API_KEY)"])
def test_a_switch_and_a_reference_are_no_secret(value: str) -> None:
    assert not is_plain_secret("HF_HUB_DISABLE_IMPLICIT_TOKEN", value)


def test_a_number_of_tokens_is_no_secret() -> None:
    assert not is_plain_secret("PROMPT_TOKENS", "4096")
    assert is_plain_secret("API_TOKENS", "abc")


@pytest.mark.parametrize(
    "value",
    [
        *(
            "http://user:pass@proxy:3128",
            "postgres://u:p@db/x",
            "nvapi-" + "a" * 24,
            "hf_" + "a" * 30,
            "sk-" + "a" * 24,
        ),
        *("AKIA" + "A" * 16, "--api-key abc", "-----BEGIN RSA PRIVATE KEY-----\nx"),
    ],
)
def test_a_value_may_be_a_secret_by_itself(value: str) -> None:
    assert is_plain_secret("NOTE", value)


@pytest.mark.parametrize("value", ["http://proxy:3128", "postgres://u:$(PASSWORD)@db/x", "a@b", "x://a:b", "8192"])
def test_a_value_that_is_no_secret(value: str) -> None:
    assert not is_plain_secret("NOTE", value)


def test_a_plain_secret_is_a_warning_that_never_shows_it() -> None:
    (finding,) = findings({"environmentVariables": [{"name": "HF_TOKEN", "value": "x7Fq"}]})

    assert (finding.severity, finding.reason) == ("warning", "PlainSecret")
    assert finding.message == (
        "spec.environmentVariables[0].value should not hold a secret (HF_TOKEN), whoever may read this resource can"
        " read it: keep it in a Secret of this namespace, and use secret: {name, key} instead"
    )


def test_the_ngc_key_has_a_field_of_its_own() -> None:
    (finding,) = findings(variables(NGC_API_KEY="x7Fq"))

    assert finding.message.endswith(": keep it in the Secret that ngcAuthSecret names, and remove the variable")


def test_a_config_map_is_no_place_for_a_secret_either() -> None:
    key = {"name": "a", "key": "k"}

    assert found(variables(HF_TOKEN={"configMap": key}, LOG={"configMap": key}, A_TOKEN={"secret": key})) == [
        ("warning", "PlainSecret", "spec.environmentVariables[0].configMap")
    ]
    assert found(variables(HF_TOKEN={"value": "x7Fq", "exclude": True})) == []


def test_no_message_shows_the_value_of_a_label_named_like_a_secret() -> None:
    (finding,) = findings({"labels": [{"name": "api-token", "value": "x7Fq!"}]})

    assert "x7Fq" not in finding.message


@pytest.mark.parametrize(
    ("variable", "warned"),
    [
        ({"NIM_CACHE_PATH": "/opt/nim/.cache"}, True),
        ({"NIM_CACHE_PATH": "/model-store-2"}, True),
        ({"NIM_CACHE_PATH": "/model-store/../opt"}, True),
        ({"NIM_CACHE_PATH": {"configMap": {"name": "a", "key": "k"}}}, True),
        ({"NIM_CACHE_PATH": "/model-store"}, False),
        ({"NIM_CACHE_PATH": "/model-store/llama/"}, False),
        ({"NIM_GRPC_API_PORT": "1"}, True),
        ({"NIM_TRITON_GRPC_PORT": "1"}, True),
        ({"NIM_GRPC_API_PORT": "9000"}, False),
        ({"NIM_TRITON_METRICS_PORT": "1"}, True),
        ({"NIM_TRITON_METRICS_PORT": "9090"}, False),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, True),
        ({"NIM_LEADER_ROLE": "1"}, False),
        ({"NIM_LOG_LEVEL": "DEBUG"}, False),
    ],
)
def test_variables_that_the_nim_needs_as_they_are(variable: Spec, warned: bool) -> None:
    ports = {"servingPort": {"port": 8000, "grpcPort": 9000, "metricsPort": 9090}}

    expected = [("warning", "OverriddenVariable", "spec.environmentVariables[0]")]
    assert found({**variables(**variable), **ports}) == expected * warned


def test_ports_that_the_service_doesn_t_have_are_free() -> None:
    free = variables(NIM_GRPC_API_PORT="1", NIM_TRITON_METRICS_PORT="1")

    assert found(free) == []
    assert found({**free, "servingPort": {"port": 8000, "metricsPort": 8000}}) == []
    assert found({**free, "servingPort": None}) == [("error", "RequiredField", "spec.servingPort.port")]


def test_a_group_tells_its_pods_apart_by_variables() -> None:
    spec = {"multiNode": {"workers": 1}, "compute": {"gpuDevicesRequest": 1}, **variables(NIM_LEADER_ROLE="1")}

    assert found(spec) == [("warning", "OverriddenVariable", "spec.environmentVariables[0]")]


@pytest.mark.parametrize("character", ["\x7f", "\x80", "\x85", "\x9f", "\ufffe", "\uffff"])
def test_a_character_that_can_t_be_rendered_is_named(character: str) -> None:
    text, name = f"a{character}", f"U+{ord(character):04X}"
    spec = {**variables(A=text), "annotations": [{"name": "b", "value": text}], "category": text}

    refused = findings(spec, annotations={"runai-nim.io/restarted-at": text})

    assert sorted((finding.severity, finding.path) for finding in refused) == [
        ("error", "metadata.annotations[runai-nim.io/restarted-at]"),
        ("error", "spec.annotations[0].value"),
        ("error", "spec.category"),
        ("error", "spec.environmentVariables[0].value"),
    ]
    assert all(f"must not hold the character {name}, which" in finding.message for finding in refused)
    assert all(text not in finding.message for finding in refused)


def test_other_characters_are_rendered() -> None:
    text = "\x01\t\n\xa0é\u2028\ufffd\U0001f600"

    assert found({**variables(A=text), "annotations": [{"name": "b", "value": text}], "category": text}) == []
    assert found({"annotations": [{"name": "b", "value": "\x7f", "exclude": True}]}) == []


@pytest.mark.parametrize(
    "metric",
    [
        *("gpu_cache_usage_perc", "vllm:gpu_cache_usage_perc", "vllm:kv_cache_usage_perc", "nv_gpu_utilization"),
        *("gpu_utilization", "queue_ratio", "job:cache_usage_ratio:avg5m", "vllm:gpu_prefix_cache_hit_rate"),
        *("memory_fraction", "DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gpuUtilization"),
    ],
)
@pytest.mark.parametrize("threshold", [1, 80])
def test_a_metric_between_0_and_1_never_scales(metric: str, threshold: int) -> None:
    spec = {"autoscaling": {"metric": metric, "metricThreshold": threshold}}

    assert found(spec) == [("warning", "MetricBelowThreshold", "spec.autoscaling.metric")]


@pytest.mark.parametrize(
    "metric",
    [
        *("num_requests_running", "vllm:num_requests_waiting", "cache_usage_percent", "gpu_utilization_percent"),
        *("DCGM_FI_DEV_GPU_UTIL", "request_duration_seconds", "operations", "perception", "http_requests_rate"),
    ],
)
def test_other_metrics_may_exceed_their_threshold(metric: str) -> None:
    assert found({"autoscaling": {"metric": metric, "metricThreshold": 1}}) == []


@pytest.mark.parametrize(("quantity", "warned"), [("500m", False), ("0.9", False), ("1", True), ("1500m", True)])
def test_a_threshold_below_1_suits_a_metric_between_0_and_1(quantity: str, warned: bool) -> None:
    told = found({"autoscaling": {"metric": "gpu_cache_usage_perc", "metricThresholdQuantity": quantity}})

    assert told == [("warning", "MetricBelowThreshold", "spec.autoscaling.metric")] * warned


RWX = {"readWriteOnce": False, "readWriteMany": True}


@pytest.mark.parametrize(
    ("spec", "warned"),
    [
        ({"replicas": 2}, True),
        ({"autoscaling": {"metric": "queue", "metricThreshold": 1, "maxReplicas": 2}}, True),
        ({"autoscaling": {"metric": "queue", "metricThreshold": 1, "minReplicas": 2}}, True),
        ({"multiNode": {"workers": 1}, "compute": {"gpuDevicesRequest": 1}}, True),
        ({"multiNode": {}, "replicas": 0}, False),
        ({"replicas": 1}, False),
        ({"autoscaling": {"metric": "queue", "metricThreshold": 1}}, False),
        ({}, False),
    ],
)
def test_several_pods_need_a_claim_for_several_nodes(spec: Spec, warned: bool) -> None:
    expected = [("warning", "ClaimNotShareable", "spec.modelStore.pvc.claimInfo.accessModes")]
    told = [finding for finding in found({**with_claim(), **spec}) if finding[0] == "warning"]

    assert told == expected * warned
    assert not [finding for finding in found({**with_claim({"accessModes": RWX}), **spec}) if finding[0] == "warning"]
    assert not [finding for finding in found(spec) if finding[0] == "warning"]


@pytest.mark.parametrize(
    ("modes", "read_only", "warned"),
    [
        (("ReadWriteOnce",), False, True),
        (("ReadWriteOncePod",), False, True),
        (("ReadWriteOnce", "ReadOnlyMany"), False, True),
        (("ReadWriteOnce", "ReadOnlyMany"), True, False),
        (("ReadOnlyMany",), False, False),
        (("ReadWriteMany",), False, False),
        ((), False, False),
    ],
)
def test_a_claim_that_exists_has_its_own_modes(modes: tuple[str, ...], read_only: bool, warned: bool) -> None:
    context = Context(SETTINGS, {"runai/queue": "a"}, claim_exists=True, claim_access_modes=modes)
    pvc = {"existingPvc": True, "claimName": "weights", "readOnly": read_only}

    assert found({"modelStore": {"pvc": pvc}, "replicas": 2}, context) == warned * [
        ("warning", "ClaimNotShareable", "spec.modelStore.pvc.claimName")
    ]


@pytest.mark.parametrize(("exists", "severity"), [(False, ["error"]), (None, ["warning"]), (True, [])])
def test_a_new_claim_can_t_be_filled_read_only(exists: bool | None, severity: list[str]) -> None:
    context = Context(SETTINGS, {"runai/queue": "a"}, claim_exists=exists)
    told = findings(with_claim(pvc={"readOnly": True}), context)

    assert [(finding.severity, finding.path) for finding in told] == [
        (one, "spec.modelStore.pvc.readOnly") for one in severity
    ]
    assert all(map(depends_on_claim, told))
    only_to_read = with_claim({"accessModes": {"readWriteOnce": False, "readOnlyMany": True}})
    assert found(only_to_read, context) == [
        ("warning", "ConflictingFields", "spec.modelStore.pvc.claimInfo.accessModes") for _ in severity
    ]


SHARE: Spec = {"compute": {"gpuRequestType": "portion", "gpuPortionRequest": 0.25}}
MEMORY: Spec = {"compute": {"gpuRequestType": "memory", "gpuMemoryRequest": "20Gi"}}
UNBOUNDED = ("warning", "GPUMemoryUnbounded")


@pytest.mark.parametrize(
    ("image", "remedy"),
    [
        (
            "nvcr.io/nim/meta/llama:1.8.5",
            'add the variable NIM_KVCACHE_PERCENT: "0.22" (NIM_GPU_MEM_FRACTION in some images)',
        ),
        ("nvcr.io/nim/meta/llama:2.0.10", 'add the variable NIM_PASSTHROUGH_ARGS: "--gpu-memory-utilization 0.22"'),
        ("llama", '"--gpu-memory-utilization 0.22" (NIM 2.x), or NIM_KVCACHE_PERCENT: "0.22"'),
        (f"llama@sha256:{'0' * 64}", '"--gpu-memory-utilization 0.22" (NIM 2.x), or NIM_KVCACHE_PERCENT: "0.22"'),
    ],
)
def test_a_share_needs_a_bound_on_the_engine_s_memory(image: str, remedy: str) -> None:
    (finding,) = findings({**SHARE, "image": image})

    assert (finding.severity, finding.reason) == UNBOUNDED
    assert remedy in finding.message


def test_a_bound_is_asked_for_whatever_else_is_wrong_with_the_image() -> None:
    assert found({**SHARE, "image": "No Image"}) == [
        ("error", "InvalidValue", "spec.image"),
        (*UNBOUNDED, "spec.compute.gpuPortionRequest"),
    ]
    assert found({**SHARE, "image": None}) == [
        ("error", "RequiredField", "spec.image"),
        (*UNBOUNDED, "spec.compute.gpuPortionRequest"),
    ]


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        (SHARE, "spec.compute.gpuPortionRequest"),
        (MEMORY, "spec.compute.gpuMemoryRequest"),
        ({**SHARE, **variables(NIM_PASSTHROUGH_ARGS="--max-model-len 8192")}, "spec.compute.gpuPortionRequest"),
        ({**SHARE, **variables(NIM_KVCACHE_PERCENT={"exclude": True})}, "spec.compute.gpuPortionRequest"),
        ({**SHARE, **variables(NIM_KVCACHE_PERCENT="0.9")}, "spec.environmentVariables[0].value"),
        (
            {**SHARE, **variables(NIM_PASSTHROUGH_ARGS="--gpu-memory-utilization=0.9")},
            "spec.environmentVariables[0].value",
        ),
    ],
)
def test_a_share_without_a_bound(spec: Spec, path: str) -> None:
    assert found(spec) == [(*UNBOUNDED, path)]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"compute": {"gpuDevicesRequest": 1}},
        {"compute": {"gpuRequestType": "portion", "gpuPortionRequest": 1}},
        {"compute": {"gpuRequestType": "portion", "gpuPortionRequest": 0}},
        {**SHARE, "image": "nvcr.io/nim/nvidia/llama-3.2-nv-embedqa-1b-v2:1.6.0"},
        {**SHARE, "image": "localhost:5000/nv-rerankqa-mistral-4b-v3"},
        {**SHARE, **variables(NIM_KVCACHE_PERCENT="0.22")},
        {**SHARE, **variables(NIM_KVCACHE_PERCENT={"configMap": {"name": "a", "key": "k"}})},
        {**SHARE, **variables(NIM_GPU_MEM_FRACTION="0.25")},
        {**SHARE, **variables(NIM_PASSTHROUGH_ARGS="--max-model-len 8192 --gpu-memory-utilization 0.22")},
        {**SHARE, **variables(NIM_PASSTHROUGH_ARGS="--mem-fraction-static=0.2")},
        {**SHARE, **variables(NIM_PASSTHROUGH_ARGS="--kv-cache-memory-bytes 4000000000")},
        {**SHARE, **variables(NIM_KVCACHE_PERCENT="a fifth")},
        {**SHARE, **variables(NIM_KVCACHE_PERCENT="NaN")},
        {**MEMORY, **variables(NIM_KVCACHE_PERCENT="0.9")},
    ],
)
def test_a_share_with_a_bound_and_no_share(spec: Spec) -> None:
    assert found(spec) == []


@pytest.mark.parametrize(
    ("limit", "bound", "expected"),
    [
        (0.5, "0.45", []),
        (0.5, "0.6", [(*UNBOUNDED, "spec.environmentVariables[0].value")]),
        # None is written, so the share is the request.
        (
            1,
            "0.6",
            [
                ("warning", "IgnoredField", "spec.compute.gpuPortionLimit"),
                (*UNBOUNDED, "spec.environmentVariables[0].value"),
            ],
        ),
    ],
)
def test_the_bound_of_a_share_with_a_limit_is_the_limit(limit: float, bound: str, expected: Any) -> None:
    context = Context(load_settings({"gpu_fraction_keys": "shorthand"}, {}), {"runai/queue": "a"})
    limited = {"compute": {**SHARE["compute"], "gpuPortionLimit": limit}}

    assert found({**limited, **variables(NIM_KVCACHE_PERCENT=bound)}, context) == expected


def test_a_share_of_memory_has_no_part_that_is_known() -> None:
    assert '"<part of the GPU>"' in findings(MEMORY)[0].message


def test_a_portion_that_counts_as_nothing_is_a_warning() -> None:
    bounded = variables(NIM_KVCACHE_PERCENT="0.001")

    def portion(value: float) -> list[tuple[str, str, str]]:
        return found({**bounded, "compute": {"gpuRequestType": "portion", "gpuPortionRequest": value}})

    assert portion(0.009) == [("warning", "PortionTooSmall", "spec.compute.gpuPortionRequest")]
    assert portion(0.01) == portion(0) == []


def test_an_equal_limit_is_a_warning() -> None:
    compute = {"gpuRequestType": "portion", "gpuPortionRequest": 0.5, "gpuPortionLimit": 0.50}

    assert found({**variables(NIM_KVCACHE_PERCENT="0.45"), "compute": compute}) == [
        ("warning", "IgnoredField", "spec.compute.gpuPortionLimit")
    ]


def test_kai_places_a_pod_in_one_pool() -> None:
    def kai(pools: list[str], **settings: Any) -> list[tuple[str, str, str]]:
        context = Context(load_settings({"dialect": "kai", **settings}, {}), {"kai/project": "a"})
        return found({"nodePools": pools}, context)

    assert kai(["h100"]) == kai(["default"]) == []
    assert kai(["h100", "a100"]) == kai(["h100", "default"]) == [("error", "NotConfigured", "spec.nodePools")]
    assert kai(["h100", "a100"], node_pools_annotation="example.com/pools") == []
    assert found({"nodePools": ["h100", "a100"]}) == []
