"""Renders a NIMService's Deployment, and the parts that a LeaderWorkerSet shares with it."""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from local.nim_operator import kinds, proxy
from local.nim_operator.children import Object, annotations_of, child, labels_of, ports_of

GPU = "nvidia.com/gpu"
PROBES = {  # path, initialDelaySeconds, failureThreshold
    "livenessProbe": ("/v1/health/live", 15, 3),
    "readinessProbe": ("/v1/health/ready", 15, 3),
    "startupProbe": ("/v1/health/ready", 30, 120),
}
MODEL_STORE = "/model-store"
UNREADABLE = re.compile("[\x7f-\x84\x86-\x9f\ufffe\uffff]")
NEXT_LINE = "\x85"
"""A line break in YAML 1.1; the real one's YAML reader makes it a space within a string."""


class RenderError(Exception):
    """The real one's template renders an object that doesn't match its kind.

    `unreadable`: the Go type that the value should have.
    """

    def __init__(self, kind: kinds.Kind, unreadable: str) -> None:
        super().__init__(f"error converting unstructured object to {kind.name}: unrecognized type: {unreadable}")


class UnreadableError(RenderError):
    """A string has a character that YAML doesn't allow, so the real one can't parse its rendered template."""

    def __init__(self, kind: kinds.Kind) -> None:
        Exception.__init__(self, f"error converting YAML of {kind.name}: yaml: control characters are not allowed")


class PanicError(Exception):
    """The real one panics here: it writes nothing more, not even status, and retries later."""


@dataclass(frozen=True)
class ModelStore:
    """The model store: a claim, or an emptyDir if `claim` is empty. `env` are variables that the NIMCache adds."""

    claim: str = ""
    sub_path: str = ""
    profile: str = ""
    env: tuple[tuple[str, str], ...] = ()


def store_of_cache(nim: Object, cache: Object) -> ModelStore:
    """The model store of a NIMService with a ready NIMCache."""
    claim = cache["spec"]["storage"].get("pvc", {})
    endpoint = cache["spec"]["source"].get("ngc", {}).get("modelEndpoint")
    return ModelStore(
        claim.get("name") or cache["status"]["pvc"],
        claim.get("subPath", ""),
        nim["spec"]["storage"]["nimCache"].get("profile", ""),
        (("NIM_MODEL_NAME", MODEL_STORE),) if endpoint else (),
    )


def resources_of(nim: Object, profile: str, cache: Object | None) -> Object:
    """The container's resources, with the GPUs that the profile of an optimised NIMCache needs.

    Raises PanicError where the real one writes into a nil map.
    """
    resources: Object = nim["spec"].get("resources", {})
    if cache is None or not profile or "modelEndpoint" in cache["spec"]["source"].get("ngc", {"modelEndpoint": ""}):
        return resources
    cached = next((entry for entry in cache["status"].get("profiles", []) if entry["name"] == profile), None)
    if cached is None or any(GPU in resources.get(part, {}) for part in ("requests", "limits")):
        return resources
    if "resources" in nim["spec"] and not (resources.get("requests") and resources.get("limits")):
        raise PanicError("the profile's GPUs are written into resources that lack requests or limits")
    if "multiNode" in nim["spec"]:
        gpus = str(nim["spec"]["multiNode"]["parallelism"].get("tensor", 1))
    else:
        gpus = str(cached.get("config", {}).get("tp") or "1")
    return {part: {**resources.get(part, {}), GPU: gpus} for part in ("requests", "limits")}


def env_of(nim: Object, store: ModelStore) -> list[Object]:
    """The container's environment: the spec's variables, then the standard ones that the spec doesn't set."""
    spec = nim["spec"]
    ports = ports_of(nim)
    key = {"secretKeyRef": {"name": spec["authSecret"], "key": "NGC_API_KEY"}}
    standard: list[Object] = [
        {"name": "NIM_CACHE_PATH", "value": MODEL_STORE},
        {"name": "NGC_API_KEY", "valueFrom": key},
        {"name": "OUTLINES_CACHE_DIR", "value": "/tmp/outlines"},  # noqa: S108 (a path in the container)
        {"name": "NIM_SERVER_PORT", "value": str(ports["api"])},
        {"name": "NIM_HTTP_API_PORT", "value": str(ports["api"])},
        {"name": "NIM_JSONL_LOGGING", "value": "1"},
        {"name": "NIM_LOG_LEVEL", "value": "INFO"},
    ]
    if "grpc" in ports:
        standard += [
            {"name": name, "value": str(ports["grpc"])} for name in ("NIM_GRPC_API_PORT", "NIM_TRITON_GRPC_PORT")
        ]
    if "metrics" in ports:
        standard.append({"name": "NIM_TRITON_METRICS_PORT", "value": str(ports["metrics"])})
    standard += [{"name": name, "value": value} for name, value in store.env]
    if store.profile:
        standard.append({"name": "NIM_MODEL_PROFILE", "value": store.profile})
    given = [_render(variable) for variable in spec.get("env", [])]
    names = {variable["name"] for variable in given}
    env = [*given, *(variable for variable in standard if variable["name"] not in names)]
    return proxy.with_variables(env, nim)


def _render(variable: Object) -> Object:
    value = variable.get("value")
    return variable if value is None else {**variable, "value": value.replace(NEXT_LINE, " ")}


def probe_of(nim: Object, field: str) -> Object | None:
    """A probe: that of the spec unchanged, else the default; None if it is disabled."""
    wanted = nim["spec"].get(field, {})
    if wanted.get("enabled") is False:
        return None
    path, delay, failures = PROBES[field]
    default = {
        "httpGet": {"path": path, "port": "api"},
        "initialDelaySeconds": delay,
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": failures,
    }
    return wanted.get("probe") or default


def shorten_probe_delays(nim: Object, seconds: float) -> Object:
    """The NIMService with explicit default probes whose initialDelaySeconds is at most `seconds`."""
    probes: Object = {}
    for field in PROBES:
        probe = probe_of(nim, field)
        if probe and not nim["spec"].get(field, {}).get("probe"):
            delay = min(probe["initialDelaySeconds"], int(seconds))
            probes[field] = {"probe": {**probe, "initialDelaySeconds": delay}}
    return {**nim, "spec": {**nim["spec"], **probes}}


def container(nim: Object, store: ModelStore, resources: Object) -> Object:
    """Render the NIM's container."""
    image = nim["spec"]["image"]
    mount: Object = {"name": "model-store", "mountPath": MODEL_STORE}
    if store.sub_path:
        mount["subPath"] = store.sub_path
    made: Object = {
        "name": f"{nim['metadata']['name']}-ctr",
        "image": f"{image['repository']}:{image['tag']}",
        "ports": [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports_of(nim).items()],
        "env": env_of(nim, store),
        "resources": resources,
        "volumeMounts": [mount, {"name": "dshm", "mountPath": "/dev/shm"}, *proxy.mounts(nim)],  # noqa: S108
    }
    made |= {field: probe for field in PROBES if (probe := probe_of(nim, field))}
    return made | ({"imagePullPolicy": image["pullPolicy"]} if "pullPolicy" in image else {})


def volumes(nim: Object, store: ModelStore) -> list[Object]:
    """Render the volumes: shared memory and the model store."""
    storage = nim["spec"]["storage"]
    memory: Object = {"medium": "Memory"}
    if "sharedMemorySizeLimit" in storage:
        memory["sizeLimit"] = storage["sharedMemorySizeLimit"]
    model: Object = {"emptyDir": storage.get("emptyDir", {})}
    if store.claim:
        model = {"persistentVolumeClaim": {"claimName": store.claim}}
        if storage.get("readOnly"):
            model["persistentVolumeClaim"]["readOnly"] = True
    return [{"name": "dshm", "emptyDir": memory}, {"name": "model-store", **model}, *proxy.volumes(nim)]


def pod_spec(nim: Object, store: ModelStore, resources: Object) -> Object:
    """Render the pod's spec."""
    spec = nim["spec"]
    user, group = spec.get("userID", 1000), spec.get("groupID", 2000)
    made: Object = {
        "serviceAccountName": nim["metadata"]["name"],
        "securityContext": {"runAsUser": user, "runAsGroup": group, "fsGroup": group},
        "volumes": volumes(nim, store),
        "containers": [container(nim, store, resources)],
    }
    made |= {
        field: spec[field]
        for field in ("nodeSelector", "affinity", "schedulerName", "priorityClassName", "runtimeClassName")
        if field in spec
    }
    if spec.get("tolerations"):  # the template has no tolerationSeconds
        made["tolerations"] = [
            {key: value for key, value in item.items() if key != "tolerationSeconds"} for item in spec["tolerations"]
        ]
    if proxy.certificates(nim):
        made["initContainers"] = [proxy.init_container(made["containers"][0])]
    if spec["image"].get("pullSecrets"):
        made["imagePullSecrets"] = [{"name": name} for name in spec["image"]["pullSecrets"]]
    return made


def check_unquoted(nim: Object, store: ModelStore, kind: kinds.Kind) -> None:
    """Raise RenderError for a value that YAML reads as another type, because the template doesn't quote it."""
    spec = nim["spec"]
    unquoted = [
        *spec.get("nodeSelector", {}).values(),
        spec.get("schedulerName", "x"),
        store.claim or "x",
        *spec["image"].get("pullSecrets", []),
    ]
    if not all(_stays_a_string(text) for text in unquoted):
        raise RenderError(kind, "string")


def check_characters(nim: Object, store: ModelStore, kind: kinds.Kind) -> None:
    """Raise UnreadableError for a variable or annotation with a character that YAML doesn't allow."""
    texts = [variable.get("value", "") for variable in env_of(nim, store)]
    if any(UNREADABLE.search(text) for text in (*texts, *annotations_of(nim).values())):
        raise UnreadableError(kind)


def deployment(nim: Object, store: ModelStore, resources: Object) -> Object:
    """Render the Deployment. Raises RenderError.

    Recorded: a label `app` in the spec replaces the one that the selector uses.
    """
    check_unquoted(nim, store, kinds.DEPLOYMENT)
    check_characters(nim, store, kinds.DEPLOYMENT)
    name = nim["metadata"]["name"]
    annotations = annotations_of(nim)
    template = {
        "metadata": {"labels": {"app": name, **labels_of(nim)}, "annotations": annotations},
        "spec": pod_spec(nim, store, resources),
    }
    spec = {
        # With autoscaling a NIMService has no replicas: the real one writes 1, whatever the current scale, and its hash
        # is the same as with 1 (recorded).
        "replicas": nim["spec"].get("replicas", 1),
        "selector": {"matchLabels": {"app": name}},
        "template": template,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}},
    }
    return child(kinds.DEPLOYMENT, nim, annotations=annotations, spec=spec)


def _stays_a_string(text: Any) -> bool:
    """Whether the real one's YAML 1.1 reader reads this unquoted text as the same string."""
    if text in {"y", "Y", "n", "N"}:
        return False
    try:
        float(text)
    except ValueError:
        return isinstance(yaml.safe_load(text), str)
    return False
