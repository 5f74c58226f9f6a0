"""Rules of single blocks as tables: what is added to a valid resource, and each (reason, path) that it gets."""

from dataclasses import replace
from typing import Any

import pytest

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.validate import validate
from tests.support.decisions import input_of
from tests.support.resources import a_cr

Found = list[tuple[str, str]]

OF_A_CACHE = {"modelStore": {"nimCache": {"name": "cache", "profile": "tp1"}}}


def found(spec: dict[str, Any], name: str = "llama", exists: bool = False, **settings: Any) -> Found:
    cr = a_cr(OF_A_CACHE | spec, name=name)
    context = Context(load_settings(settings, {}), {"runai/queue": "team-a"}, nimservice_exists=exists)
    return [(finding.reason, finding.path) for finding in validate(input_of(cr, context))[1]]


VARIABLES: list[tuple[dict[str, Any], Found]] = [
    ({"value": ""}, []),
    ({"value": "x", "description": "for people"}, []),
    ({"secret": {"name": "s", "key": "k"}}, []),
    ({"configMap": {"name": "c", "key": ".hidden"}}, []),
    ({"podFieldRef": {"path": "status.podIP"}}, []),
    ({"podFieldRef": {"path": "metadata.labels['example.com/team']"}}, []),
    ({"name": "-.a_B9", "value": "x"}, []),
    ({"name": "NIM_SERVER_PORT", "value": "8000"}, []),
    ({"name": "NIM_SERVER_PORT", "exclude": True}, []),
    ({"name": "NIM_MODEL_PROFILE", "value": "tp1"}, []),
    ({"name": "NIM_MODEL_PROFILE", "exclude": True}, []),
    ({"exclude": True}, []),
    ({"secret": {}, "exclude": True}, []),
    ({"userCredential": {"name": "c", "key": "k"}, "exclude": True}, []),
    ({}, [("RequiredField", "")]),
    ({"value": "", "secret": {"name": "s", "key": "k"}}, [("ConflictingFields", "")]),
    # So does the API server, by CEL, whatever `exclude` says.
    ({"value": "", "podFieldRef": {"path": "metadata.name"}, "exclude": True}, [("ConflictingFields", "")]),
    ({"name": "9", "value": "x"}, [("InvalidName", ".name")]),
    ({"name": "A=B", "exclude": True}, [("InvalidName", ".name")]),
    ({"secret": {"key": "k"}}, [("RequiredField", ".secret.name")]),
    ({"configMap": {"name": "c"}}, [("RequiredField", ".configMap.key")]),
    ({"podFieldRef": {}}, [("RequiredField", ".podFieldRef.path")]),
    ({"podFieldRef": {"path": "spec.containers"}}, [("InvalidValue", ".podFieldRef.path")]),
    ({"podFieldRef": {"path": "metadata.labels['']"}}, [("InvalidValue", ".podFieldRef.path")]),
    ({"userCredential": {}}, [("RequiredField", f".userCredential.{part}") for part in ("name", "key")]),
    ({"userCredential": {"name": "c", "key": "k"}}, [("NotConfigured", ".userCredential.name")]),
    *(
        ({"secret": {"name": "s", "key": key}}, [("InvalidValue", ".secret.key")])
        for key in (".", "..", "..data", "a/b", "a b")
    ),
    ({"name": "NIM_HTTP_API_PORT", "value": "9000"}, [("ConflictingFields", "")]),
    ({"name": "NIM_SERVER_PORT", "configMap": {"name": "c", "key": "k"}}, [("ConflictingFields", "")]),
    ({"name": "NIM_MODEL_PROFILE", "value": "tp2"}, [("ConflictingFields", "")]),
    ({"name": "NIM_MODEL_PROFILE", "secret": {"name": "s", "key": "k"}}, [("ConflictingFields", "")]),
]


@pytest.mark.parametrize(("variable", "expected"), VARIABLES)
def test_environment_variables(variable: dict[str, Any], expected: Found) -> None:
    variables = [{"name": "FIRST", "value": "x"}, {"name": "A", **variable}]

    wanted = [(reason, f"spec.environmentVariables[1]{path}") for reason, path in expected]
    assert found({"environmentVariables": variables}) == wanted


def test_a_variable_is_free_where_nothing_else_says_the_same() -> None:
    profile = {"environmentVariables": [{"name": "NIM_MODEL_PROFILE", "value": "tp2"}]}
    port = {"environmentVariables": [{"name": "NIM_SERVER_PORT", "value": "1"}], "servingPort": None}

    assert found({**profile, "modelStore": {"nimCache": {"name": "cache"}}}) == []
    assert found({**profile, "modelStore": {"pvc": {"existingPvc": True, "claimName": "c"}}}) == []
    assert found({**profile, "modelStore": None}) == [("RequiredField", "spec.modelStore")]
    assert found(port) == [("RequiredField", "spec.servingPort.port")]


@pytest.mark.parametrize("field", ["environmentVariables", "labels", "annotations", "imagePullSecrets", "tolerations"])
def test_a_name_is_listed_once_even_to_exclude_it(field: str) -> None:
    item = {"value": "x"} if field == "environmentVariables" else {"operator": "Exists"} if "tol" in field else {}

    assert found({field: [{"name": "a", **item}, {"name": "b", **item}]}) == []
    assert found({field: [{"name": "a", **item}, {"name": "a", **item, "exclude": True}]}) == [
        ("DuplicateValue", f"spec.{field}[1].name")
    ]


@pytest.mark.parametrize(
    ("template", "name", "variable", "pulled"),
    [
        ("runai-{name}", "mine", [], []),
        ("runai-{name}", "yes", [], []),
        ("{name}", "yes", [], ["InvalidName"]),
        ("", "mine", ["NotConfigured"], ["NotConfigured"]),
        ("{name}-key", "a" * 250, ["InvalidName"], ["InvalidName"]),
    ],
)
def test_user_credentials(template: str, name: str, variable: list[str], pulled: list[str]) -> None:
    variables = [{"name": "A", "userCredential": {"name": name, "key": "k"}}]
    secrets = [{"name": name, "userCredential": True}]
    excluded = [{"name": name, "userCredential": True, "exclude": True}]

    def reasons(**spec: Any) -> list[str]:
        return [reason for reason, _ in found(spec, user_credential_secret=template)]

    assert reasons(environmentVariables=variables) == variable
    assert reasons(imagePullSecrets=secrets) == pulled
    assert reasons(imagePullSecrets=excluded) == []


@pytest.mark.parametrize(
    ("labels", "annotations"),
    [
        ({"name": "team"}, []),
        ({"name": "example.com/team", "value": "A_b.9"}, []),
        ({"name": "note", "value": "a b"}, [("InvalidValue", "spec.labels[0].value")]),
        ({"name": "note", "value": "a" * 64}, [("InvalidValue", "spec.labels[0].value")]),
        ({"name": "note", "value": "a b", "exclude": True}, []),
        ({"name": "project", "exclude": True}, []),
        ({"name": "a b", "exclude": True}, [("InvalidName", "spec.labels[0].name")]),
        ({"name": "/x"}, [("InvalidName", "spec.labels[0].name")]),
        ({"name": "app"}, [("ReservedKey", "spec.labels[0].name")]),
        ({"name": "app.kubernetes.io/part-of"}, [("ReservedKey", "spec.labels[0].name")]),
        ({"name": "user"}, [("ReservedKey", "spec.labels[0].name")]),
        ({"name": "example.com/pools"}, [("ReservedKey", "spec.labels[0].name")]),
    ],
)
def test_labels_and_annotations(labels: dict[str, Any], annotations: Found) -> None:
    expected = [(reason, path.replace("labels", "annotations")) for reason, path in annotations if "value" not in path]

    assert found({"labels": [labels]}, node_pools_annotation="example.com/pools") == annotations
    assert found({"annotations": [labels]}, node_pools_annotation="example.com/pools") == expected


@pytest.mark.parametrize(
    ("toleration", "expected"),
    [
        ({"operator": "Exists"}, []),
        ({"operator": "Exists", "key": "", "value": ""}, []),
        ({"operator": "Exists", "key": "example.com/gpu", "effect": "Any"}, []),
        ({"operator": "Equal", "key": "gpu"}, []),
        ({"key": "gpu", "value": "yes"}, []),
        ({"exclude": True}, []),
        ({"key": "a b", "value": "a b", "exclude": True}, []),
        ({"operator": "Exists", "value": "a b"}, [("ConflictingFields", "value")]),
        ({"operator": "Exists", "value": "x", "exclude": True}, [("ConflictingFields", "value")]),
        ({"operator": "Exists", "seconds": 1}, [("ConflictingFields", "seconds")]),
        ({"operator": "Exists", "seconds": 1, "effect": "NoSchedule"}, [("ConflictingFields", "seconds")]),
        ({"seconds": 1, "effect": "Any", "exclude": True}, [("ConflictingFields", "seconds")]),
        ({"operator": "Exists", "seconds": 1, "effect": "NoExecute"}, [("IgnoredField", "seconds")]),
        ({"seconds": 1, "effect": "NoExecute", "exclude": True}, []),
        ({"operator": "Equal"}, [("RequiredField", "key")]),
        ({}, [("RequiredField", "key")]),
        ({"key": "a/b/c", "value": "x"}, [("InvalidValue", "key")]),
        ({"key": "gpu", "value": "-"}, [("InvalidValue", "value")]),
    ],
)
def test_tolerations(toleration: dict[str, Any], expected: Found) -> None:
    assert found({"tolerations": [toleration]}) == [(reason, f"spec.tolerations[0].{key}") for reason, key in expected]


@pytest.mark.parametrize(
    ("scaling", "beside", "expected"),
    [
        ({"metric": "queue", "metricThreshold": 1}, {}, []),
        ({"metric": "queue", "metricThreshold": 1}, {"replicas": 1}, []),
        ({"metric": "queue", "metricThreshold": 1}, {"replicas": 0}, [("ConflictingFields", "spec.replicas")]),
        ({"metric": "queue", "metricThreshold": 1, "minReplicas": 2}, {}, []),
        ({"metric": "queue", "metricThreshold": 1, "maxReplicas": 1}, {}, []),
        ({"metric": "queue", "metricThreshold": 1, "minReplicas": 2, "maxReplicas": 2}, {}, []),
        (
            {"metric": "queue", "metricThreshold": 1, "minReplicas": 3, "maxReplicas": 2},
            {},
            [("ConflictingFields", "spec.autoscaling.maxReplicas")],
        ),
        ({"metric": "queue"}, {}, [("RequiredField", "spec.autoscaling.metricThreshold")]),
        ({"metricThreshold": 1}, {}, [("RequiredField", "spec.autoscaling.metric")]),
        ({"metric": "cpu", "metricThreshold": 1}, {"compute": {"cpuCoreRequest": 0.5}}, []),
        ({"metric": "cpu", "metricThreshold": 1, "metricType": "Pods"}, {}, []),
        *(
            ({"metric": "queue", "metricThresholdQuantity": text}, {}, [])
            for text in ("1m", "500m", "0.5", "2", "1k", "9223372036854775807")
        ),
        *(
            (
                {"metric": "queue", "metricThresholdQuantity": text},
                {},
                [("InvalidQuantity", "spec.autoscaling.metricThresholdQuantity")],
            )
            for text in ("", "0", "-1", "half", "999u", "1e99", "5%")
        ),
        (
            {"metric": "cpu", "metricThresholdQuantity": "500m"},
            {"compute": {"cpuCoreRequest": 0.5}},
            [("ConflictingFields", "spec.autoscaling.metricThresholdQuantity")],
        ),
        (
            {"metric": "queue", "metricThresholdQuantity": "500m", "metricThreshold": 1},
            {},
            [("ConflictingFields", "spec.autoscaling.metricThresholdQuantity")],
        ),
        ({"metric": "queue", "metricThreshold": 1, "minReplicas": 0, "metricType": "External"}, {}, []),
        ({"metric": "queue", "metricThreshold": 1, "minReplicas": 0, "metricType": "Object"}, {}, []),
        *(
            (
                {"metric": "queue", "metricThreshold": 1, "minReplicas": 0, **kind},
                {},
                [("ConflictingFields", "spec.autoscaling.minReplicas")],
            )
            for kind in ({}, {"metricType": "Pods"})
        ),
        ({"metric": "memory", "metricThreshold": 1}, {"compute": {"cpuMemoryRequest": "1Gi"}}, []),
        (
            {"metric": "memory", "metricThreshold": 1},
            {"compute": {"cpuMemoryRequest": "much"}},
            [("InvalidQuantity", "spec.compute.cpuMemoryRequest")],
        ),
        *(
            (
                {"metric": metric, "metricThreshold": 1},
                {"compute": compute},
                [("RequiredField", "spec.autoscaling.metric")],
            )
            for metric, compute in (
                ("cpu", None),
                ("cpu", {"cpuCoreRequest": 0}),
                ("cpu", {"cpuMemoryRequest": "1Gi"}),
                ("memory", {}),
                ("memory", {"cpuMemoryRequest": "0Gi"}),
            )
        ),
    ],
)
def test_autoscaling(scaling: dict[str, Any], beside: dict[str, Any], expected: Found) -> None:
    assert found({"autoscaling": scaling, **beside}) == expected


GPUS = {"gpuDevicesRequest": 2}


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        ({}, []),
        ({"multiNode": {}}, [("RequiredField", "spec.multiNode.workers")]),
        ({"replicas": 3}, []),
        ({"compute": {**GPUS, "gpuRequestType": "portion", "gpuPortionRequest": 1}}, []),
        ({"servingPort": {"port": 8000, "metricsPort": 8000}}, []),
        ({"servingPort": None}, [("RequiredField", "spec.servingPort.port")]),
        (
            {"autoscaling": {"metric": "queue", "metricThreshold": 1}},
            [("ConflictingFields", "spec.autoscaling")],
        ),
        ({"compute": None}, [("RequiredField", "spec.compute.gpuDevicesRequest")]),
        ({"compute": {"gpuDevicesRequest": 0}}, [("ConflictingFields", "spec.compute.gpuDevicesRequest")]),
        (
            {"compute": {**GPUS, "gpuRequestType": "portion", "gpuPortionRequest": 0}},
            [("ConflictingFields", "spec.compute.gpuPortionRequest")],
        ),
        (
            {"compute": {**GPUS, "gpuRequestType": "portion", "gpuPortionRequest": 0.5}},
            [("ConflictingFields", "spec.compute.gpuRequestType")],
        ),
        (
            {"compute": {"gpuDevicesRequest": 1, "gpuRequestType": "memory", "gpuMemoryRequest": "1Gi"}},
            [("ConflictingFields", "spec.compute.gpuRequestType")],
        ),
        # A portion that is missing is one mistake, not two.
        (
            {"compute": {**GPUS, "gpuRequestType": "portion"}},
            [("RequiredField", "spec.compute.gpuPortionRequest")],
        ),
        ({"nodePools": ["default"]}, [("ConflictingFields", "spec.nodePools")]),
        ({"servingPort": {"port": 8000, "grpcPort": 9000}}, [("ConflictingFields", "spec.servingPort.grpcPort")]),
        ({"servingPort": {"port": 8000, "metricsPort": 9000}}, [("ConflictingFields", "spec.servingPort.metricsPort")]),
        ({"imagePullPolicy": "Never"}, [("IgnoredField", "spec.imagePullPolicy")]),
    ],
)
def test_multi_node(beside: dict[str, Any], expected: Found) -> None:
    assert found({"multiNode": {"workers": 1}, "compute": GPUS, **beside}) == expected


def test_multi_node_needs_a_short_name() -> None:
    spec = {"multiNode": {"workers": 1}, "compute": GPUS}

    assert found(spec, "a" * 44) == []
    assert found(spec, "a" * 45) == [("InvalidName", "metadata.name")]
    assert found({}, "a" * 45) == []


@pytest.mark.parametrize(("field", "value"), [("replicas", 0), ("desiredPhase", "Stopped")])
def test_multi_node_is_stopped_only_after_it_was_started(field: str, value: Any) -> None:
    spec = {"multiNode": {"workers": 1}, "compute": GPUS, field: value}

    assert found(spec) == [("ConflictingFields", f"spec.{field}")]
    assert found(spec, exists=True) == []
    assert found({field: value}) == []


NIM = "nvcr.io/nim/meta/llama"
DIGEST = f"@sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("tag", "is_known"),
    [
        *((tag, True) for tag in (":1.0", ":1.8.5-rtx", ":2", ":v2.0.10", ":2.0.10", ":3.0.0_x", f":2.0.10{DIGEST}")),
        *((tag, False) for tag in ("", ":latest", ":20261128", ":3f2a9c1", ":stable-2.0", DIGEST)),
    ],
)
def test_the_launcher_follows_from_a_version_or_is_named(tag: str, is_known: bool) -> None:
    spec: dict[str, Any] = {"image": NIM + tag, "multiNode": {"workers": 1}, "compute": GPUS}
    path = "spec.multiNode.launcher"

    told = [finding for finding in found(spec) if finding[1] == path]
    assert told == [] if is_known else told == [("RequiredField", path)]
    assert path not in {where for _, where in found(spec, multi_node_launcher="mpi")}
    assert path not in {where for _, where in found({**spec, "multiNode": {"workers": 1, "launcher": "ray"}})}


def severities(spec: dict[str, Any], *, exists: bool = False, version: str = "3.1.1") -> list[tuple[str, str]]:
    installed = NIMServiceSchema.of_version(version)
    context = Context(load_settings(None, {}), {"runai/queue": "team-a"}, nimservice_exists=exists)
    cr = a_cr(OF_A_CACHE | {"multiNode": {"workers": 1}, "compute": GPUS} | spec, name="llama")
    findings = validate(input_of(cr, replace(context, nimservice_schema=installed)))[1]
    return [(finding.severity, finding.path) for finding in findings]


def test_a_service_that_exists_keeps_its_launcher() -> None:
    assert severities({"image": NIM}) == [("error", "spec.multiNode.launcher")]
    assert severities({"image": NIM}, exists=True) == [("warning", "spec.multiNode.launcher")]
    assert severities({"image": "?"}) == [("error", "spec.image")]


def test_an_older_nim_operator_has_no_choice() -> None:
    assert severities({"image": NIM}, version="3.1.0") == []
    assert severities({"image": f"{NIM}:2.0.10"}, version="3.1.0") == [("warning", "spec.image")]
    assert severities({"image": f"{NIM}:2.0.10", "multiNode": {"workers": 1, "launcher": "mpi"}}, version="3.1.0") == []


@pytest.mark.parametrize(
    ("multi_node", "image", "expected"),
    [
        ({"startTimeoutSeconds": 60}, ":1.0", []),
        ({"startTimeoutSeconds": 60, "launcher": "mpi"}, ":2.0", []),
        ({"startTimeoutSeconds": 60}, ":2.0", [("ConflictingFields", "spec.multiNode.startTimeoutSeconds")]),
        ({"tensorParallelism": 2}, ":1.0", []),
        ({"tensorParallelism": 4}, ":1.0", []),
        ({"tensorParallelism": 1}, ":1.0", [("ConflictingFields", "spec.multiNode.tensorParallelism")]),
    ],
)
def test_how_several_nodes_start(multi_node: dict[str, Any], image: str, expected: Found) -> None:
    spec = {"image": NIM + image, "multiNode": {"workers": 1, **multi_node}, "compute": GPUS}

    assert found(spec) == expected


def test_without_gpus_there_is_no_tensor_parallelism_to_compare() -> None:
    spec = {"multiNode": {"workers": 1, "tensorParallelism": 3}}

    assert found(spec) == [("RequiredField", "spec.compute.gpuDevicesRequest")]


def test_multi_node_under_kai_needs_a_setting() -> None:
    spec = {"multiNode": {"workers": 1}, "compute": GPUS}

    assert found(spec, dialect="kai") == [("NotConfigured", "spec.multiNode")]
    assert found(spec, dialect="kai", multi_node_workers_scheduled_elsewhere=True) == []
    assert found({}, dialect="kai") == []


@pytest.mark.parametrize("readiness", [None, {}, {"handler": {}}, {"handler": {"httpGet": {"port": 1}}}])
def test_probes(readiness: Any) -> None:
    assert found({"probes": {"readiness": readiness}}) == []


def test_a_probe_of_its_own_needs_a_port() -> None:
    probes: dict[str, Any] = {"readiness": {"handler": {"httpGet": {}}}}

    assert found({"probes": probes}) == [("RequiredField", "spec.probes.readiness.handler.httpGet.port")]


@pytest.mark.parametrize("probe", ["readiness", "startup", "liveness"])
def test_each_probe_has_the_same_rules(probe: str) -> None:
    handler = {"handler": {"httpGet": {"host": "localhost"}}}
    path = f"spec.probes.{probe}"

    assert found({"probes": {probe: {"handler": {"httpGet": {"port": 1}}, "successThreshold": 1}}}) == []
    assert found({"probes": {probe: handler}}) == [
        ("RequiredField", f"{path}.handler.httpGet.port"),
        ("InvalidValue", f"{path}.handler.httpGet.host"),
    ]
    twice = [] if probe == "readiness" else [("ConflictingFields", f"{path}.successThreshold")]
    assert found({"probes": {probe: {"successThreshold": 2}}}) == twice


def asked_of(host: str) -> Found:
    return found({"probes": {"readiness": {"handler": {"httpGet": {"port": 80, "host": host}}}}})


@pytest.mark.parametrize(
    "host",
    ["", "nim", "health.Example.com", "10.0.0.7", "fd00::7", "::ffff:10.0.0.7", "0x7.example.com", "8.nim", "a" * 63],
)
def test_a_probe_may_ask_a_host(host: str) -> None:
    assert asked_of(host) == []


@pytest.mark.parametrize(
    "host",
    [
        *("169.254.169.254", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "::ffff:a9fe:a9fe"),
        *("2852039166", "0xa9fea9fe", "0XA9FEA9FE", "169.254.43518", "0251.0376.0251.0376", "1.2.3.4.5", "10.0.0.0x7"),
        *("127.0.0.1", "127.1", "::1", "0.0.0.0", "::", "localhost", "metadata.LOCALHOST", "224.0.0.1", "ff02::1"),  # noqa: S104
        *("fd00::7%eth0", "[fd00::7]", "user@nim", "nim:80", "nim/metadata", "nim?", "nim#", "a b", "a..b", "-a"),
        *("nim.", "a-.", "a_b", "nim\n", "a" * 64, "\u0661.example.com", "\u2488example.com"),
    ],
)  # fmt: skip
def test_a_probe_asks_nothing_of_the_node_s_own(host: str) -> None:
    assert asked_of(host) == [("InvalidValue", "spec.probes.readiness.handler.httpGet.host")]
