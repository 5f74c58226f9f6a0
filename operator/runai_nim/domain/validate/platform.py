"""Rules for what a spec says beside a setting of the platform."""

from collections.abc import Iterator
from typing import Final

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.subject import ValidationSubject

_PROXY_VARIABLES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""The NIM Operator sets all of them from a NIMService's proxy, to nothing where it has no value for one."""
_DROPPED_WITH_MULTI_NODE: Final = {"runtime_class_name": "runtimeClassName", "node_selector": "affinity"}
"""Settings that become fields which the NIM Operator's LeaderWorkerSet doesn't have."""


def proxy_variables(spec: RunaiNimServiceSpec) -> Iterator[tuple[str, str]]:
    """Path and name of each variable of the spec that says which proxy to use, with which the setting doesn't apply."""
    for index, item in enumerate(spec.environment_variables or ()):
        if item.name in _PROXY_VARIABLES and not item.exclude:
            yield f"spec.environmentVariables[{index}]", item.name


def check_proxy_variables(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: variables of the spec replace the platform's proxy as a whole, with its certificates."""
    found = dict(proxy_variables(candidate.spec))
    if candidate.context.settings.proxy.is_set and found:
        names = ", ".join(found.values())
        rule = f"not set {names}, else nothing of the operator's setting proxy applies to this service"
        remedy = "remove these variables, or leave them if this service needs another proxy"
        path = next(iter(found))
        yield Finding(reason=Reason.OVERRIDDEN_VARIABLE, path=path, must=rule, remedy=remedy, severity="warning")


def check_multi_node_settings(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: the NIM Operator gives leader and workers neither a RuntimeClass nor affinity."""
    settings = candidate.context.settings
    for setting, field in _DROPPED_WITH_MULTI_NODE.items():
        if candidate.spec.multi_node is not None and getattr(settings, setting):
            rule = (
                f"be absent with the operator's setting {setting}, the NIM Operator sets no {field} on leader and"
                " workers"
            )
            remedy = f"remove it, or have an admission policy add {field} to these pods"
            yield Finding(
                reason=Reason.IGNORED_FIELD, path="spec.multiNode", must=rule, remedy=remedy, severity="warning"
            )
