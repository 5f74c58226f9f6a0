"""Converts a policy object to the answer of a policy call."""

from collections.abc import Sequence
from typing import Any

from runai_nim.api.resources import KubeObject, ObjectView
from runai_nim.config.settings import Settings
from runai_nim.domain.policy import Policy, Scope
from runai_nim.rest.model.authorship import authorship
from runai_nim.rest.model.effective_policy import effective_content
from runai_nim.rest.model.policy_body import PARTS, name_of
from runai_nim.rest.model.policy_target import PolicyTarget, numeric_project_id
from runai_nim.rest.model.workload import TENANT_ID


def policy_answer(
    target: PolicyTarget,
    stored: ObjectView | None,
    policies: Sequence[Policy],
    *,
    updated_at: str | None,
    settings: Settings,
    cluster_id: str,
) -> KubeObject:
    """`meta` and `policy` of the scope's object, null without one, and `effective`: the policies that concern it."""
    effective = effective_content(
        policies, lambda policy: target.source_of(policy, settings.department_label, cluster_id)
    )
    answer: KubeObject = {} if stored is None else {"meta": _meta(target, stored, cluster_id)}
    answer["policy"] = None if stored is None else _policy(stored)
    answer["effective"] = effective or None
    return answer | ({"effectiveUpdatedAt": updated_at} if updated_at else {})


def _meta(target: PolicyTarget, stored: ObjectView, cluster_id: str) -> KubeObject:
    metadata = stored["metadata"]
    place: dict[str, Any] = {}
    if target.scope == Scope.PROJECT:
        place = {**numeric_project_id(target.project_id), "projectName": target.project_id}
    elif target.scope == Scope.DEPARTMENT:
        place = {"departmentId": target.department_id}
    return {
        "id": metadata["uid"],
        "tenantId": TENANT_ID,
        "clusterId": cluster_id,
        **authorship(metadata),
        "scope": target.scope.value,
        **place,
        "name": name_of(stored, target),
    }


def _policy(stored: ObjectView) -> KubeObject:
    """Defaults, rules, and why the policy is not in force as it is written."""
    content = {part: stored["spec"][part] for part in PARTS if stored["spec"].get(part)}
    conditions = (stored.get("status") or {}).get("conditions") or ()
    invalid = [one for one in conditions if one["type"] == "Valid" and one["status"] == "False"]
    if invalid:
        content["status"] = {"validation": {"errorMessage": invalid[0].get("message", "")}}
    return content
