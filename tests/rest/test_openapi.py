"""The process against its own OpenAPI document: whatever is sent, the answer is one that the document has."""

import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from local.rest import Rest
from scripts.generate import ROOT
from tests.rest.conftest import Project, body

PATH = "/api/v2/workloads/nim-services"
POLICY_PATH = "/api/v2/policy/nim-services"
DOCUMENT = json.loads((ROOT / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8"))
FOUND: list[Any] = list(schemathesis.openapi.from_dict(DOCUMENT).get_all_operations())
OPERATIONS = {result.ok().label: result.ok() for result in FOUND}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
BOUNDED = settings(
    max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def try_out(operation: Any, rest: Rest, token: str, **path_parameters: str) -> None:
    @BOUNDED
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        case.path_parameters = {**case.path_parameters, **path_parameters}
        case.call_and_validate(base_url=rest.url, checks=CHECKS, headers={"Authorization": f"Bearer {token}"})

    check()


@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_in_the_document(label: str, rest: Rest, tokens: dict[str, str]) -> None:
    try_out(OPERATIONS[label], rest, tokens["editor"])


def test_every_change_of_a_workload_is_taken_or_refused(rest: Rest, tokens: dict[str, str], workload: str) -> None:
    try_out(OPERATIONS[f"PATCH {PATH}/{{id}}"], rest, tokens["editor"], id=workload)


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_every_policy_is_taken_or_refused(method: str, rest: Rest, tokens: dict[str, str], team: Project) -> None:
    place = {"scope": "project", "projectId": team.id}
    operation = OPERATIONS[f"{method} {POLICY_PATH}"]

    @BOUNDED
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        if method in ("GET", "DELETE"):
            case.query = place
        elif isinstance(case.body, dict) and isinstance(case.body.get("meta"), dict):
            case.body = {**case.body, "meta": {**case.body["meta"], **place, "clusterId": None}}
        case.call_and_validate(
            base_url=rest.url, checks=CHECKS, headers={"Authorization": f"Bearer {tokens['editor']}"}
        )

    check()


@pytest.fixture
def workload(rest: Rest, tokens: dict[str, str], project: Project) -> str:
    """The id of one."""
    headers = {"Authorization": f"Bearer {tokens['editor']}"}
    answer = httpx.post(f"{rest.url}{PATH}", headers=headers, json=body(project), trust_env=False)
    id_: str = answer.json()["metadata"]["id"]
    return id_


def test_the_document_is_the_one_that_is_served(rest: Rest) -> None:
    assert httpx.get(f"{rest.url}/openapi.json", trust_env=False).json() == DOCUMENT, "make generate"
