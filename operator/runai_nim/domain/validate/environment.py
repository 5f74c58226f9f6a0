"""Rules for spec.environmentVariables. Messages never contain a variable's value, which may be a secret."""

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from runai_nim.api import syntax, well_known
from runai_nim.api.v1alpha1 import ConfigMapKey, EnvironmentVariable, SecretKey, ServingPort, UserCredentialKey
from runai_nim.domain.finding import Finding, character_findings, truncate
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import secrets
from runai_nim.domain.validate.list_items import duplicate_findings
from runai_nim.domain.validate.subject import ValidationSubject

_NAME_PATTERN: Final = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_KEY_PATTERN: Final = re.compile(r"(?!\.\.)(?!\.$)[-._a-zA-Z0-9]+")
_SOURCES: Final = ("value", "secret", "config_map", "pod_field_ref", "user_credential")
_SOURCE_NAMES: Final = "value, secret, configMap, podFieldRef and userCredential"
_KEY_SOURCES: Final = {"secret": "a Secret of this namespace", "configMap": "a ConfigMap of this namespace"}
_FIELDS: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_MODEL_STORE: Final = "/model-store"
"""Where the NIM Operator mounts the claim or the cache."""
_FIELD_WITH_KEY: Final = re.compile(r"metadata\.(labels|annotations)\['(?P<key>[^']*)'\]")


def check_variable_names(candidate: ValidationSubject) -> Iterator[Finding]:
    """Valid and unique names, including excluded variables."""
    items = [(f"{path}.name", item.name) for path, item in _variables(candidate, include_excluded=True)]
    for path, name in items:
        if _NAME_PATTERN.fullmatch(name) is None:
            rule = "be letters, digits, -, . and _, not beginning with a digit"
            yield Finding(reason=Reason.INVALID_NAME, path=path, value=name, must=rule, remedy="rename the variable")
    yield from duplicate_findings(items)


def check_variable_sources(candidate: ValidationSubject) -> Iterator[Finding]:
    """Exactly one source; an excluded variable may have none."""
    for path, item in _variables(candidate, include_excluded=True):
        source_count = sum(getattr(item, source) is not None for source in _SOURCES)
        if source_count > 1:
            rule = "have one source only"
            remedy = f"keep one of {_SOURCE_NAMES}"
            yield Finding(reason=Reason.CONFLICTING_FIELDS, path=path, must=rule, remedy=remedy)
        if source_count == 0 and not item.exclude:
            rule = "have a source"
            remedy = f"add one of {_SOURCE_NAMES}"
            yield Finding(reason=Reason.REQUIRED_FIELD, path=path, must=rule, remedy=remedy)


def check_variable_keys(candidate: ValidationSubject) -> Iterator[Finding]:
    """A reference names a Secret, ConfigMap or credential, and a valid key."""
    for path, item in _variables(candidate):
        sources = {"secret": item.secret, "configMap": item.config_map, "userCredential": item.user_credential}
        for field, source in sources.items():
            if source is not None:
                yield from _key_findings(f"{path}.{field}", field, source)


def check_variable_fields(candidate: ValidationSubject) -> Iterator[Finding]:
    """podFieldRef names a field that Kubernetes supports; with others it rejects the pods."""
    suggestions = syntax.SuggestionBudget()
    for path, item in _variables(candidate):
        reference = item.pod_field_ref
        if reference is None:
            continue
        path = f"{path}.podFieldRef.path"
        if reference.path is None:
            yield Finding(
                reason=Reason.REQUIRED_FIELD,
                path=path,
                must="be set",
                remedy="name a field of the pod, such as metadata.name",
            )
        elif not _is_pod_field(reference.path):
            near = None if "[" in reference.path else suggestions.closest_match(reference.path, _FIELDS)
            rule = f"be {', '.join(_FIELDS)}, metadata.labels['<key>'] or metadata.annotations['<key>']"
            remedy = f"did you mean {near}?" if near else "choose one of these"
            yield Finding(reason=Reason.INVALID_VALUE, path=path, value=reference.path, must=rule, remedy=remedy)


def check_variable_characters(candidate: ValidationSubject) -> Iterator[Finding]:
    """A value that the NIM Operator can't render would make the NIMService fail for ever."""
    for path, item in _variables(candidate):
        yield from character_findings(f"{path}.value", item.value)


def check_plain_secrets(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: a secret in a literal value or a ConfigMap is readable by everyone who may read these objects."""
    for path, item in _variables(candidate):
        if item.value is not None and secrets.is_plain_secret(item.name, item.value):
            yield _secret_finding(f"{path}.value", item.name, "this resource")
        if item.config_map is not None and secrets.is_secret_name(item.name):
            yield _secret_finding(f"{path}.configMap", item.name, "the ConfigMap")


def _secret_finding(path: str, variable: str, reader: str) -> Finding:
    rule = f"not hold a secret ({truncate(variable)}), whoever may read {reader} can read it"
    remedy = "keep it in a Secret of this namespace, and use secret: {name, key} instead"
    if variable == well_known.NGC_API_KEY:
        remedy = "keep it in the Secret that ngcAuthSecret names, and remove the variable"
    return _warning(Reason.PLAIN_SECRET, path, rule, remedy)


def check_overridden_variables(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: a user's variable takes precedence over one that the NIM Operator or the device plugin sets."""
    for path, item in _variables(candidate):
        found = _override(candidate, item)
        if found is not None:
            rule, remedy = found
            yield _warning(Reason.OVERRIDDEN_VARIABLE, path, rule, remedy)


def _override(candidate: ValidationSubject, item: EnvironmentVariable) -> tuple[str, str] | None:
    """What a variable should do, and the remedy; None where it overrides nothing that matters."""
    serving = candidate.spec.serving_port or ServingPort()
    remove = "remove the variable"
    if item.name == well_known.NIM_CACHE_PATH and not _is_in_model_store(item.value):
        rule = f"leave {item.name} at {_MODEL_STORE}, else modelStore stays empty and each start downloads the model"
        return rule, f"{remove}, or give a path below {_MODEL_STORE}"
    field, port = _port_of(item.name, serving)
    if port is not None and item.value != str(port):
        return f"set {item.name} to servingPort.{field} ({port}), by value", remove
    if item.name in well_known.NIM_MULTI_NODE_VARIABLES and candidate.spec.multi_node is not None:
        return f"not set {item.name}, by which the NIM Operator tells leader and workers apart", remove
    if item.name == well_known.NVIDIA_VISIBLE_DEVICES:
        return f"not set {item.name}, by which the pod gets its GPUs and no others", remove
    return None


def _port_of(variable: str, serving: ServingPort) -> tuple[str, int | None]:
    """The field whose port the NIM Operator gives the variable, and that port where it does."""
    if variable in well_known.NIM_GRPC_PORT_VARIABLES:
        return "grpcPort", serving.grpc_port
    if variable == well_known.NIM_METRICS_PORT and serving.metrics_port != serving.port:
        return "metricsPort", serving.metrics_port
    return "", None


def _is_in_model_store(path: str | None) -> bool:
    return path is not None and f"{posixpath.normpath(path)}/".startswith(f"{_MODEL_STORE}/")


def check_variable_ports(candidate: ValidationSubject) -> Iterator[Finding]:
    """A port variable must equal the Service's port, or the NIM is unreachable."""
    serving = candidate.spec.serving_port
    port = None if serving is None else serving.port
    if port is None:
        return
    for path, item in _variables(candidate):
        if item.name in well_known.NIM_PORT_VARIABLES and item.value != str(port):
            rule = f"set {item.name} to servingPort.port ({port}), by value"
            remedy = "remove the variable, which the NIM Operator sets, or change servingPort.port"
            yield Finding(reason=Reason.CONFLICTING_FIELDS, path=path, must=rule, remedy=remedy)


def check_variable_profile(candidate: ValidationSubject) -> Iterator[Finding]:
    """A profile variable must equal the cache's profile, for which the NIM Operator counts GPUs."""
    store = candidate.spec.model_store
    profile = store and store.nim_cache and store.nim_cache.profile
    if not profile:
        return
    for path, item in _variables(candidate):
        if item.name == well_known.NIM_MODEL_PROFILE and item.value != profile:
            rule = f"set {item.name} to modelStore.nimCache.profile ({profile}), by value"
            remedy = "remove the variable, or remove the profile"
            yield Finding(reason=Reason.CONFLICTING_FIELDS, path=path, must=rule, remedy=remedy)


def _variables(
    candidate: ValidationSubject, *, include_excluded: bool = False
) -> Iterator[tuple[str, EnvironmentVariable]]:
    for index, item in enumerate(candidate.spec.environment_variables or ()):
        if include_excluded or not item.exclude:
            yield f"spec.environmentVariables[{index}]", item


def _warning(reason: Reason, path: str, rule: str, remedy: str) -> Finding:
    return Finding(reason=reason, path=path, must=rule, remedy=remedy, severity="warning")


def _key_findings(path: str, field: str, source: SecretKey | ConfigMapKey | UserCredentialKey) -> Iterator[Finding]:
    if source.name is None:
        remedy = f"name {_KEY_SOURCES.get(field, 'a credential')}"
        yield Finding(reason=Reason.REQUIRED_FIELD, path=f"{path}.name", must="be set", remedy=remedy)
    if source.key is None:
        yield Finding(
            reason=Reason.REQUIRED_FIELD,
            path=f"{path}.key",
            must="be set",
            remedy="name the key that holds the value",
        )
    elif _KEY_PATTERN.fullmatch(source.key) is None:
        rule = "be letters, digits, -, . and _, not beginning with two dots"
        yield Finding(reason=Reason.INVALID_VALUE, path=f"{path}.key", value=source.key, must=rule, remedy="correct it")


def _is_pod_field(path: str) -> bool:
    with_key = _FIELD_WITH_KEY.fullmatch(path)
    return path in _FIELDS if with_key is None else syntax.is_key(with_key["key"])


def check_user_credentials(candidate: ValidationSubject) -> Iterator[Finding]:
    """Credentials need a setting, because Run:ai doesn't document how it names their Secrets."""
    for path, credential, instead in _credentials(candidate):
        secret = candidate.context.settings.credential_secret(credential)
        if secret is None:
            rule = "not be used, the operator's settings don't say which Secret holds a credential"
            remedy = f"{instead}, or set user_credential_secret in the operator's settings"
            yield Finding(reason=Reason.NOT_CONFIGURED, path=path, value=credential, must=rule, remedy=remedy)
        elif not syntax.is_object_name(secret):
            rule = f"be a credential whose Secret can exist, {secret} is no name of a Secret"
            yield Finding(reason=Reason.INVALID_NAME, path=path, value=credential, must=rule, remedy="correct it")


def _credentials(candidate: ValidationSubject) -> Iterator[tuple[str, str, str]]:
    """Path, name and alternative of each credential."""
    for index, variable in enumerate(candidate.spec.environment_variables or ()):
        credential = variable.user_credential
        if credential is not None and credential.name is not None and not variable.exclude:
            yield f"spec.environmentVariables[{index}].userCredential.name", credential.name, "use secret instead"
    for index, pulled in enumerate(candidate.spec.image_pull_secrets or ()):
        if pulled.user_credential and not pulled.exclude:
            path = f"spec.imagePullSecrets[{index}].name"
            yield path, pulled.name, "name a Secret of this namespace and remove userCredential"
