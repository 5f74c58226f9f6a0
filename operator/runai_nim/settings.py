"""The operator's settings: one frozen object, its documented defaults, and how a file and the environment make it.

Pure: the caller reads the file and the environment. Defaults that differ between Run:ai's and KAI's scheduler come
from `dialect`; nothing else in the operator asks which dialect it is. Example with every key: deploy/settings.yaml.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from runai_nim import keys, syntax

PREFIX: Final = "RUNAI_NIM_"
"""Environment variable `RUNAI_NIM_<SETTING>` overrides the setting of that name in the file."""
FILE_VARIABLE: Final = "RUNAI_NIM_SETTINGS_FILE"
"""Environment variable that names the settings file; no setting itself."""

# A Service called runai-nim-… makes the kubelet set such variables in every pod of its namespace.
_SERVICE_LINK: Final = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_[0-9]+_(TCP|UDP|SCTP).*)?)")

_DIALECTS: Final[dict[str, dict[str, Any]]] = {
    "runai": {
        "scheduler_name": keys.RUNAI_SCHEDULER,
        "project_labels": (keys.RUNAI_PROJECT,),
        # Run:ai's admission takes the queue from the namespace; a label would charge another project.
        "queue_label": None,
        "gpu_fraction_limit_annotation": keys.GPU_FRACTION_LIMIT,
        "node_pool_label": keys.RUNAI_NODE_POOL,
        "node_pools_annotation": None,
    },
    "kai": {
        "scheduler_name": keys.KAI_SCHEDULER,
        "project_labels": (keys.KAI_PROJECT, keys.RUNAI_PROJECT),
        "queue_label": keys.KAI_QUEUE,
        "gpu_fraction_limit_annotation": None,
        "node_pool_label": keys.KAI_NODE_POOL,
        "node_pools_annotation": keys.KAI_NODE_POOLS,
    },
}


class SettingsError(ValueError):
    """The settings can't be used. The message has one line per mistake: setting, value, what is allowed, remedy."""


def _not_a_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number is wanted, not true or false")  # pydantic reports ValueError, not TypeError
    return value


def _key(value: str) -> str:
    if not syntax.is_key(value):
        raise ValueError("a label or annotation key is `name` or `domain/name`")
    if any(value == key or (key.endswith("*") and value.startswith(key[:-1])) for key in keys.CHILD_KEYS):
        raise ValueError("the NIM Operator uses this key for its own selectors")
    if value in (keys.SERVICE_LABEL, keys.SPEC_HASH):
        raise ValueError("the operator uses this key itself")
    return value


def _label_value(value: str) -> str:
    if not value or not syntax.is_label_value(value):
        raise ValueError("a label value has 1 to 63 letters, digits, `-`, `_` and `.`")
    return value


def _scheduler(value: str) -> str:
    if not syntax.is_object_name(value) or not syntax.is_yaml_text(value):
        raise ValueError(
            "a scheduler's name has lower case letters, digits, `-` and `.`, and is no YAML word or number"
        )
    return value


def _empty_is_none(value: Any) -> Any:
    return None if value == "" else value


Key = Annotated[str, AfterValidator(_key)]
OptionalKey = Annotated[Key | None, BeforeValidator(_empty_is_none)]
LabelValue = Annotated[str, AfterValidator(_label_value)]
Seconds = Annotated[float, BeforeValidator(_not_a_truth_value), Field(gt=0, le=86400)]
Count = Annotated[int, BeforeValidator(_not_a_truth_value)]
Priority = Literal["very-low", "low", "medium-low", "medium", "medium-high", "high", "very-high"]


class Settings(BaseModel):
    """All settings, checked. Make one with `settings_from`; `Settings()` has the defaults of Run:ai's platform."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dialect: Literal["runai", "kai"] = Field("runai", description="runai: Run:ai platform; kai: KAI scheduler alone")
    scheduler_name: Annotated[str, AfterValidator(_scheduler)] = Field(description="schedulerName of NIM pods")
    project_labels: tuple[Key, ...] = Field(description="labels of a namespace that name its project, the first wins")
    queue_label: OptionalKey = Field(description="label for the queue; none: Run:ai sets it at admission")
    queue: Annotated[LabelValue | None, BeforeValidator(_empty_is_none)] = Field(
        None, description="queue for all workloads, instead of the namespace's; only with queue_label"
    )
    priority_label: Key = Field(keys.PRIORITY_CLASS_NAME, description="label for the PriorityClass")
    priority_classes: dict[Priority, LabelValue] = Field(
        description="PriorityClass behind each of the seven priorities"
    )
    preemptibility_label: Key = Field(keys.KAI_PREEMPTIBILITY, description="label for preemptible or non-preemptible")
    gpu_fraction_annotation: Key = Field(keys.GPU_FRACTION, description="annotation for a portion of a GPU")
    gpu_fraction_limit_annotation: OptionalKey = Field(description="annotation for gpuPortionLimit; none: refused")
    gpu_devices_annotation: Key = Field(
        keys.GPU_FRACTION_DEVICES, description="annotation for how many GPUs are shared"
    )
    gpu_container_annotation: Key = Field(keys.GPU_FRACTION_CONTAINER, description="annotation for the GPU's container")
    gpu_memory_annotation: Key = Field(keys.GPU_MEMORY, description="annotation for GPU memory in MiB")
    gpu_memory_limit_annotation: OptionalKey = Field(None, description="annotation for gpuMemoryLimit; none: refused")
    node_pool_label: Key = Field(description="label of nodes, and of pods that want one pool")
    node_pools_annotation: OptionalKey = Field(description="annotation for an ordered list of pools, space separated")
    category_annotation: Key = Field(keys.CATEGORY, description="annotation for the workload category")

    workers: Count = Field(16, ge=1, le=256, description="how many RunaiNimServices are written at the same time")
    backoff_initial_seconds: Seconds = Field(0.005, description="wait before the first retry; doubles with each")
    backoff_max_seconds: Seconds = Field(300.0, description="longest wait between two retries")
    watch_resync_seconds: Seconds = Field(600.0, description="how often everything is listed again")
    nim_operator_deadline_seconds: Seconds = Field(
        60.0, description="silence after which the NIM Operator is called out"
    )
    healthz_port: Count = Field(8080, ge=1, le=65535, description="port of /healthz")
    log_format: Literal["json", "console"] = Field("json", description="json for machines, console for people")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe message logged")

    @model_validator(mode="before")
    @classmethod
    def _defaults_of_the_dialect(cls, given: dict[str, Any]) -> dict[str, Any]:
        priorities = given.get("priority_classes", {})
        if isinstance(priorities, Mapping):  # anything else is refused by its type
            priorities = {name: name for name in keys.PRIORITIES} | dict(priorities)
        # An unknown dialect is reported by its own field; borrowed defaults keep it the only message.
        dialect = _DIALECTS.get(str(given.get("dialect")), _DIALECTS["runai"])
        return dialect | given | {"priority_classes": priorities}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for kind in (self._labels, self._annotations):
            twice = [key for key, count in Counter(kind).items() if count > 1]
            if twice:
                raise ValueError(f"two settings use the same key {twice[0]}; each needs its own")
        if self.backoff_initial_seconds > self.backoff_max_seconds:
            raise ValueError("backoff_initial_seconds is above backoff_max_seconds; lower it")
        if self.queue is not None and self.queue_label is None:
            raise ValueError("queue is set without queue_label; set queue_label too, or leave queue out")
        return self

    @property
    def _labels(self) -> tuple[str, ...]:
        labels = (self.queue_label, self.priority_label, self.preemptibility_label, self.node_pool_label)
        return tuple(key for key in labels if key)

    @property
    def _annotations(self) -> tuple[str, ...]:
        annotations = (getattr(self, name) for name in type(self).model_fields if name.endswith("_annotation"))
        return tuple(key for key in annotations if key)

    @property
    def configured_keys(self) -> frozenset[str]:
        """Every label and annotation key in force; users may set none of them."""
        return frozenset((*self._labels, *self._annotations, *self.project_labels))


def settings_from(file: Any, environ: Mapping[str, str]) -> Settings:
    """Settings from the parsed settings file (a mapping; None when there is none) and the environment, which wins.

    Raises SettingsError with every mistake: unknown names, wrong types, values out of bounds, keys used twice.
    """
    if not isinstance(file, Mapping | None):
        raise SettingsError(f"the settings file holds {type(file).__name__}; it must hold `setting: value` lines")
    given: dict[str, Any] = {str(name): value for name, value in (file or {}).items()}
    sources = dict.fromkeys(given, "in the settings file")
    for variable, text in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE and not _is_service_link(variable, name):
            given[name] = _structured(variable, text) if name in ("project_labels", "priority_classes") else text
            sources[name] = f"in {variable}"
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise SettingsError("\n".join(_line(mistake, sources) for mistake in error.errors())) from None


def _is_service_link(variable: str, name: str) -> bool:
    return name not in Settings.model_fields and _SERVICE_LINK.fullmatch(variable) is not None


def _structured(variable: str, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise SettingsError(f'{variable}: found {text!r}; write JSON, such as ["runai/queue"]') from None


def _line(mistake: Any, sources: Mapping[str, str]) -> str:
    name, *rest = (str(part) for part in mistake["loc"] or ("settings",))
    setting, source = ".".join((name, *rest)), sources.get(name, "")
    if mistake["type"] == "extra_forbidden":
        near = syntax.nearest(name, Settings.model_fields)
        return f"{setting} {source}: no such setting; {f'did you mean {near}?' if near else 'remove it'}"
    reason = mistake["msg"].removeprefix("Value error, ")
    if name not in Settings.model_fields:
        return f"{setting}: {reason}"
    about = Settings.model_fields[name].description
    return f"{setting} {source}: found {mistake['input']!r}: {reason} ({about}); correct it or leave it out"
