"""Settings of the platform, which hold for every NIM → NIMService. Expects a valid spec.

`translate.scheduling` renders `node_selector`, which shares its affinity with spec.nodePools.
"""

from runai_nim.domain.translate.container import DEFAULT_PROBE, startup_probe_fragment
from runai_nim.domain.translate.rules import Fragment, MappingRow, TranslationSource, without_none
from runai_nim.domain.validate.platform import proxy_variables


def _proxy_fragment(source: TranslationSource) -> Fragment:
    proxy = source.settings.proxy
    if not proxy.is_set or next(proxy_variables(source.spec), None):
        return {}
    fields = without_none(
        httpProxy=proxy.http,
        httpsProxy=proxy.https,
        noProxy=proxy.no_proxy,
        certConfigMap=proxy.certificates_config_map,
    )
    return {"spec": {"proxy": fields}}


def _startup_probe_fragment(source: TranslationSource) -> Fragment:
    setting = source.settings.startup_probe
    if not setting.is_set or startup_probe_fragment(source):
        return {}
    probe = {
        "initialDelaySeconds": setting.initial_delay_seconds,
        "periodSeconds": setting.period_seconds,
        "timeoutSeconds": setting.timeout_seconds,
        "failureThreshold": setting.failure_threshold,
        **DEFAULT_PROBE,
    }
    return {"spec": {"startupProbe": {"enabled": True, "probe": probe}}}


def _service_fragment(source: TranslationSource) -> Fragment:
    annotations = source.settings.service_annotations
    return {"spec": {"expose": {"service": {"annotations": dict(annotations)}}}} if annotations else {}


def _service_monitor_fragment(source: TranslationSource) -> Fragment:
    setting = source.settings.metrics_service_monitor
    if not setting.enabled:
        return {}
    monitor = without_none(
        additionalLabels=dict(setting.labels) or None, interval=setting.interval, scrapeTimeout=setting.scrape_timeout
    )
    return {"spec": {"metrics": {"enabled": True, **({"serviceMonitor": monitor} if monitor else {})}}}


ROWS = (
    MappingRow(
        "",
        "`spec.runtimeClassName`",
        lambda s: {"spec": without_none(runtimeClassName=s.settings.runtime_class_name)},
        "RKE2 and k3s give a pod its GPUs by a RuntimeClass, and KAI 0.16 and newer adds none.",
        setting="runtime_class_name",
    ),
    MappingRow(
        "",
        "`spec.storage.sharedMemorySizeLimit`",
        lambda s: (
            {"spec": {"storage": {"sharedMemorySizeLimit": s.settings.shared_memory_size}}}
            if s.settings.shared_memory_size
            else {}
        ),
        setting="shared_memory_size",
    ),
    MappingRow(
        "",
        "`spec.startupProbe`, unless `spec.probes.startup` is set: GET /v1/health/ready on port `api` with these times",
        _startup_probe_fragment,
        "The NIM Operator replaces its default probe as a whole, so what the setting leaves out has its defaults.",
        setting="startup_probe",
    ),
    MappingRow(
        "",
        "`spec.proxy`, unless `spec.environmentVariables` has `HTTP_PROXY`, `HTTPS_PROXY` or `NO_PROXY`, in upper or"
        " lower case",
        _proxy_fragment,
        "The NIM Operator sets these variables from `spec.proxy`, also to nothing, and they override the user's.",
        setting="proxy",
    ),
    MappingRow(
        "",
        "`spec.metrics.enabled` and `spec.metrics.serviceMonitor`",
        _service_monitor_fragment,
        setting="metrics_service_monitor",
    ),
    MappingRow(
        "",
        "`spec.expose.service.annotations`",
        _service_fragment,
        "Users may not set these keys: an annotation of `spec.annotations` would override them.",
        setting="service_annotations",
    ),
)
