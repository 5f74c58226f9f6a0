"""Types of single settings: keys, names, name templates, a domain, numbers.

Constraints between settings, and defaults, are in `settings`.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from runai_nim.api import gpu_share_keys, host_patterns, quantity, syntax, well_known

# NIMService expose.router.hostDomainName, as a pattern that Python matches fast, without a trailing dot, which the API
# server rejects in a route's host.
_HYPHENATED: Final = r"([a-z0-9][a-z0-9-]*[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?=.{{1,63}}$)({_HYPHENATED}[a-z0-9]+\.)*{_HYPHENATED}([a-z]+|xn--[a-z0-9]+)")

_KEY_PATTERN: Final = re.compile(r"[A-Za-z0-9*./_-]{1,317}")


def _reject_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # pydantic reports ValueError, not TypeError
    return value


def _validator(is_valid: Callable[[str], bool], rule: str) -> AfterValidator:
    def validate(value: str) -> str:
        if not is_valid(value):
            raise ValueError(rule)
        return value

    return AfterValidator(validate)


def _key(value: str) -> str:
    if not syntax.is_key(value):
        raise ValueError("a label or annotation key is `name` or `domain/name`")
    if well_known.matching_pattern(value, well_known.CHILD_KEYS):
        raise ValueError("the NIM Operator uses this key for its own selectors")
    if value in (well_known.SERVICE_LABEL, well_known.SPEC_HASH):
        raise ValueError("the operator uses this key itself")
    return value


def _container_key(value: str) -> str:
    if value.count(gpu_share_keys.CONTAINER) > 1:
        raise ValueError(f"{gpu_share_keys.CONTAINER} may be in a key once")
    _key(gpu_share_keys.with_container(value, "a" + well_known.NIM_CONTAINER_SUFFIX))
    return value


def _annotation_key(value: str) -> str:
    owner = well_known.owner_of(_key(value))
    if owner is not None:
        raise ValueError(f"this key is reserved: {owner or 'no field'} sets it")
    return value


def _route_key(value: str) -> str:
    if _annotation_key(value) == "kubernetes.io/ingress.class":
        raise ValueError("external_ingress_class sets the class, and the API server rejects an Ingress with both")
    return value


def _is_key_pattern(value: str) -> bool:
    # `*` may also match the slash, so only the characters can be checked.
    return _KEY_PATTERN.fullmatch(value) is not None and not value.startswith("/") and value.count("/") <= 1


def _is_scheduler_key_pattern(value: str) -> bool:
    return _is_key_pattern(value) and value.startswith(well_known.SCHEDULER_DOMAINS)


def _is_proxy_url(value: str) -> bool:
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:
        return False
    host = url.hostname or ""
    plain = value.isascii() and value.isprintable() and " " not in value
    bare = url.path in ("", "/") and not url.query and not url.fragment and "@" not in url.netloc
    return plain and bare and url.scheme in ("http", "https") and host != "" and port != 0


def _shared_memory(value: str) -> str:
    try:
        found = quantity.parse_bytes(value)
    except quantity.QuantityError as error:
        raise ValueError(f"must be {error}") from None
    if found.nanos == 0:
        raise ValueError("must be above 0")
    return str(found)


def _with_default_service_type(types: tuple[str, ...]) -> tuple[str, ...]:
    if "ClusterIP" not in types:
        raise ValueError("ClusterIP must be included, because it is a Service's default type")
    return types


def _is_name(value: str) -> bool:
    return syntax.is_object_name(value) and syntax.is_yaml_text(value)


def _is_tls_secret_template(template: str) -> bool:
    return _is_name(template.replace("{name}", "a" * 59).replace("{namespace}", "a" * 63))


def _is_credential_secret_template(template: str) -> bool:
    return template.count("{name}") == 1 and _is_name(template.replace("{name}", "a"))


def _is_queue_template(template: str) -> bool:
    sample = template.replace("{pool}", "a").replace("{project}", "a")
    return "{pool}" in template and syntax.is_label_value(sample)


def _empty_to_none(value: Any) -> Any:
    return None if value == "" else value


_Setting = TypeVar("_Setting")
OptionalSetting = Annotated[_Setting | None, BeforeValidator(_empty_to_none)]
MetadataKey = Annotated[str, AfterValidator(_key)]
ContainerKey = Annotated[str, AfterValidator(_container_key)]
AnnotationKey = Annotated[str, AfterValidator(_annotation_key)]
RouteKey = Annotated[str, AfterValidator(_route_key)]
KeyPattern = Annotated[
    str, _validator(_is_key_pattern, "a pattern of keys is `name` or `domain/name`, in which `*` matches any text")
]
SchedulerKeyPattern = Annotated[
    str,
    _validator(
        _is_scheduler_key_pattern,
        "a pattern of keys of a scheduler begins with kai.scheduler/, runai/ or run.ai/; `*` matches any text",
    ),
]
LabelKey = Annotated[str, _validator(syntax.is_key, "a label key is `name` or `domain/name`")]
RenderableText = Annotated[
    str,
    _validator(
        lambda value: syntax.unrenderable_character(value) is None,
        "a text without control characters, which the NIM Operator can't render into its manifests",
    ),
]
ProxyUrl = Annotated[
    str,
    _validator(
        _is_proxy_url,
        "a proxy is http://host:port or https://host:port, without credentials, which everybody who may read a"
        " NIMService or a pod could read",
    ),
]
NoProxy = Annotated[
    str,
    _validator(
        lambda value: re.fullmatch(r"[\x21-\x7e]+", value) is not None,
        "hosts, domains and networks, separated by commas and without spaces",
    ),
]
Duration = Annotated[
    str,
    _validator(
        lambda value: re.fullmatch(r"([0-9]{1,6}(ms|[smhdwy]))+", value) is not None,
        "a duration of Prometheus, such as 30s or 1m30s",
    ),
]
SharedMemory = Annotated[str, AfterValidator(_shared_memory)]
LabelValue = Annotated[
    str,
    _validator(
        lambda value: value != "" and syntax.is_label_value(value),
        "a label value has 1 to 63 letters, digits, `-`, `_` and `.`",
    ),
]
# The NIM Operator writes these names unquoted into YAML templates.
ObjectName = Annotated[
    str, _validator(_is_name, "a name has lower case letters, digits, `-` and `.`, and is not a YAML word or number")
]
Domain = Annotated[
    str,
    _validator(
        lambda value: _DOMAIN.fullmatch(value) is not None,
        "the NIM Operator accepts domains of up to 63 lower case letters, digits, `-` and `.` that end in a letter, if"
        " no label ends in `-` and one character, as eu-west-1 does",
    ),
]
HostPattern = Annotated[
    str,
    _validator(
        host_patterns.is_pattern,
        "a pattern of hosts is a DNS name in lower case, in which `*` matches text within one label and {namespace}"
        " stands for the RunaiNimService's namespace; `*` alone matches every host",
    ),
]
ServiceTypes = Annotated[
    tuple[Literal["ClusterIP", "NodePort", "LoadBalancer"], ...], AfterValidator(_with_default_service_type)
]
TlsSecret = Annotated[
    str,
    _validator(
        _is_tls_secret_template, "a Secret's name; {name} and {namespace} in it stand for the RunaiNimService's"
    ),
]
CredentialSecret = Annotated[
    str,
    _validator(
        _is_credential_secret_template, "a Secret's name with one {name} in it, which stands for the credential's"
    ),
]
QueueTemplate = Annotated[
    str,
    _validator(
        _is_queue_template,
        "a queue's name with {pool} in it, such as {project}-{pool}; {project} stands for the namespace's project",
    ),
]
Seconds = Annotated[float, BeforeValidator(_reject_bool), Field(gt=0, le=86400)]
Count = Annotated[int, BeforeValidator(_reject_bool)]
Priority = Literal["very-low", "low", "medium-low", "medium", "medium-high", "high", "very-high"]
