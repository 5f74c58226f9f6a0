"""Rendering, status and knobs of the stand-in where no recording shows them, with plain values."""

from typing import Any

import pytest

from local.nim_operator import children, status, workload
from local.nim_operator.knobs import Knobs, knobs_of
from local.nim_operator.workload import ModelStore, PanicError, RenderError
from tests.nim_operator.plain import a_cache, a_nim


def pod_of(nim: dict[str, Any], store: ModelStore | None = None) -> dict[str, Any]:
    made = workload.deployment(nim, store or ModelStore("store"), nim["spec"].get("resources", {}))
    pod: dict[str, Any] = made["spec"]["template"]["spec"]
    return pod


def test_scheduling_fields_reach_the_pod_without_toleration_seconds() -> None:
    affinity: dict[str, Any] = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}
    }
    pod = pod_of(
        a_nim(
            schedulerName="runai-scheduler",
            affinity=affinity,
            priorityClassName="high",
            runtimeClassName="nvidia",
            tolerations=[{"key": "k", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}],
        )
    )
    assert pod["schedulerName"] == "runai-scheduler"
    assert pod["affinity"] == affinity
    assert pod["priorityClassName"] == "high"
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["tolerations"] == [{"key": "k", "operator": "Exists", "effect": "NoExecute"}]


def test_ids_replace_the_defaults() -> None:
    assert pod_of(a_nim(userID=0, groupID=30))["securityContext"] == {"runAsUser": 0, "runAsGroup": 30, "fsGroup": 30}


def test_storage_options_reach_volumes_and_mount() -> None:
    pod = pod_of(a_nim(storage={"readOnly": True, "sharedMemorySizeLimit": "1Gi"}), ModelStore("store", "sub"))
    assert pod["volumes"] == [
        {"name": "dshm", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
        {"name": "model-store", "persistentVolumeClaim": {"claimName": "store", "readOnly": True}},
    ]
    assert pod["containers"][0]["volumeMounts"][0]["subPath"] == "sub"


def test_a_proxy_becomes_variables_that_override_those_of_the_user() -> None:
    env = [{"name": "https_proxy", "value": "mine"}, {"name": "A", "value": "1"}]
    pod = pod_of(a_nim(proxy={"httpsProxy": "http://proxy", "noProxy": ".svc"}, env=env))
    found = {variable["name"]: variable.get("value") for variable in pod["containers"][0]["env"]}
    assert found["A"] == "1"
    assert found["NIM_SDK_USE_NATIVE_TLS"] == "1"
    assert (found["HTTPS_PROXY"], found["https_proxy"]) == ("http://proxy", "http://proxy")
    assert (found["HTTP_PROXY"], found["http_proxy"], found["NO_PROXY"], found["no_proxy"]) == ("", "", ".svc", ".svc")
    assert "initContainers" not in pod


def test_certificates_are_added_by_a_container_before_the_nim() -> None:
    nim = a_nim(proxy={"certConfigMap": "ca"})
    pod = pod_of(nim)
    (first,) = pod["initContainers"]
    assert first["securityContext"] == {"runAsUser": 0, "runAsNonRoot": False}
    assert first["image"] == pod["containers"][0]["image"]
    assert [volume["configMap"] for volume in pod["volumes"] if volume["name"] == "custom-ca"] == [{"name": "ca"}]
    assert {"name": "ca-cert-volume", "mountPath": "/etc/ssl"} in pod["containers"][0]["volumeMounts"]
    assert children.annotations_of(nim)[children.SCC] == "anyuid"


def test_a_service_monitor_scrapes_the_ports_that_there_are() -> None:
    monitor = {"additionalLabels": {"release": "prometheus"}, "interval": "30s"}
    nim = a_nim(metrics={"enabled": True, "serviceMonitor": monitor}, service={"metricsPort": 8002})
    made = children.service_monitor(nim)
    assert made["metadata"]["labels"]["release"] == "prometheus"
    assert made["spec"]["selector"] == {"matchLabels": children.labels_of(nim)}
    assert made["spec"]["endpoints"] == [
        {"port": "api", "path": "/v1/metrics", "interval": "30s"},
        {"port": "metrics", "path": "/metrics", "interval": "30s"},
    ]


def test_without_a_claim_the_model_is_on_the_pods_disk() -> None:
    pod = pod_of(a_nim(storage={"emptyDir": {"sizeLimit": "9Gi"}}), ModelStore())
    assert pod["volumes"][1] == {"name": "model-store", "emptyDir": {"sizeLimit": "9Gi"}}


def test_ports_reach_container_and_environment_and_users_win() -> None:
    pod = pod_of(
        a_nim(service={"grpcPort": 8001, "metricsPort": 8002}, env=[{"name": "NIM_SERVER_PORT", "value": "1"}])
    )
    container = pod["containers"][0]
    assert [(port["name"], port["containerPort"]) for port in container["ports"]] == [
        ("api", 8000),
        ("grpc", 8001),
        ("metrics", 8002),
    ]
    env = {variable["name"]: variable.get("value") for variable in container["env"]}
    assert env["NIM_SERVER_PORT"] == "1"
    assert env["NIM_GRPC_API_PORT"] == "8001"
    assert env["NIM_TRITON_METRICS_PORT"] == "8002"


def test_a_disabled_probe_is_gone_and_a_given_one_is_used_as_it_is() -> None:
    probe = {"httpGet": {"path": "/", "port": 1}}
    container = pod_of(a_nim(livenessProbe={"enabled": False}, startupProbe={"probe": probe}))["containers"][0]
    assert "livenessProbe" not in container
    assert container["startupProbe"] == probe
    assert container["readinessProbe"]["httpGet"]["path"] == "/v1/health/ready"


def test_hurried_default_probes_wait_less_and_others_are_left_alone() -> None:
    probe = {"httpGet": {"path": "/", "port": 1}, "initialDelaySeconds": 60}
    nim = a_nim(livenessProbe={"enabled": False}, startupProbe={"probe": probe})
    container = pod_of(workload.shorten_probe_delays(nim, 20))["containers"][0]
    assert "livenessProbe" not in container
    assert container["startupProbe"] == probe
    assert container["readinessProbe"]["initialDelaySeconds"] == 15
    assert (
        pod_of(workload.shorten_probe_delays(a_nim(), 20))["containers"][0]["startupProbe"]["initialDelaySeconds"] == 20
    )


@pytest.mark.parametrize("text", ["true", "yes", "on", "n", "null", "~", "123", "1e3", "0.5"])
def test_values_that_yaml_reads_as_something_else_break_the_deployment(text: str) -> None:
    for changes in ({"schedulerName": text}, {"nodeSelector": {"pool": text}}):
        with pytest.raises(RenderError):
            pod_of(a_nim(**changes))


@pytest.mark.parametrize("character", ["\x7f", "\x80", "\x84", "\x86", "\x9f", "\ufffe", "\uffff"])
def test_characters_that_yaml_can_t_hold_break_the_deployment(character: str) -> None:
    for changes in ({"env": [{"name": "A", "value": f"a{character}"}]}, {"annotations": {"a": character}}):
        with pytest.raises(RenderError):
            pod_of(a_nim(**changes))


def test_a_next_line_becomes_a_space_and_other_characters_stay() -> None:
    env = [{"name": "A", "value": "a\x85b"}, {"name": "B", "value": "\x01\xa0\ufffd\U0001f600"}]

    made = pod_of(a_nim(env=env))["containers"][0]["env"]

    assert [variable["value"] for variable in made[:2]] == ["a b", "\x01\xa0\ufffd\U0001f600"]


@pytest.mark.parametrize("text", ["a", "none", "east-1", "1.2.3"])
def test_values_that_stay_strings_do_not(text: str) -> None:
    assert pod_of(a_nim(nodeSelector={"pool": text}))["nodeSelector"] == {"pool": text}


def test_a_profile_adds_its_gpus_where_none_are_asked_for() -> None:
    assert workload.resources_of(a_nim(), "p1", a_cache(tp="4")) == {
        "requests": {"nvidia.com/gpu": "4"},
        "limits": {"nvidia.com/gpu": "4"},
    }
    assert workload.resources_of(a_nim(), "unknown", a_cache(tp="4")) == {}
    given = {"requests": {"nvidia.com/gpu": "0"}}
    assert workload.resources_of(a_nim(resources=given), "p1", a_cache(tp="4")) == given


@pytest.mark.parametrize("resources", [{}, {"limits": {"cpu": "1"}}, {"requests": {"cpu": "1"}}])
def test_a_profile_and_a_missing_map_panic(resources: dict[str, Any]) -> None:
    with pytest.raises(PanicError):
        workload.resources_of(a_nim(resources=resources), "p1", a_cache())


def test_a_cache_with_a_model_endpoint_adds_no_gpus_but_the_models_place() -> None:
    cache = a_cache(tp="4")
    cache["spec"]["source"]["ngc"]["modelEndpoint"] = "https://example.com"
    assert workload.resources_of(a_nim(), "p1", cache) == {}
    store = workload.store_of_cache(a_nim(storage={"nimCache": {"name": "cache"}}), cache)
    assert store == ModelStore("store", "sub", "", (("NIM_MODEL_NAME", "/model-store"),))


def test_an_autoscaled_deployment_starts_with_one_replica() -> None:
    scale = {"enabled": True, "hpa": {"minReplicas": 2, "maxReplicas": 5}}
    store = workload.ModelStore("store")
    assert workload.deployment(a_nim(scale=scale), store, {})["spec"]["replicas"] == 1
    assert workload.deployment(a_nim(replicas=3), store, {})["spec"]["replicas"] == 3


def test_standard_labels_and_annotations_beat_the_users() -> None:
    nim = a_nim(labels={"app.kubernetes.io/name": "x", "a": "b"}, annotations={children.SCC: "x", "c": "d"})
    assert children.labels_of(nim) == {**children.standard_labels("llama"), "a": "b"}
    assert children.annotations_of(nim) == {children.SCC: "nonroot", "c": "d"}


def deployment(wanted: int | None, **counts: Any) -> dict[str, Any]:
    spec = {} if wanted is None else {"replicas": wanted}
    return {"metadata": {"name": "llama"}, "spec": spec, "status": counts}


@pytest.mark.parametrize(
    ("found", "message", "ready"),
    [
        (None, "", False),
        (deployment(0), "is scaled down", False),
        (deployment(2, replicas=2, updatedReplicas=1), "1 out of 2 new replicas have been updated", False),
        (deployment(1, replicas=3, updatedReplicas=1), "2 old replicas are pending termination", False),
        (deployment(2, replicas=2, updatedReplicas=2, availableReplicas=1), "1 of 2 updated replicas", False),
        (deployment(None, replicas=1, updatedReplicas=1, availableReplicas=1), "successfully rolled out", True),
        (deployment(1, conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}]), "deadline", False),
    ],
)
def test_rollout(found: dict[str, Any] | None, message: str, ready: bool) -> None:
    said, is_ready = status.rollout(found)
    assert message in said
    assert is_ready is ready


def test_a_failed_cache_is_quoted() -> None:
    condition = {"type": "Failed", "status": "True", "message": "no space"}
    cache = a_cache() | {"status": {"state": "Failed", "conditions": [condition]}}
    obstacle = status.cache_obstacle("llama", "cache", cache)
    assert obstacle is not None
    said, event = obstacle
    assert said["conditions"][1] == {
        "type": "Failed",
        "status": "True",
        "reason": "NIMCacheFailed",
        "message": "no space",
    }
    assert event == ("Warning", "Failed", "no space")


def test_a_condition_keeps_its_time_while_its_status_stays() -> None:
    before = status.add_transition_times(status.not_ready_status("NotReady", "one"), {}, "t1")
    after = status.add_transition_times(status.ready_status("two", {}), before, "t2")
    assert [(known["type"], known["lastTransitionTime"]) for known in after["conditions"]] == [
        ("Ready", "t2"),
        ("Failed", "t1"),
    ]


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ({"object": "list", "data": [{"id": "a"}]}, "a"),
        ({"object": "list", "data": []}, ""),
        (
            {
                "object": "list",
                "data": [{"id": "l", "root": "a", "object": "model"}, {"id": "a", "root": "a", "object": "model"}],
            },
            "a",
        ),
        ({"object": "model"}, ""),
        (None, ""),
    ],
)
def test_the_models_name(answer: Any, name: str) -> None:
    assert status.model_name(answer) == name


def test_knobs_are_read_from_metadata_before_the_spec() -> None:
    prefix = "stand-in.runai-nim.io/"
    of_the_spec = {prefix + "delay-service": "9", prefix + "delay-ready": "3"}
    of_the_spec |= dict.fromkeys((prefix + "never-act", prefix + "write-twice"), "true")
    nim = a_nim({prefix + "delay-service": "2", prefix + "fail": "no luck"}, annotations=of_the_spec)
    assert knobs_of(nim, Knobs(delay_deployment=1)) == Knobs(2, 1, 3, fail="no luck", never_act=True, write_twice=True)


@pytest.mark.parametrize("text", ["soon", "-1", "nan", "inf", ""])
def test_a_delay_that_is_none_is_ignored(text: str) -> None:
    assert knobs_of(a_nim({"stand-in.runai-nim.io/delay-ready": text}), Knobs(delay_ready=4)).delay_ready == 4
