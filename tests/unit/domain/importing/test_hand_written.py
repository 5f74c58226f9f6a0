"""NIMServices as users of the NIM Operator write them: what becomes a field, and what is said of the rest."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.importing import Imported, import_nimservice
from tests.contract.resources import GATEWAY, INGRESS

SPEC: dict[str, Any] = {
    "image": {"repository": "nvcr.io/nim/meta/llama", "tag": "1.8.5"},
    "authSecret": "ngc",
    "storage": {"nimCache": {"name": "cache"}},
    "expose": {"service": {"port": 8000}},
}
RESULT: dict[str, Any] = {
    "image": "nvcr.io/nim/meta/llama:1.8.5",
    "ngcAuthSecret": "ngc",
    "modelStore": {"nimCache": {"name": "cache"}},
    "servingPort": {"port": 8000},
}


def imported(spec: dict[str, Any], given: dict[str, Any] | None = None, **metadata: Any) -> Imported:
    nimservice = {
        "apiVersion": "apps.nvidia.com/v1alpha1",
        "kind": "NIMService",
        "metadata": {"name": "llama", **metadata},
        "spec": {**SPEC, **spec},
    }
    return import_nimservice(nimservice, Context(load_settings(given, {}), {"runai/queue": "team-a"}), "team-a")


def paths(result: Imported) -> list[str]:
    return [finding.path for finding in result.findings]


GPUS = {"limits": {"nvidia.com/gpu": 2}}
HPA = {"minReplicas": 1, "maxReplicas": 3}
PODS = {"type": "Pods", "pods": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": 1}}}


def autoscaled(*metrics: Any, **hpa: Any) -> dict[str, Any]:
    return {"scale": {"enabled": True, "hpa": {**HPA, "metrics": list(metrics), **hpa}}}


def of_metric(kind: str, target: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, kind.lower(): {"metric": {"name": "cpu"}, "target": target, **more}}


AVERAGE = {"type": "AverageValue", "averageValue": "500m"}
SCALED = {"minReplicas": 1, "maxReplicas": 3}

FIELDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "gpus in limits alone": ({"resources": GPUS}, {"compute": {"gpuDevicesRequest": 2}}),
    "numbers without quotes": (
        {"resources": {"requests": {"cpu": 2, "memory": 1024}, "limits": {"cpu": 2.5, "memory": "8Gi"}}},
        {"compute": {"cpuCoreRequest": 2, "cpuMemoryRequest": "1024", "cpuCoreLimit": 2.5, "cpuMemoryLimit": "8Gi"}},
    ),
    "keys of a newer generation": (
        {"annotations": {"gpu-memory": "1024", "gpu-memory.limit": "2Gi"}},
        {"compute": {"gpuRequestType": "memory", "gpuMemoryRequest": "1024Mi", "gpuMemoryLimit": "2Gi"}},
    ),
    "no port": ({"expose": {}}, {}),
    "probe on the port's name": (
        {"readinessProbe": {"probe": {"httpGet": {"path": "/ready", "port": "api"}}}},
        {"probes": {"readiness": {"handler": {"httpGet": {"path": "/ready", "port": 8000}}}}},
    ),
    "startup probe with Kubernetes' defaults": (
        {"startupProbe": {"enabled": True, "probe": {"periodSeconds": 30}}},
        {"probes": {"startup": {"initialDelaySeconds": 0, "failureThreshold": 3, "periodSeconds": 30}}},
    ),
    "startup probe of the NIM Operator": ({"startupProbe": {"enabled": True, "probe": {}}}, {}),
    "PriorityClass": ({"priorityClassName": "high"}, {"priorityClass": "high"}),
    "node selector of a pool": ({"nodeSelector": {"runai/node-pool": "h100"}}, {"nodePools": ["h100"]}),
    "label of a pool": ({"labels": {"kai.scheduler/node-pool": "h100"}}, {"nodePools": ["h100"]}),
    "toleration without operator": (
        {"tolerations": [{"key": "gpu", "value": "true"}, {}]},
        {"tolerations": [{"key": "gpu", "value": "true"}]},
    ),
    "variables": (
        {
            "env": [
                {"name": "A"},
                {"name": "B", "value": "b"},
                {"name": "C", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": False}}},
                {"name": "D", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "k"}}},
                {"name": "E", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            ]
        },
        {
            "environmentVariables": [
                {"name": "A", "value": ""},
                {"name": "B", "value": "b"},
                {"name": "C", "secret": {"name": "s", "key": "k"}},
                {"name": "D", "configMap": {"name": "m", "key": "k"}},
                {"name": "E", "podFieldRef": {"path": "status.podIP"}},
            ]
        },
    ),
    "autoscaling without metrics": (
        autoscaled(),
        {"autoscaling": {**SCALED, "metric": "cpu", "metricThreshold": 80}},
    ),
    "metric of the pods": (autoscaled(PODS), {"autoscaling": {**SCALED, "metric": "queue", "metricThreshold": 1}}),
    "metric of the pods with a resource's name": (
        autoscaled(of_metric("Pods", AVERAGE)),
        {"autoscaling": {**SCALED, "metric": "cpu", "metricType": "Pods", "metricThresholdQuantity": "500m"}},
    ),
    "autoscaling switched off": ({"scale": {"enabled": False, "hpa": HPA}, "replicas": 2}, {"replicas": 2}),
    "stopped": ({"replicas": 0}, {"replicas": 0}),
    "metrics and ingress switched off": (
        {"metrics": {"enabled": False}, "expose": {"ingress": {"enabled": False}, "router": {"hostDomainName": "a"}}},
        {},
    ),
    "claim that exists": (
        {"storage": {"pvc": {"name": "weights"}, "nimCache": {}}},
        {"modelStore": {"pvc": {"existingPvc": True, "claimName": "weights"}}},
    ),
    "defaults of the kind": ({"inferencePlatform": "standalone", "labels": {}, "command": []}, {}),
    "labels and annotations": (
        {"labels": {"team": "a"}, "annotations": {"example.com/note": "x"}},
        {
            "labels": [{"name": "team", "value": "a"}],
            "annotations": [{"name": "example.com/note", "value": "x"}],
        },
    ),
    "tensor parallelism over nodes": (
        {"multiNode": {"parallelism": {"pipeline": 1, "tensor": 4}, "mpi": {"mpiStartTimeout": 60}}, "resources": GPUS},
        {
            "multiNode": {"workers": 1, "tensorParallelism": 4, "launcher": "mpi", "startTimeoutSeconds": 60},
            "compute": {"gpuDevicesRequest": 2},
        },
    ),
}


@pytest.mark.parametrize(("spec", "fields"), FIELDS.values(), ids=FIELDS)
def test_nothing_is_lost(spec: dict[str, Any], fields: dict[str, Any]) -> None:
    result = imported(spec)

    assert result.manifest["spec"] == {**RESULT, **fields}
    assert [finding.message for finding in result.findings] == []


def test_a_claim_of_the_nim_operator_becomes_one_that_exists_or_is_created() -> None:
    pvc = {
        "create": True,
        "size": "100Gi",
        "storageClass": "fast",
        "volumeAccessMode": "ReadWriteMany",
        "annotations": {"example.com/a": "b", "example.com/n": 1},
    }

    result = imported({"storage": {"pvc": pvc}})

    assert result.manifest["spec"]["modelStore"] == {
        "pvc": {
            "claimName": "llama-pvc",
            "claimInfo": {
                "size": "100Gi",
                "storageClass": "fast",
                "accessModes": {"readWriteOnce": False, "readWriteMany": True},
                "addedAttrValues": [{"key": "example.com/a", "value": "b"}],
            },
        }
    }
    assert paths(result) == ["spec.storage.pvc.annotations"]


@pytest.mark.parametrize(("mode", "modes"), [("ReadWriteOnce", None), ("ReadWriteOncePod", None), (1, None)])
def test_other_access_modes_are_the_default_or_reported(mode: Any, modes: Any) -> None:
    pvc = {"create": True, "name": "c", "size": "1Gi", "volumeAccessMode": mode}

    result = imported({"storage": {"pvc": pvc}})

    assert result.manifest["spec"]["modelStore"]["pvc"]["claimInfo"].get("accessModes") == modes
    assert paths(result) == ([] if mode == "ReadWriteOnce" else ["spec.storage.pvc.volumeAccessMode"])


KEPT: dict[str, tuple[dict[str, Any], str]] = {
    "node selector": (
        {"nodeSelector": {"gpu": "h100"}},
        'spec.nodeSelector.gpu is "h100" but must be absent, no field of a RunaiNimService says it: use nodePools and'
        " tolerations, or the setting node_selector for all NIMs",
    ),
    "command": (
        {"command": ["sh", "-c"]},
        "spec.command must be absent, no field of a RunaiNimService says it: build an image of your own that needs"
        " none",
    ),
    "secret value": (
        {"env": [{"name": "A", "value": "x"}, {"name": "A", "value": "secret"}]},
        "spec.env[1] must have a source that environmentVariables have: name each variable once, with value,"
        " secretKeyRef, configMapKeyRef or fieldRef, and without optional",
    ),
    "another scheduler": (
        {"schedulerName": "kai-scheduler"},
        'spec.schedulerName is "kai-scheduler" but should be the scheduler of the operator\'s settings: pass --dialect'
        " or --settings of the operator that takes it over",
    ),
    "sub path": (
        {"storage": {"pvc": {"name": "c", "subPath": "llama"}}},
        'spec.storage.pvc.subPath is "llama" but must be absent, no field of a RunaiNimService says it: mount the whole'
        " claim, or copy the directory to a claim of its own",
    ),
    "host path": (
        {"storage": {"hostPath": "/models"}},
        'spec.storage.hostPath is "/models" but must be absent, no field of a RunaiNimService says it: move the model'
        " to a claim (modelStore.pvc) or a NIMCache (modelStore.nimCache)",
    ),
}


@pytest.mark.parametrize(("spec", "message"), KEPT.values(), ids=KEPT)
def test_what_no_field_says_is_reported_with_a_remedy(spec: dict[str, Any], message: str) -> None:
    assert [finding.message for finding in imported(spec).findings] == [message]


PATHS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "mig": ({"resources": {"limits": {"nvidia.com/mig-1g.5gb": 1}}}, ["spec.resources.limits[nvidia.com/mig-1g.5gb]"]),
    "different gpus": (
        {"resources": {"limits": {"nvidia.com/gpu": 2}, "requests": {"nvidia.com/gpu": 1}}},
        ["spec.resources.limits[nvidia.com/gpu]", "spec.resources.requests[nvidia.com/gpu]"],
    ),
    "no amounts": (
        {"resources": {"requests": {"cpu": "a lot"}, "limits": {"cpu": True, "memory": 1.5}}},
        ["spec.resources.requests.cpu", "spec.resources.limits.cpu", "spec.resources.limits.memory"],
    ),
    "probe switched off": ({"livenessProbe": {"enabled": False}}, ["spec.livenessProbe.enabled"]),
    "probe by a command": (
        {"readinessProbe": {"probe": {"exec": {"command": ["x"]}, "httpGet": {"port": "other"}}}},
        ["spec.readinessProbe"],
    ),
    "grpc port": ({"expose": {"service": {"port": 8000, "name": "x"}}}, ["spec.expose.service.name"]),
    "annotations of a service": (
        {"expose": {"service": {"port": 8000, "annotations": {"a/b": "c"}}}},
        ["spec.expose.service.annotations[a/b]"],
    ),
    "reserved keys": (
        {"labels": {"runai/queue": "a", "app": "b", "x" * 64: "c", "n": 1}},
        ["spec.labels[runai/queue]", "spec.labels.app", f"spec.labels.{'x' * 64}", "spec.labels.n"],
    ),
    "annotation of the edge": (
        {"annotations": {"cert-manager.io/issuer": "a", "gpu-fraction-container-name": "other"}},
        ["spec.annotations[cert-manager.io/issuer]", "spec.annotations[gpu-fraction-container-name]"],
    ),
    "unknown PriorityClass": ({"priorityClassName": "mine"}, ["spec.priorityClassName"]),
    "tolerations": ({"tolerations": [{"key": 1}, "x"]}, ["spec.tolerations[0]", "spec.tolerations[1]"]),
    "two metrics": (autoscaled(PODS, of_metric("Pods", AVERAGE)), ["spec.scale.hpa.metrics[1]"]),
    "scale up": (
        autoscaled(PODS, behavior={"scaleUp": {"stabilizationWindowSeconds": 60}}),
        ["spec.scale.hpa.behavior"],
    ),
    "metric with a selector": (
        autoscaled(of_metric("External", AVERAGE, metric={"name": "a", "selector": {"matchLabels": {"a": "b"}}})),
        ["spec.scale.hpa.metrics[0]"],
    ),
    "metric of another object": (
        autoscaled(of_metric("Object", AVERAGE, describedObject={"kind": "Service", "name": "other"})),
        ["spec.scale.hpa.metrics[0]"],
    ),
    "total value": (autoscaled(of_metric("Pods", {"type": "Value", "value": 1})), ["spec.scale.hpa.metrics[0]"]),
    "gpus of multiNode": ({"multiNode": {"parallelism": {"pipeline": 2, "tensor": 8}}}, ["spec.multiNode"]),
    "layout of multiNode": (
        {"multiNode": {"parallelism": {"pipeline": 2, "tensor": 3}}, "resources": GPUS},
        ["spec.multiNode"],
    ),
    "gpus of multiNode in words": (
        {"multiNode": {"parallelism": {"pipeline": 2, "tensor": 8}}, "resources": {"limits": {"nvidia.com/gpu": "x"}}},
        ["spec.multiNode", "spec.resources.limits[nvidia.com/gpu]"],
    ),
    "image": (
        {"image": {"repository": 1, "tag": 1.5, "pullSecrets": [1]}},
        ["spec.image.repository", "spec.image.tag", "spec.image.pullSecrets"],
    ),
    "reference that no field has": (
        {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "x"}}}, {"name": "B", "value": 1}]},
        ["spec.env[0]", "spec.env[1]"],
    ),
    "optional secret": (
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}]},
        ["spec.env[0]"],
    ),
    "emptyDir": (
        {"storage": {"emptyDir": {"sizeLimit": "1Gi"}, "pvc": {"size": "1Gi"}}},
        ["spec.storage.emptyDir", "spec.storage.pvc.size"],
    ),
    "unknown field": ({"kvCache": {"a": {"b": 1}}}, ["spec.kvCache"]),
    "affinity": (
        {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1}, "x"]}}},
        ["spec.affinity"],
    ),
}


@pytest.mark.parametrize(("spec", "expected"), PATHS.values(), ids=PATHS)
def test_what_stays_behind_is_found_by_its_path(spec: dict[str, Any], expected: list[str]) -> None:
    assert paths(imported(spec)) == expected


def test_metadata_is_the_user_s_own() -> None:
    result = imported(
        {"annotations": {"runai-nim.io/restarted-at": "now"}},
        namespace="team-a",
        uid="u",
        resourceVersion="1",
        labels={"team": "a", "helm.sh/chart": "x", "runai/queue": "q"},
        annotations={
            "note": "x",
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "runai-nim.io/adopt": "true",
        },
        finalizers=["finalizer.nimservice.apps.nvidia.com", "other"],
        ownerReferences=[{"kind": "RunaiNimService"}, {"kind": "NIMPipeline", "name": "p"}],
    )

    assert result.manifest["metadata"] == {
        "name": "llama",
        "namespace": "team-a",
        "annotations": {"runai-nim.io/restarted-at": "now", "note": "x"},
        "labels": {"team": "a"},
    }
    assert sorted(paths(result)) == [
        "metadata.finalizers[1]",
        "metadata.labels[runai/queue]",
        "metadata.ownerReferences[1]",
    ]


def routed(**routes: bool) -> dict[str, Any]:
    gateway = {"name": "public", "namespace": "gateways", **routes}
    return {"router": {"hostDomainName": "example.com", "gateway": gateway}}


def rule_of(path_type: str, service: str, port: dict[str, Any]) -> dict[str, Any]:
    backend = {"service": {"name": service, "port": port}}
    return {"host": "a.example.com", "http": {"paths": [{"path": "/v1", "pathType": path_type, "backend": backend}]}}


EXPOSED: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any], list[str]]] = {
    "no router": (INGRESS, {}, {"exposeExternally": False}, []),
    "another host": (
        INGRESS,
        {"router": {"hostDomainName": "other.com", "ingress": {"ingressClass": "nginx"}}},
        {},
        ["spec.expose.router"],
    ),
    "gateway": (
        GATEWAY,
        routed(httpRoutesEnabled=True),
        {"exposedProtocol": "http"},
        [],
    ),
    "both protocols": (
        GATEWAY,
        routed(grpcRoutesEnabled=True),
        {},
        ["spec.expose.router"],
    ),
    "deprecated ingress": (
        INGRESS,
        {
            "ingress": {
                "enabled": True,
                "spec": {
                    "rules": [{"host": "a.example.com", "http": {"paths": [{"path": "/v1/", "backend": {"x": 1}}]}}],
                    "tls": [{"hosts": ["a.example.com"]}],
                },
            }
        },
        {"exposedUrl": "https://a.example.com/v1"},
        ["spec.expose.ingress"],
    ),
    "ingress without path and certificate": (
        INGRESS,
        {"ingress": {"enabled": True, "spec": {"rules": [{"host": "a.example.com", "http": {"paths": [{}]}}]}}},
        {"exposedUrl": "http://a.example.com"},
        [],
    ),
    "ingress that the URL says whole": (
        INGRESS,
        {"ingress": {"enabled": True, "spec": {"rules": [rule_of("Prefix", "llama", {"number": 8000})]}}},
        {"exposedUrl": "http://a.example.com/v1"},
        [],
    ),
    "ingress with a path of another type": (
        INGRESS,
        {"ingress": {"enabled": True, "spec": {"rules": [rule_of("Exact", "llama", {"name": "api"})]}}},
        {"exposedUrl": "http://a.example.com/v1"},
        ["spec.expose.ingress"],
    ),
    "ingress to another Service": (
        INGRESS,
        {"ingress": {"enabled": True, "spec": {"rules": [rule_of("Prefix", "proxy", {"number": 8000})]}}},
        {"exposedUrl": "http://a.example.com/v1"},
        ["spec.expose.ingress"],
    ),
    "ingress without external access in the settings": (
        {},
        {"ingress": {"enabled": True, "spec": {"rules": [rule_of("Prefix", "llama", {"name": "api"})]}}},
        {"exposedUrl": "http://a.example.com/v1"},
        ["spec.expose.ingress"],
    ),
    "ingress without host": (
        {},
        {"ingress": {"enabled": True, "spec": {"rules": [{"http": {"paths": [{}]}}]}}},
        {},
        ["spec.expose.ingress"],
    ),
    "ingress without rules": ({}, {"ingress": {"enabled": True}}, {}, ["spec.expose.ingress"]),
}


@pytest.mark.parametrize(("given", "expose", "fields", "expected"), EXPOSED.values(), ids=EXPOSED)
def test_exposure_is_that_of_the_settings(
    given: dict[str, Any], expose: dict[str, Any], fields: dict[str, Any], expected: list[str]
) -> None:
    result = imported({"expose": {"service": {"port": 8000}, **expose}}, given)

    assert result.manifest["spec"]["servingPort"] == {"port": 8000, **fields}
    assert paths(result) == expected


def test_a_key_of_the_settings_is_not_the_user_s() -> None:
    result = imported({"annotations": {"example.com/a": "b"}}, {"service_annotations": {"example.com/a": "c"}})

    assert paths(result) == ["spec.annotations[example.com/a]"]


def test_another_kind_is_said_to_be_one() -> None:
    result = import_nimservice(
        {"apiVersion": "v1", "kind": "Pod", "metadata": 1, "x": 1}, Context(load_settings({}, {}))
    )

    assert paths(result) == ["apiVersion", "kind", "metadata", "x"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=8,
)
NAMES = (
    "metadata",
    "spec",
    "labels",
    "annotations",
    "image",
    "storage",
    "pvc",
    "expose",
    "service",
    "router",
    "gateway",
)
MORE_NAMES = (
    "ingress",
    "scale",
    "hpa",
    "metrics",
    "env",
    "valueFrom",
    "resources",
    "limits",
    "tolerations",
    "affinity",
)
LIKE_ONE = st.recursive(
    JSON,
    lambda below: (
        st.lists(below, max_size=2)
        | st.dictionaries(
            st.sampled_from((*NAMES, *MORE_NAMES, "nodeAffinity", "multiNode", "probe", "name")), below, max_size=4
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(("apiVersion", "kind", "metadata", "spec", "status")), LIKE_ONE, max_size=5))
def test_any_object_becomes_a_manifest_and_findings(nimservice: dict[str, Any]) -> None:
    before = repr(nimservice)

    result = import_nimservice(nimservice, Context(load_settings({}, {})))

    assert repr(nimservice) == before
    assert result.manifest["kind"] == "RunaiNimService"
    assert all(finding.message for finding in result.findings)
