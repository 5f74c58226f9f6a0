"""What of a NIMService a RunaiNimService can't say: one finding for each field, with the remedy."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from runai_nim.api import well_known
from runai_nim.domain.importing.remainder import Remainder
from runai_nim.domain.reasons import Reason
from runai_nim.domain.translate.rules import LeafPath
from runai_nim.domain.validate import Finding, truncate

_ANY: Final = "*"
_SETTINGS: Final = "in the operator's settings, or pass them with --settings"
_ABSENT: Final = "be absent, no field of a RunaiNimService says it"
EXPOSED: Final = (
    f"set external_mode and what belongs to it {_SETTINGS}; for a host of its own set servingPort.exposedUrl"
)
_OWN_IMAGE: Final = "build an image of your own that needs none"
_POOLS: Final = "use nodePools and tolerations, or the setting node_selector for all NIMs"
_STORE: Final = "move the model to a claim (modelStore.pvc) or a NIMCache (modelStore.nimCache)"


@dataclass(frozen=True, slots=True)
class _Kept:
    """What to say of a field that stays behind. `is_secret`: its value isn't shown."""

    remedy: str
    must: str = _ABSENT
    severity: Literal["error", "warning"] = "error"
    is_secret: bool = False


_WRITTEN: Final = "be as the operator writes it"
_ENABLED: Final = _Kept("remove it, or give the probe a high failureThreshold", "be true")
_FIELDS: Final[Mapping[LeafPath, _Kept]] = {
    ("apiVersion",): _Kept("correct it", f"be {well_known.NIM_API_VERSION}"),
    ("kind",): _Kept("correct it", f"be {well_known.NIMSERVICE_KIND}"),
    ("metadata",): _Kept("correct or remove it"),
    ("metadata", "name"): _Kept("give it a name", "be a name"),
    ("metadata", "labels", _ANY): _Kept("set the field of the spec for it", _WRITTEN, "warning"),
    ("metadata", "annotations", _ANY): _Kept("set the field of the spec for it", _WRITTEN, "warning", is_secret=True),
    ("metadata", "ownerReferences", _ANY): _Kept(
        "take it out of its owner, such as a NIMPipeline, which would write it again", "have no other owner"
    ),
    ("metadata", "finalizers", _ANY): _Kept("remove it", "have no finalizer of another controller", "warning"),
    ("spec",): _Kept("correct or remove it"),
    ("spec", _ANY): _Kept("remove it, or keep this NIMService without this operator"),
    ("spec", "affinity"): _Kept(_POOLS),
    ("spec", "nodeSelector", _ANY): _Kept(_POOLS),
    ("spec", "podAffinity"): _Kept(_POOLS),
    ("spec", "annotations", _ANY): _Kept(
        "set the field of the spec for it, or allow it with allowed_annotations or allowed_scheduler_annotations in the"
        " operator's settings",
        "not be a reserved key",
        is_secret=True,
    ),
    ("spec", "labels", _ANY): _Kept(
        "label the namespace for a queue or project (--namespace-label), or set the field of the spec for it",
        "not be a reserved key",
    ),
    ("spec", "args"): _Kept(_OWN_IMAGE),
    ("spec", "command"): _Kept(_OWN_IMAGE),
    ("spec", "initContainers"): _Kept(_OWN_IMAGE),
    ("spec", "sidecarContainers"): _Kept(_OWN_IMAGE),
    ("spec", "draResources"): _Kept("request GPUs with compute.gpuDevicesRequest or as a share"),
    ("spec", "env", _ANY): _Kept(
        "name each variable once, with value, secretKeyRef, configMapKeyRef or fieldRef, and without optional",
        "have a source that environmentVariables have",
        is_secret=True,
    ),
    ("spec", "expose", "ingress"): _Kept(EXPOSED),
    ("spec", "expose", "router"): _Kept(EXPOSED, "be the router of the operator's settings"),
    ("spec", "expose", "service", _ANY): _Kept("remove it; the Service has the NIMService's name"),
    ("spec", "expose", "service", "annotations", _ANY): _Kept(
        f"add it to service_annotations {_SETTINGS}, or to spec.annotations", is_secret=True
    ),
    ("spec", "image", _ANY): _Kept("correct it, in quotes if it is a number", "be text"),
    ("spec", "inferencePlatform"): _Kept("keep this NIMService without this operator", "be standalone"),
    ("spec", "metrics"): _Kept(f"set metrics_service_monitor {_SETTINGS}"),
    ("spec", "multiNode"): _Kept(
        "set nvidia.com/gpu, and parallelism.tensor to the GPUs of one pod or of all pods",
        "be a layout with workers, launcher and tensorParallelism",
    ),
    ("spec", "priorityClassName"): _Kept(
        "set priorityClass, and its name in the setting priority_classes", "be one of the setting priority_classes"
    ),
    ("spec", "proxy"): _Kept(f"set proxy {_SETTINGS}, or HTTPS_PROXY and NO_PROXY in environmentVariables"),
    ("spec", "resources", "limits", _ANY): _Kept("remove it, or keep this NIMService without this operator"),
    ("spec", "resources", "requests", _ANY): _Kept("remove it, or keep this NIMService without this operator"),
    ("spec", "runtimeClassName"): _Kept(f"set runtime_class_name {_SETTINGS}"),
    ("spec", "scale", _ANY): _Kept("scale by one metric, and leave it out"),
    ("spec", "scale", "hpa", "metrics", _ANY): _Kept(
        "scale by one metric: cpu or memory in percent, or an average value without selector",
        "be the only metric, and one that spec.autoscaling has",
    ),
    ("spec", "scale", "hpa", "behavior"): _Kept("leave it out: scaling up is immediate, and scaleWindowSeconds delays"),
    ("spec", "schedulerName"): _Kept(
        "pass --dialect or --settings of the operator that takes it over",
        "be the scheduler of the operator's settings",
        "warning",
    ),
    ("spec", "storage", _ANY): _Kept(_STORE),
    ("spec", "storage", "pvc", _ANY): _Kept("remove it"),
    ("spec", "storage", "pvc", "subPath"): _Kept("mount the whole claim, or copy the directory to a claim of its own"),
    ("spec", "storage", "readOnly"): _Kept("remove it", "be false without a claim"),
    ("spec", "storage", "sharedMemorySizeLimit"): _Kept(f"set shared_memory_size {_SETTINGS}"),
    ("spec", "tolerations", _ANY): _Kept("correct or remove it"),
    ("spec", "livenessProbe", "enabled"): _ENABLED,
    ("spec", "readinessProbe", "enabled"): _ENABLED,
    ("spec", "startupProbe", "enabled"): _ENABLED,
}
"""By path, with `*` for any key or item; the longest matching path wins, and is the path of the finding."""
_BY_LENGTH: Final = sorted(_FIELDS, key=lambda path: (len(path), path.count(_ANY) == 0), reverse=True)


def leftover_findings(remainder: Remainder) -> Iterator[Finding]:
    """One finding for each field that stays behind, in the order of the NIMService."""
    found: dict[LeafPath, tuple[_Kept, Any]] = {}
    for path, value in remainder.leaves():
        pattern = next((one for one in _BY_LENGTH if _matches(path, one)), ("spec",))
        head = path[: len(pattern)]
        found.setdefault(head, (_FIELDS[pattern], value if head == path else None))
    for path, (kept, value) in found.items():
        shown = None if kept.is_secret or value is None else str(value)
        yield Finding(
            reason=Reason.IGNORED_FIELD,
            path=path_text(path),
            value=shown,
            must=kept.must,
            remedy=kept.remedy,
            severity=kept.severity,
        )


def _matches(path: LeafPath, pattern: LeafPath) -> bool:
    return len(path) >= len(pattern) and all(
        expected in (_ANY, step) for step, expected in zip(path, pattern, strict=False)
    )


def path_text(path: LeafPath) -> str:
    """`spec.env[2]`, `spec.labels[a/b]`."""
    text = ""
    for step in path:
        is_field = isinstance(step, str) and step.isalnum()
        text += f".{truncate(str(step))}" if is_field else f"[{truncate(str(step))}]"
    return text.removeprefix(".")
