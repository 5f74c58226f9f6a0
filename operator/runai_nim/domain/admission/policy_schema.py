"""Reads a manifest of a policy: its types, its metadata, and what contradicts itself."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError

from runai_nim.api import well_known
from runai_nim.api.v1alpha1.policy import CLUSTER_POLICY, POLICY_SPECS
from runai_nim.domain.admission.object_schema import OBJECT_FIELDS, check_metadata, check_unknown_fields
from runai_nim.domain.admission.rest_body import without_nulls
from runai_nim.domain.policy import Policy, Scope, check_policy
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, has_errors, parse_findings

_LISTED: Final = ("In", "NotIn")


def read_policy(manifest: Mapping[str, Any], namespace: str = "default") -> tuple[Policy | None, tuple[Finding, ...]]:
    """The policy in a manifest of one of the two kinds, and what is wrong with it; None with errors.

    `namespace`: that of a project's policy that names none.
    """
    findings = tuple(_check_object(manifest))
    if has_errors(findings):
        return None, findings
    policy = _policy(manifest, namespace)
    findings = (*findings, *check_policy(policy))
    return (None if has_errors(findings) else policy), findings


def _check_object(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    if manifest.get("apiVersion") != well_known.API_VERSION:
        must = f"be {well_known.API_VERSION}"
        yield Finding(reason=Reason.INVALID_VALUE, path="apiVersion", must=must, remedy="correct it")
    yield from check_unknown_fields("", manifest, OBJECT_FIELDS)
    yield from check_metadata(manifest.get("metadata"))
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


def _check_selector(spec: Mapping[str, Any]) -> Iterator[Finding]:
    path = "spec.namespaceSelector"
    if spec.get("scope") == Scope.DEPARTMENT and not without_nulls(spec.get("namespaceSelector")):
        must = "be set with scope department"
        remedy = "select the department's namespaces, or use scope cluster"
        yield Finding(reason=Reason.REQUIRED_FIELD, path=path, must=must, remedy=remedy)
    for index, requirement in enumerate((spec.get("namespaceSelector") or {}).get("matchExpressions") or ()):
        if bool(requirement.get("values")) != (requirement["operator"] in _LISTED):
            must = "be set with In and NotIn, and with no other operator"
            where = f"{path}.matchExpressions[{index}].values"
            yield Finding(reason=Reason.INVALID_VALUE, path=where, must=must, remedy="add or remove them")


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
