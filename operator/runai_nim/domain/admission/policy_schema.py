"""Reads a manifest of a policy: its types, its metadata, and what contradicts itself."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from runai_nim.api import syntax, well_known
from runai_nim.api.untrusted_values import mapping
from runai_nim.api.v1alpha1.policy import CLUSTER_POLICY, POLICY_SPECS
from runai_nim.domain.admission.object_schema import OBJECT_FIELDS, check_metadata, check_unknown_fields
from runai_nim.domain.admission.rest_body import without_nulls
from runai_nim.domain.policy import Policy, Scope, check_policy
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, child_path, has_errors, parse_findings

MAX_KIBIBYTES: Final = 256
"""Size of a spec as JSON. The status repeats it, and etcd takes 1.5 MiB in all."""
_LISTED: Final = ("In", "NotIn")


def read_policy(manifest: Mapping[str, Any], namespace: str = "default") -> tuple[Policy | None, tuple[Finding, ...]]:
    """The policy in a manifest of one of the two kinds, and what is wrong with it; None with errors.

    `namespace`: that of a project's policy that names none.
    """
    findings = tuple(_check_object(manifest))
    if has_errors(findings):
        return None, findings
    policy = _policy(manifest, namespace)
    findings = (*findings, *_check_size(manifest["spec"]), *check_policy(policy))
    return (None if has_errors(findings) else policy), findings


def _check_object(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    if manifest.get("apiVersion") != well_known.API_VERSION:
        must = f"be {well_known.API_VERSION}"
        yield Finding(reason=Reason.INVALID_VALUE, path="apiVersion", must=must, remedy="correct it")
    yield from check_unknown_fields("", manifest, OBJECT_FIELDS)
    yield from check_metadata(manifest.get("metadata"))
    yield from _check_name(mapping(manifest.get("metadata")).get("name"))
    spec = manifest.get("spec")
    if not isinstance(spec, Mapping):
        must = "be a mapping"
        yield Finding(reason=Reason.INVALID_VALUE, path="spec", must=must, remedy="add it, with defaults or rules")
        return
    root = POLICY_SPECS[manifest["kind"]]
    try:
        root.model_validate(spec, by_alias=True, by_name=False)
    except ValidationError as error:
        yield from parse_findings(error, spec, root)
        return
    if manifest["kind"] == CLUSTER_POLICY:
        yield from _check_selector(spec)


def _check_name(name: Any) -> Iterator[Finding]:
    if isinstance(name, str) and name and not syntax.is_object_name(name):
        must = "be up to 253 lower case letters, digits, - and ., beginning and ending with a letter or digit"
        yield Finding(reason=Reason.INVALID_NAME, path="metadata.name", value=name, must=must, remedy="correct it")


def _check_size(spec: Mapping[str, Any]) -> Iterator[Finding]:
    size = len(json.dumps(spec, ensure_ascii=False).encode(errors="surrogatepass"))
    if size > MAX_KIBIBYTES * 1024:
        must = f"have at most {MAX_KIBIBYTES} KiB as JSON, and has {-(-size // 1024)}"
        remedy = "shorten the values of its items, or make several policies of it"
        yield Finding(reason=Reason.INVALID_VALUE, path="spec", must=must, remedy=remedy)


def _check_selector(spec: Mapping[str, Any]) -> Iterator[Finding]:
    path = "spec.namespaceSelector"
    if spec.get("scope") == Scope.DEPARTMENT and not without_nulls(spec.get("namespaceSelector")):
        must = "be set with scope department"
        remedy = "select the department's namespaces, or use scope cluster"
        yield Finding(reason=Reason.REQUIRED_FIELD, path=path, must=must, remedy=remedy)
    selector = spec.get("namespaceSelector") or {}
    for key, value in (selector.get("matchLabels") or {}).items():
        yield from _check_key(f"{path}.matchLabels", key)
        yield from _check_value(child_path(f"{path}.matchLabels", key), value)
    for index, requirement in enumerate(selector.get("matchExpressions") or ()):
        where = f"{path}.matchExpressions[{index}]"
        values = requirement.get("values") or ()
        if bool(values) != (requirement["operator"] in _LISTED):
            must = "be set with In and NotIn, and with no other operator"
            remedy = "add or remove them"
            yield Finding(reason=Reason.INVALID_VALUE, path=f"{where}.values", must=must, remedy=remedy)
        yield from _check_key(f"{where}.key", requirement["key"])
        for number, value in enumerate(values):
            yield from _check_value(f"{where}.values[{number}]", value)


def _check_key(path: str, key: str) -> Iterator[Finding]:
    """No namespace can have another label, so the policy would be for none of them, or with NotIn for all."""
    if not syntax.is_key(key):
        must = "be the key of a label, `name` or `domain/name`"
        yield Finding(reason=Reason.INVALID_VALUE, path=path, value=key, must=must, remedy="correct it")


def _check_value(path: str, value: str) -> Iterator[Finding]:
    if not syntax.is_label_value(value):
        must = "be the value of a label, up to 63 letters, digits, - _ . that start and end with a letter or digit"
        yield Finding(reason=Reason.INVALID_VALUE, path=path, value=value, must=must, remedy="correct it")


def _policy(manifest: Mapping[str, Any], namespace: str) -> Policy:
    spec = without_nulls(manifest["spec"])
    metadata = manifest["metadata"]
    is_cluster = manifest["kind"] == CLUSTER_POLICY
    return Policy(
        name=metadata.get("name") or metadata["generateName"],
        scope=Scope(spec.get("scope", Scope.CLUSTER)) if is_cluster else Scope.PROJECT,
        defaults=spec.get("defaults", {}),
        rules=spec.get("rules", {}),
        enforcement=spec.get("enforcement", "OnChange"),
        namespace="" if is_cluster else metadata.get("namespace") or namespace,
        selector=spec.get("namespaceSelector") if is_cluster else None,
    )
