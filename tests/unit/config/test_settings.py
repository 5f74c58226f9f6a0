import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.config.settings import Settings
from runai_nim.config.settings_loader import SettingsError, load_settings

EXAMPLE = Path(__file__).parents[3] / "deploy" / "settings.yaml"


def test_nothing_given_means_the_defaults_of_runai() -> None:
    settings = load_settings(None, {})

    assert settings == load_settings({}, {}) == Settings.model_validate({})
    assert (settings.scheduler_name, settings.project_labels) == ("runai-scheduler", ("runai/queue",))
    assert (settings.queue_label, settings.node_pool_label) == (None, "runai/node-pool")
    assert (settings.gpu_fraction_limit_annotation, settings.node_pools_annotation) == ("gpu-fraction-limit", None)


def test_the_kai_dialect_has_its_own_defaults() -> None:
    settings = load_settings({"dialect": "kai"}, {})

    assert (settings.scheduler_name, settings.project_labels) == ("kai-scheduler", ("kai/project", "runai/queue"))
    assert (settings.queue_label, settings.node_pool_label) == ("kai.scheduler/queue", "kai.scheduler/node-pool")
    assert (settings.gpu_fraction_limit_annotation, settings.node_pools_annotation) == (None, None)


@pytest.mark.parametrize("dialect", ["runai", "kai"])
@pytest.mark.parametrize(
    ("generation", "portion_limit", "memory_limit", "mode"),
    [
        ("shorthand", "gpu-fraction.limit", "gpu-memory.limit", None),
        (
            "nvfractions",
            "kai.scheduler/container.{container}.gpu-memory.portion.limit",
            "nvidia.com/container.{container}.gpu-memory.limit",
            "nvidia.com/container.{container}.gpu-compute.mode",
        ),
    ],
)
def test_a_generation_of_gpu_shares_has_its_own_keys(
    dialect: str, generation: str, portion_limit: str, memory_limit: str, mode: str | None
) -> None:
    given = {"dialect": dialect, "gpu_fraction_keys": generation}
    settings = load_settings(given, {})

    assert settings.gpu_fraction_limit_annotation == portion_limit
    assert (settings.gpu_memory_limit_annotation, settings.gpu_compute_mode_annotation) == (memory_limit, mode)
    assert (settings.gpu_fraction_annotation, settings.gpu_memory_annotation) == ("gpu-fraction", "gpu-memory")
    assert load_settings(given | {"gpu_memory_limit_annotation": ""}, {}).gpu_memory_limit_annotation is None
    assert load_settings(given | {"gpu_fraction_limit_annotation": "x"}, {}).gpu_fraction_limit_annotation == "x"


def test_a_limit_is_bounded_by_its_generation_or_its_key() -> None:
    assert not load_settings({}, {}).limits_are_bounded("gpu-fraction-limit")
    assert load_settings({}, {}).limits_are_bounded("gpu-fraction.limit")
    assert load_settings({"gpu_fraction_keys": "nvfractions"}, {}).limits_are_bounded("gpu-fraction-limit")


def test_the_example_file_holds_every_setting_with_its_default() -> None:
    example = yaml.safe_load(EXAMPLE.read_text())

    assert load_settings(example, {}) == load_settings(None, {})
    assert set(example) == set(Settings.model_fields)


def test_the_environment_wins_over_the_file_and_the_file_over_the_dialect() -> None:
    file = {"dialect": "kai", "scheduler_name": "mine", "workers": 3, "node_pools_annotation": "example.com/pools"}
    environ = {
        "RUNAI_NIM_WORKERS": "5",
        "RUNAI_NIM_NODE_POOLS_ANNOTATION": "",
        "RUNAI_NIM_PRIORITY_CLASSES": '{"high": "fast"}',
        "RUNAI_NIM_PROJECT_LABELS": '["example.com/project"]',
        "RUNAI_NIM_SETTINGS_FILE": "somewhere",
        "HOME": "/",
    }

    settings = load_settings(file, environ)

    assert (settings.scheduler_name, settings.workers, settings.node_pools_annotation) == ("mine", 5, None)
    assert settings.priority_classes["high"] == "fast"
    assert settings.priority_classes["low"] == "low"
    assert settings.project_labels == ("example.com/project",)


GATEWAY = {
    "external_mode": "gateway",
    "external_domain": "apps.example.com",
    "external_gateway_name": "edge",
    "external_gateway_namespace": "gateways",
}


def test_external_access_is_off_by_default() -> None:
    settings = load_settings(None, {})

    assert (settings.external_mode, settings.external_domain, settings.external_tls) == ("none", None, True)
    assert (settings.external_annotations, settings.user_credential_secret) == ({}, None)
    assert settings.allowed_annotations == ()


def test_external_access_by_ingress_and_by_gateway() -> None:
    environ = {
        "RUNAI_NIM_EXTERNAL_MODE": "ingress",
        "RUNAI_NIM_EXTERNAL_DOMAIN": "example.com",
        "RUNAI_NIM_EXTERNAL_TLS": "false",
        "RUNAI_NIM_EXTERNAL_INGRESS_CLASS": "nginx",
        "RUNAI_NIM_EXTERNAL_TLS_SECRET": "{name}.{namespace}-tls",
        "RUNAI_NIM_EXTERNAL_ANNOTATIONS": '{"nginx.ingress.kubernetes.io/proxy-read-timeout": "600"}',
    }

    by_ingress = load_settings(None, environ)
    by_gateway = load_settings(GATEWAY, {})

    assert (by_ingress.external_ingress_class, by_ingress.external_tls) == ("nginx", False)
    assert by_ingress.external_annotations == {"nginx.ingress.kubernetes.io/proxy-read-timeout": "600"}
    assert (by_gateway.external_gateway_name, by_gateway.external_gateway_namespace) == ("edge", "gateways")


def test_hosts_of_urls_are_those_of_the_namespace_unless_others_are_named() -> None:
    hosts = load_settings(GATEWAY, {}).hosts_of_urls
    assert hosts == ("*.{namespace}.apps.example.com",)

    environ = {"RUNAI_NIM_EXTERNAL_HOSTS": '["a.example.com", "*"]'}
    assert load_settings(GATEWAY, environ).hosts_of_urls == ("a.example.com", "*")


def test_patterns_of_annotations_that_are_allowed() -> None:
    patterns = ("*", "metallb.io/loadBalancerIPs", "*.k8s.aws/*", "note")

    assert load_settings({"allowed_annotations": list(patterns)}, {}).allowed_annotations == patterns
    assert load_settings({}, {"RUNAI_NIM_ALLOWED_ANNOTATIONS": json.dumps(patterns)}).allowed_annotations == patterns


def test_settings_of_the_platform_are_off_by_default_and_empty_parts_are_none() -> None:
    none = load_settings({}, {})
    empty = {"proxy": {"http": "", "no_proxy": ""}, "startup_probe": {}, "metrics_service_monitor": {"enabled": False}}

    assert load_settings({**empty, "runtime_class_name": "", "shared_memory_size": ""}, {}) == none
    assert not any(part.is_set for part in (none.proxy, none.startup_probe, none.metrics_service_monitor))


def test_settings_of_the_platform() -> None:
    file = {"proxy": {"https": "http://[::1]:3128/"}, "shared_memory_size": "16384Mi"}
    environ = {
        "RUNAI_NIM_STARTUP_PROBE": '{"failure_threshold": 360}',
        "RUNAI_NIM_METRICS_SERVICE_MONITOR": '{"enabled": true, "interval": "1m30s"}',
        "RUNAI_NIM_NODE_SELECTOR": '{"nvidia.com/gpu.present": "true"}',
        "RUNAI_NIM_ALLOWED_SCHEDULER_ANNOTATIONS": '["kai.scheduler/*"]',
    }

    settings = load_settings(file, environ)

    assert (settings.proxy.https, settings.proxy.http, settings.shared_memory_size) == (
        "http://[::1]:3128/",
        None,
        "16Gi",
    )
    probe = settings.startup_probe
    assert (probe.initial_delay_seconds, probe.period_seconds, probe.failure_threshold) == (30, 10, 360)
    assert settings.metrics_service_monitor.interval == "1m30s"
    assert settings.node_selector == {"nvidia.com/gpu.present": "true"}
    assert settings.allowed_scheduler_annotations == ("kai.scheduler/*",)


@pytest.mark.parametrize(
    "domain",
    ["internal", "a1.example.com", "k8s-12.example.com", "eu-west1.example.com", "10.example", "example.xn--p1ai"],
)
def test_domains_that_the_nim_operator_takes(domain: str) -> None:
    assert load_settings({"external_domain": domain}, {}).external_domain == domain


@pytest.mark.parametrize(
    "domain",
    [
        "eu-west-1.example.com",
        "cluster-1.internal",
        "Example.com",
        "*.example.com",
        "example.com.",
        "example..com",
        ".example.com",
        "example.c0",
        "exa_mple.com",
        "a" * 64,
        "a" * 62 + "1",  # at once: on the CRD's own pattern Python would not come to an end
    ],
)
def test_domains_that_the_nim_operator_refuses(domain: str) -> None:
    with pytest.raises(SettingsError, match=r"external_domain in the settings file: .* no label ends in `-`"):
        load_settings({"external_domain": domain}, {})


# The pattern below is the CRD's own; Python is quick enough for it on short texts only.
@given(st.text(alphabet="ab1-.", max_size=12))
def test_the_domain_is_what_the_nimservice_crd_takes(domain: str) -> None:
    theirs = re.compile(r"(([a-z0-9][a-z0-9\-]*[a-z0-9])|[a-z0-9]+\.)*([a-z]+|xn\-\-[a-z0-9]+)")
    try:
        taken = load_settings({"external_domain": domain}, {}).external_domain == domain
    except SettingsError:
        taken = False

    assert taken is (theirs.fullmatch(domain) is not None)


def test_listed_namespaces() -> None:
    assert load_settings({}, {}).namespaces == ()
    assert load_settings(None, {"RUNAI_NIM_NAMESPACES": '["a", "b"]'}).namespaces == ("a", "b")
    with pytest.raises(SettingsError, match="namespaces contains a duplicate; list each namespace once"):
        load_settings({"namespaces": ["a", "b", "a"]}, {})
    with pytest.raises(SettingsError, match=r"namespaces\.0 .*'A'"):
        load_settings({"namespaces": ["A"]}, {})


def test_the_secret_of_a_credential() -> None:
    settings = load_settings({"user_credential_secret": "runai-{name}-key"}, {})

    assert settings.credential_secret("mine") == "runai-mine-key"
    assert load_settings(None, {}).credential_secret("mine") is None


def test_every_key_in_force_says_what_sets_it() -> None:
    settings = load_settings({"category_annotation": "example.com/category", "dialect": "kai"}, {})

    of_settings = {name for name in Settings.model_fields if name.endswith(("_label", "_annotation"))}
    in_force = {getattr(settings, name) for name in of_settings} - {None}
    assert set(settings.configured_keys) == in_force | set(settings.project_labels)
    assert settings.configured_keys["example.com/category"] == "spec.category"
    assert settings.configured_keys["kai.scheduler/queue"] == "the namespace's project"


@pytest.mark.parametrize(
    "variable", ["RUNAI_NIM_OPERATOR_SERVICE_HOST", "RUNAI_NIM_OPERATOR_PORT", "RUNAI_NIM_OPERATOR_PORT_8080_TCP_ADDR"]
)
def test_what_the_kubelet_sets_for_a_service_is_no_setting(variable: str) -> None:
    assert load_settings(None, {variable: "10.0.0.1"}) == load_settings(None, {})


@pytest.mark.parametrize(
    ("file", "environ", "messages"),
    [
        ({"wrkers": 3}, {}, ["wrkers in the settings file: unknown setting; did you mean workers?"]),
        ({"xyz": 3}, {}, ["xyz in the settings file: unknown setting; remove it"]),
        ({3: 3}, {}, ["3 in the settings file: unknown setting; remove it"]),
        ({}, {"RUNAI_NIM_LOGLEVEL": "x"}, ["loglevel in RUNAI_NIM_LOGLEVEL: unknown setting; did you mean log_level?"]),
        ({"dialect": "kia"}, {}, ["dialect in the settings file: found 'kia'", "'runai' or 'kai'"]),
        ({"dialect": []}, {}, ["dialect in the settings file: found []"]),
        ({"gpu_fraction_keys": "dots"}, {}, ["gpu_fraction_keys in the settings file: found 'dots'", "'shorthand'"]),
        ({"gpu_fraction_limit_annotation": "{container} x"}, {}, ["gpu_fraction_limit_annotation", "`domain/name`"]),
        ({"gpu_memory_limit_annotation": "{container}.{container}"}, {}, ["{container} may be in a key once"]),
        ({"gpu_fraction_annotation": "{container}"}, {}, ["gpu_fraction_annotation", "`domain/name`"]),
        (
            {},
            {"RUNAI_NIM_HEALTHZ_PORT": "tcp://10.0.0.1:80"},
            ["healthz_port in RUNAI_NIM_HEALTHZ_PORT", "valid integer"],
        ),
        ({"healthz_port": 70000}, {}, ["healthz_port in the settings file: found 70000", "65535"]),
        ({"workers": True}, {}, ["workers in the settings file: found True: must be a number"]),
        ({"workers": 0, "log_level": "loud"}, {}, ["workers in the settings file", "log_level in the settings file"]),
        ({"watch_resync_seconds": float("nan")}, {}, ["watch_resync_seconds"]),
        ({"scheduler_name": "yes"}, {}, ["scheduler_name in the settings file: found 'yes'", "not a YAML word"]),
        ({"scheduler_name": "My scheduler"}, {}, ["scheduler_name", "lower case letters"]),
        ({"scheduler_name": None}, {}, ["scheduler_name in the settings file: found None"]),
        ({"node_pool_label": "a b"}, {}, ["node_pool_label", "`name` or `domain/name`"]),
        ({"node_pool_label": "app.kubernetes.io/name"}, {}, ["node_pool_label", "the NIM Operator uses this key"]),
        ({"priority_label": "app"}, {}, ["priority_label", "the NIM Operator uses this key"]),
        ({"priority_label": "runai-nim.io/service"}, {}, ["priority_label", "the operator uses this key itself"]),
        ({"priority_classes": {"hgh": "x"}}, {}, ["priority_classes.hgh", "'very-high'"]),
        ({"priority_classes": {"high": "not a value"}}, {}, ["priority_classes.high", "a label value"]),
        ({"priority_classes": ["high"]}, {}, ["priority_classes in the settings file", "dictionary"]),
        (
            {},
            {"RUNAI_NIM_PROJECT_LABELS": "runai/queue"},
            ["RUNAI_NIM_PROJECT_LABELS: found 'runai/queue'; write JSON"],
        ),
        ({"gpu_memory_annotation": "gpu-fraction"}, {}, ["settings: two settings use the same key gpu-fraction"]),
        ({"priority_label": "runai/node-pool"}, {}, ["settings: two settings use the same key runai/node-pool"]),
        ({"backoff_initial_seconds": 9, "backoff_max_seconds": 3}, {}, ["backoff_initial_seconds is above"]),
        ({"queue": "serving"}, {}, ["queue is set without queue_label"]),
        ({"queue_of_pool": "{project}-{pool}"}, {}, ["queue_of_pool is set without queue_label"]),
        ({"dialect": "kai", "queue_of_pool": "{project}"}, {}, ["a queue's name with {pool} in it"]),
        ({"dialect": "kai", "queue_of_pool": "{team}-{pool}"}, {}, ["a queue's name with {pool} in it"]),
        ({"leader_election": True}, {}, ["leader_election is on without lease_namespace; set it"]),
        ({"lease_seconds": 2}, {}, ["lease_seconds", "greater than or equal to 3"]),
        ({"multi_node_workers_scheduled_elsewhere": "maybe"}, {}, ["multi_node_workers", "valid boolean"]),
        ({"multi_node_launcher": "slurm"}, {}, ["multi_node_launcher", "'mpi' or 'ray'"]),
        ({"external_mode": "route"}, {}, ["external_mode", "'none', 'ingress' or 'gateway'"]),
        (
            {"external_mode": "ingress"},
            {},
            ["external_mode is ingress without external_domain and external_ingress_class; set what is missing"],
        ),
        (
            {"external_mode": "gateway", "external_domain": "example.com", "external_gateway_name": "edge"},
            {},
            ["external_mode is gateway without external_gateway_namespace; set"],
        ),
        ({"external_ingress_class": "on"}, {}, ["external_ingress_class", "not a YAML word"]),
        ({"external_gateway_name": "1e3"}, {}, ["external_gateway_name", "not a YAML word"]),
        ({"external_gateway_namespace": "A"}, {}, ["external_gateway_namespace", "lower case letters"]),
        ({"external_tls_secret": "{host}-tls"}, {}, ["external_tls_secret", "{name} and {namespace}"]),
        ({"external_tls_secret": "123"}, {}, ["external_tls_secret", "a Secret's name"]),
        ({"external_tls_secret": "{namespace}" * 5}, {}, ["external_tls_secret", "a Secret's name"]),
        ({"user_credential_secret": "runai"}, {}, ["user_credential_secret", "one {name}"]),
        ({"user_credential_secret": "{name}-{name}"}, {}, ["user_credential_secret", "one {name}"]),
        ({"user_credential_secret": "Runai {name}"}, {}, ["user_credential_secret", "one {name}"]),
        ({}, {"RUNAI_NIM_EXTERNAL_ANNOTATIONS": "a: b"}, ["RUNAI_NIM_EXTERNAL_ANNOTATIONS: found 'a: b'; write JSON"]),
        ({"external_annotations": {"a b": "x"}}, {}, ["external_annotations.a b", "`name` or `domain/name`"]),
        ({"external_annotations": {"note": True}}, {}, ["external_annotations.note", "valid string"]),
        (
            {"external_annotations": {"nvidia.com/x": "x"}},
            {},
            ["external_annotations.nvidia.com/x", "is reserved: no field sets it"],
        ),
        ({"external_annotations": {"runai-nim.io/x": "x"}}, {}, ["external_annotations", "the operator sets it"]),
        ({"external_annotations": {"app": "x"}}, {}, ["external_annotations.app", "the NIM Operator uses this key"]),
        (
            {"external_annotations": {"kubernetes.io/ingress.class": "nginx"}},
            {},
            ["external_annotations", "external_ingress_class sets the class"],
        ),
        ({"allowed_annotations": ["metallb.io"] * 2 + ["a b"]}, {}, ["allowed_annotations.2", "pattern of keys"]),
        ({"allowed_annotations": ["a/b/c"]}, {}, ["allowed_annotations.0", "`*` matches any text"]),
        ({"allowed_annotations": ["/b"]}, {}, ["allowed_annotations.0", "found '/b'"]),
        ({"allowed_annotations": [""]}, {}, ["allowed_annotations.0", "found ''"]),
        ({}, {"RUNAI_NIM_ALLOWED_ANNOTATIONS": "metallb.io/*"}, ["RUNAI_NIM_ALLOWED_ANNOTATIONS", "write JSON"]),
        ({"external_hosts": ["*.{name}.com"]}, {}, ["external_hosts.0", "a pattern of hosts is"]),
        ({"external_hosts": ["https://a.com"]}, {}, ["external_hosts.0", "a pattern of hosts is"]),
        ({"reserved_hosts": ["a.com", ""]}, {}, ["reserved_hosts.1", "a pattern of hosts is"]),
        ({"allowed_service_types": ["LoadBalancer"]}, {}, ["allowed_service_types", "ClusterIP must be included"]),
        ({"allowed_service_types": ["ClusterIP", "X"]}, {}, ["allowed_service_types.1", "'ClusterIP', 'NodePort' or"]),
        ({"runtime_class_name": "on"}, {}, ["runtime_class_name", "not a YAML word"]),
        ({"node_selector": {"a b": "x"}}, {}, ["node_selector.a b", "a label key is"]),
        ({"node_selector": {"runai/node-pool": "a"}}, {}, ["node_selector has runai/node-pool", "spec.nodePools"]),
        ({"shared_memory_size": "lots"}, {}, ["shared_memory_size", "must be a number of bytes"]),
        ({"shared_memory_size": "0"}, {}, ["shared_memory_size", "must be above 0"]),
        (
            {"startup_probe": {"failure_treshold": 3}},
            {},
            ["startup_probe.failure_treshold", "did you mean failure_threshold?"],
        ),
        (
            {"startup_probe": {"failure_threshold": 0}},
            {},
            ["startup_probe.failure_threshold", "greater than or equal to 1"],
        ),
        ({"startup_probe": 5}, {}, ["startup_probe in the settings file: found 5"]),
        ({"proxy": {"htps": "x"}}, {}, ["proxy.htps in the settings file: unknown setting; did you mean https?"]),
        ({"proxy": {"https": "proxy:3128"}}, {}, ["proxy.https", "a proxy is http://host:port"]),
        ({"proxy": {"https": "ftp://proxy"}}, {}, ["proxy.https", "a proxy is http://host:port"]),
        ({"proxy": {"https": "http://:3128"}}, {}, ["proxy.https", "a proxy is http://host:port"]),
        ({"proxy": {"https": "http://proxy:0"}}, {}, ["proxy.https", "a proxy is http://host:port"]),
        ({"proxy": {"https": "http://proxy:99999"}}, {}, ["proxy.https", "a proxy is http://host:port"]),
        ({"proxy": {"https": "http://proxy/path"}}, {}, ["proxy.https", "a proxy is http://host:port"]),
        ({"proxy": {"https": "http://pro xy"}}, {}, ["proxy.https", "a proxy is http://host:port"]),
        ({"proxy": {"https": "http://me:hidden@proxy"}}, {}, ["found 'http://…@proxy'", "without credentials"]),
        ({"proxy": {"no_proxy": "a, b"}}, {}, ["proxy.no_proxy", "separated by commas and without spaces"]),
        ({"proxy": {"certificates_config_map": "A"}}, {}, ["proxy.certificates_config_map", "lower case letters"]),
        (
            {"metrics_service_monitor": {"interval": "30s"}},
            {},
            ["metrics_service_monitor", "has parts without enabled"],
        ),
        (
            {"metrics_service_monitor": {"enabled": True, "interval": "30"}},
            {},
            ["interval", "a duration of Prometheus"],
        ),
        ({"service_annotations": {"kai.scheduler/x": "x"}}, {}, ["service_annotations.kai.scheduler/x", "is reserved"]),
        ({"service_annotations": {"note": "\x7f"}}, {}, ["service_annotations.note", "without control characters"]),
        (
            {"allowed_scheduler_annotations": ["*"]},
            {},
            ["allowed_scheduler_annotations.0", "begins with kai.scheduler/"],
        ),
        ({"allowed_scheduler_annotations": ["kai.scheduler/a/b"]}, {}, ["allowed_scheduler_annotations.0"]),
        ({}, {"RUNAI_NIM_PROXY": "http://proxy"}, ["RUNAI_NIM_PROXY: found 'http://proxy'; write JSON"]),
        (["dialect"], {}, ["the settings file contains a list; write `setting: value` lines"]),
    ],
)
def test_mistakes_are_named(file: Any, environ: dict[str, str], messages: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(file, environ)

    for message in messages:
        assert message in str(error.value)


@pytest.mark.parametrize(
    ("file", "environment"),
    [
        ({"healthz_port": 1 << 20_000}, {}),
        ({"project_labels": [1 << 20_000]}, {}),
        ({"lease_seconds": -1 << 20_000}, {}),
        ({"backoff_max_seconds": 1 << 20_000}, {}),
        ({"none such": {"a": 1 << 20_000}}, {}),
        ({}, {"RUNAI_NIM_PROJECT_LABELS": "9" * 5000}),
        ({}, {"RUNAI_NIM_PROJECT_LABELS": "[" * 100_000}),
        ({}, {"RUNAI_NIM_HEALTHZ_PORT": "9" * 5000}),
    ],
)
def test_what_is_too_large_to_be_read_or_shown_is_a_mistake(file: Any, environment: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        load_settings(file, environment)
