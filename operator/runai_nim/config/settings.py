"""The operator's settings: their types, defaults and consistency.

`dialect` selects the defaults that differ between Run:ai's and KAI's scheduler; only the rules of `validate` also use
it directly. `settings_loader` reads them from a file and the environment. deploy/settings.yaml lists every setting.
"""

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runai_nim.api import gpu_share_keys, well_known
from runai_nim.config.dialects import DEFAULTS_OF_DIALECT, DEFAULTS_OF_GENERATION
from runai_nim.config.platform_settings import ProxySettings, ServiceMonitorSettings, StartupProbeSettings
from runai_nim.config.settings_types import (
    AnnotationKey,
    ContainerKey,
    Count,
    CredentialSecret,
    Domain,
    HostPattern,
    KeyPattern,
    LabelKey,
    LabelValue,
    MetadataKey,
    ObjectName,
    OptionalSetting,
    Priority,
    QueueTemplate,
    RenderableText,
    RouteKey,
    SchedulerKeyPattern,
    Seconds,
    ServiceTypes,
    SharedMemory,
    TlsSecret,
)

_REQUIRED_BY_MODE: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "ingress": ("external_domain", "external_ingress_class"),
    "gateway": ("external_domain", "external_gateway_name", "external_gateway_namespace"),
}

_SETTING_OF_KEY: Final = {
    "department_label": "the namespace's department",
    "queue_label": "the namespace's project",
    "priority_label": "spec.priorityClass",
    "preemptibility_label": "spec.preemptibility",
    "node_pool_label": "spec.nodePools",
    "gpu_fraction_annotation": "spec.compute.gpuPortionRequest",
    "gpu_fraction_limit_annotation": "spec.compute.gpuPortionLimit",
    "gpu_devices_annotation": "spec.compute.gpuDevicesRequest",
    "gpu_container_annotation": "spec.compute.gpuPortionRequest",
    "gpu_memory_annotation": "spec.compute.gpuMemoryRequest",
    "gpu_memory_limit_annotation": "spec.compute.gpuMemoryLimit",
    "gpu_compute_mode_annotation": "spec.compute.gpuComputeMode",
    "node_pools_annotation": "spec.nodePools",
    "category_annotation": "spec.category",
}


class Settings(BaseModel):
    """Valid settings. Use `load_settings`; `Settings()` has the defaults for Run:ai."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dialect: Literal["runai", "kai"] = Field("runai", description="runai: Run:ai platform; kai: KAI scheduler alone")
    scheduler_name: ObjectName = Field(description="schedulerName of NIM pods")
    project_labels: tuple[MetadataKey, ...] = Field(
        description="labels of a namespace that name its project, the first wins"
    )
    department_label: OptionalSetting[MetadataKey] = Field(
        None, description="label of a namespace that names its department, for the REST API; empty: there are none"
    )
    queue_label: OptionalSetting[MetadataKey] = Field(
        description="label for the queue; empty: Run:ai sets the queue at admission"
    )
    queue: OptionalSetting[LabelValue] = Field(
        None, description="queue for all workloads instead of the namespace's; requires queue_label"
    )
    queue_of_pool: OptionalSetting[QueueTemplate] = Field(
        None,
        description="queue of workloads that name one node pool, such as {project}-{pool}; empty: the same as without a"
        " pool; requires queue_label",
    )
    priority_label: MetadataKey = Field(well_known.PRIORITY_CLASS_NAME, description="label for the PriorityClass")
    priority_classes: dict[Priority, LabelValue] = Field(
        description="PriorityClass behind each of the seven priorities"
    )
    preemptibility_label: MetadataKey = Field(
        well_known.KAI_PREEMPTIBILITY, description="label for spec.preemptibility"
    )
    gpu_fraction_keys: Literal["annotations", "shorthand", "nvfractions"] = Field(
        "annotations",
        description="version of the keys of GPU shares: annotations (Run:ai 2.x, KAI up to 0.18.1), shorthand (Run:ai"
        " 3.0, KAI 0.18.2) or nvfractions (KAI in GPU sharing mode NvFractions)",
    )
    gpu_fraction_annotation: MetadataKey = Field(
        well_known.GPU_FRACTION, description="annotation for a portion of a GPU"
    )
    gpu_fraction_limit_annotation: OptionalSetting[ContainerKey] = Field(
        description="annotation for gpuPortionLimit, by default that of gpu_fraction_keys; empty: the field is rejected"
    )
    gpu_devices_annotation: MetadataKey = Field(
        well_known.GPU_FRACTION_DEVICES, description="annotation for how many GPUs are shared"
    )
    gpu_container_annotation: MetadataKey = Field(
        well_known.GPU_FRACTION_CONTAINER, description="annotation for the GPU's container"
    )
    gpu_memory_annotation: MetadataKey = Field(well_known.GPU_MEMORY, description="annotation for GPU memory in MiB")
    gpu_memory_limit_annotation: OptionalSetting[ContainerKey] = Field(
        description="annotation for gpuMemoryLimit, by default that of gpu_fraction_keys; empty: the field is rejected"
    )
    gpu_compute_mode_annotation: OptionalSetting[ContainerKey] = Field(
        description="annotation for gpuComputeMode, by default that of gpu_fraction_keys; empty: the field is rejected"
    )
    node_pool_label: MetadataKey = Field(description="label of nodes, and of pods for one node pool")
    node_pools_annotation: OptionalSetting[MetadataKey] = Field(
        description="annotation for an ordered list of pools, space separated; empty: with kai one pool only"
    )
    category_annotation: MetadataKey = Field(well_known.CATEGORY, description="annotation for the workload category")

    multi_node_workers_scheduled_elsewhere: bool = Field(
        False,
        description="kai: another component sets the scheduler of multiNode workers; false: multiNode is rejected",
    )

    multi_node_launcher: OptionalSetting[Literal["mpi", "ray"]] = Field(
        None,
        description="mpi or ray for every multiNode service that names none; empty: by the version in the image's tag",
    )

    runtime_class_name: OptionalSetting[ObjectName] = Field(
        None, description="runtimeClassName of NIM pods, such as nvidia on RKE2 and k3s; empty: none"
    )
    node_selector: dict[LabelKey, LabelValue] = Field({}, description="labels of the nodes that NIM pods may run on")
    shared_memory_size: OptionalSetting[SharedMemory] = Field(
        None, description="limit of /dev/shm of NIM pods, such as 16Gi; empty: none"
    )
    startup_probe: StartupProbeSettings = Field(
        StartupProbeSettings(), description="startup probe of NIMs; empty: the NIM Operator's, 20 minutes"
    )
    proxy: ProxySettings = Field(ProxySettings(), description="proxy and CA certificates of NIM pods; empty: none")
    metrics_service_monitor: ServiceMonitorSettings = Field(
        ServiceMonitorSettings(), description="ServiceMonitor of each NIM; empty: none"
    )
    service_annotations: dict[AnnotationKey, RenderableText] = Field(
        {}, description="annotations of the Service of each NIM"
    )
    allowed_scheduler_annotations: tuple[SchedulerKeyPattern, ...] = Field(
        (), description="patterns of a scheduler's annotation keys that users may set and no field sets"
    )

    external_mode: Literal["none", "ingress", "gateway"] = Field(
        "none", description="how NIMs are exposed outside the cluster"
    )
    external_domain: OptionalSetting[Domain] = Field(None, description="hosts are <name>.<namespace>.<external_domain>")
    external_hosts: tuple[HostPattern, ...] = Field(
        (), description="patterns of hosts that exposedUrl may have; empty: *.{namespace}.<external_domain>"
    )
    reserved_hosts: tuple[HostPattern, ...] = Field(
        (), description="patterns of hosts that no RunaiNimService may have, such as the REST API's"
    )
    external_tls: bool = Field(True, description="whether URLs are https")
    external_ingress_class: OptionalSetting[ObjectName] = Field(
        None, description="IngressClass, for external_mode ingress"
    )
    external_tls_secret: OptionalSetting[TlsSecret] = Field(
        None, description="Secret with the certificate of an Ingress; empty: the ingress controller's default"
    )
    external_gateway_name: OptionalSetting[ObjectName] = Field(None, description="Gateway, for external_mode gateway")
    external_gateway_namespace: OptionalSetting[ObjectName] = Field(None, description="namespace of the Gateway")
    external_annotations: dict[RouteKey, RenderableText] = Field({}, description="annotations of the Ingress or routes")
    allowed_annotations: tuple[KeyPattern, ...] = Field(
        (), description="patterns of annotation keys that users may set although ingress controllers read them"
    )
    allowed_service_types: ServiceTypes = Field(
        ("ClusterIP", "NodePort", "LoadBalancer"), description="types of Services that users may ask for"
    )

    user_credential_secret: OptionalSetting[CredentialSecret] = Field(
        None, description="Secret of a user's credential, such as runai-{name}; empty: credentials are rejected"
    )

    namespaces: tuple[ObjectName, ...] = Field((), description="namespaces that the operator serves; empty: all")
    workers: Count = Field(16, ge=1, le=256, description="number of RunaiNimServices reconciled concurrently")
    backoff_initial_seconds: Seconds = Field(0.005, description="delay before the first retry; doubles with each")
    backoff_max_seconds: Seconds = Field(300.0, description="maximum delay between two retries")
    watch_resync_seconds: Seconds = Field(600.0, description="interval between full resyncs")
    nim_operator_deadline_seconds: Seconds = Field(
        60.0, description="time to wait for the NIM Operator before the status reports it"
    )
    scheduler_deadline_seconds: Seconds = Field(
        60.0, description="time to wait for the scheduler before the status reports it"
    )
    leader_election: bool = Field(False, description="whether replicas elect a leader, the only one that writes")
    lease_namespace: OptionalSetting[ObjectName] = Field(
        None, description="namespace of the Lease: the namespace of the operator's pods"
    )
    lease_seconds: Count = Field(
        15, ge=3, le=3600, description="how long the Lease is valid after its holder's last renewal"
    )
    healthz_port: Count = Field(8080, ge=1, le=65535, description="port of /healthz, /readyz and /metrics")
    log_format: Literal["json", "console"] = Field("json", description="json for machines, console for people")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least severe message logged")

    @model_validator(mode="before")
    @classmethod
    def _apply_dialect_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        priorities = values.get("priority_classes", {})
        if isinstance(priorities, Mapping):  # the field's type rejects anything else
            priorities = {name: name for name in well_known.PRIORITIES} | dict(priorities)
        # The field itself reports an unknown dialect; with Run:ai's defaults that is the only message.
        dialect = DEFAULTS_OF_DIALECT.get(str(values.get("dialect")), DEFAULTS_OF_DIALECT["runai"])
        generation = DEFAULTS_OF_GENERATION.get(str(values.get("gpu_fraction_keys", "annotations")), {})
        return dialect | DEFAULTS_OF_GENERATION["annotations"] | generation | values | {"priority_classes": priorities}

    @model_validator(mode="after")
    def _check_node_selector(self) -> Self:
        if self.node_pool_label in self.node_selector:
            raise ValueError(f"node_selector has {self.node_pool_label}, by which spec.nodePools selects; leave it out")
        return self

    @model_validator(mode="after")
    def _check_consistency(self) -> Self:
        for found in (self._keys("_label"), self._keys("_annotation")):
            twice = [key for key, count in Counter(found.values()).items() if count > 1]
            if twice:
                raise ValueError(f"two settings use the same key {twice[0]}; each needs its own")
        if self.backoff_initial_seconds > self.backoff_max_seconds:
            raise ValueError("backoff_initial_seconds is above backoff_max_seconds; lower it")
        without_label = [name for name in ("queue", "queue_of_pool") if getattr(self, name) is not None]
        if without_label and self.queue_label is None:
            name = without_label[0]
            raise ValueError(f"{name} is set without queue_label; set queue_label too, or leave {name} out")
        if len(set(self.namespaces)) < len(self.namespaces):
            raise ValueError("namespaces contains a duplicate; list each namespace once")
        if self.leader_election and self.lease_namespace is None:
            raise ValueError("leader_election is on without lease_namespace; set it to the namespace of the operator")
        missing = [name for name in _REQUIRED_BY_MODE[self.external_mode] if getattr(self, name) is None]
        if missing:
            raise ValueError(
                f"external_mode is {self.external_mode} without {' and '.join(missing)}; set what is missing"
            )
        return self

    def _keys(self, kind: Literal["_label", "_annotation"]) -> dict[str, str]:
        """Setting → key, with `*` for a container's name, for the settings of this kind that have a value."""
        keys = {name: getattr(self, name) for name in _SETTING_OF_KEY if name.endswith(kind)}
        return {name: gpu_share_keys.with_container(key, "*") for name, key in keys.items() if key}

    @cached_property
    def configured_keys(self) -> dict[str, str]:
        """Every configured label and annotation key, and what sets it. Users may not set these keys themselves."""
        configured = self._keys("_label") | self._keys("_annotation")
        projects = dict.fromkeys(self.project_labels, "the namespace's project")
        return projects | {key: _SETTING_OF_KEY[name] for name, key in configured.items()}

    def limits_are_bounded(self, key: str) -> bool:
        """Whether a GPU limit under `key` follows the rules of Run:ai 3.0 and KAI 0.18.2, whose admission checks it."""
        return self.gpu_fraction_keys != "annotations" or key in (
            gpu_share_keys.PORTION_LIMIT,
            gpu_share_keys.MEMORY_LIMIT,
        )

    @property
    def hosts_of_urls(self) -> tuple[str, ...]:
        """Patterns of the hosts that exposedUrl may use; meaningless without external access."""
        return self.external_hosts or (f"*.{{namespace}}.{self.external_domain}",)

    def credential_secret(self, credential: str) -> str | None:
        """The Secret of a user's credential: `runai-alice` for template `runai-{name}`; None without a template."""
        template = self.user_credential_secret
        return None if template is None else template.replace("{name}", credential)
