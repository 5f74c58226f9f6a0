"""fieldsToRemove: a PATCH removes sections of spec, and a policy's default shows again."""

from collections.abc import Callable
from typing import Any

import httpx

from runai_nim.rest.model.spec_update import REMOVABLE
from tests.rest.conftest import SPEC, Project, body, spec_of
from tests.rest.test_calls import made, stored, written_by_rest
from tests.rest.test_policies_of_workloads import issues, set_policy

Http = Callable[..., httpx.Response]
Kubectl = Callable[..., str]
PATH = "/api/v2/workloads/nim-services"


def test_a_section_is_removed(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project, category="chat", compute={"cpuCoreRequest": 1}, priorityClass="high")

    alone = http("PATCH", f"{PATH}/{id_}", json={"fieldsToRemove": ["category"]})
    assert (alone.status_code, "category" in alone.json()["metadata"]) == (202, False)
    beside = {"spec": {"replicas": 1, "nodePools": ["a"], "category": None}, "fieldsToRemove": ["compute", "replicas"]}
    answer = http("PATCH", f"{PATH}/{id_}", json=beside)

    expected = {**SPEC, "priorityClass": "high", "nodePools": ["a"]}
    del expected["replicas"]
    assert answer.status_code == 202, answer.text
    assert answer.json()["spec"] == spec_of(kubectl, project) == expected


def test_removing_what_is_not_there_writes_nothing(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project)
    before = written_by_rest(stored(kubectl, project))

    for removed in (["category", "autoscaling"], []):
        assert http("PATCH", f"{PATH}/{id_}", json={"fieldsToRemove": removed}).status_code == 202

    assert written_by_rest(stored(kubectl, project)) == before


def test_what_may_not_be_removed(http: Http, project: Project, kubectl: Kubectl) -> None:
    id_ = made(http, project, category="chat")
    for change, found in (
        ({"fieldsToRemove": ["imag"]}, ("fieldsToRemove[0]", "options")),
        ({"fieldsToRemove": ["multiNode"]}, ("fieldsToRemove[0]", "canEdit")),
        ({"fieldsToRemove": ["category", "image"]}, ("fieldsToRemove[1]", "required")),
        ({"fieldsToRemove": ["modelStore"]}, ("fieldsToRemove[0]", "required")),
        ({"spec": {"category": "a"}, "fieldsToRemove": ["category"]}, ("fieldsToRemove[0]", None)),
    ):
        answer = http("PATCH", f"{PATH}/{id_}", json=change)
        assert issues(answer) == [found]
        assert found[1] is None or ", ".join(REMOVABLE) in answer.json()["complianceIssues"][0]["details"]

    assert spec_of(kubectl, project) == {**SPEC, "category": "chat"}


def test_a_policy_s_default_shows_again(http: Http, team: Project, kubectl: Kubectl) -> None:
    set_policy(http, team, defaults={"category": "default", "image": "registry.example.com/nim:1"})
    id_ = http("POST", PATH, json=body(team, category="own")).json()["metadata"]["id"]

    answer = http("PATCH", f"{PATH}/{id_}", json={"fieldsToRemove": ["category", "image"]})

    assert answer.status_code == 202, answer.text
    spec: dict[str, Any] = {name: value for name, value in SPEC.items() if name != "image"}
    assert spec_of(kubectl, team) == spec
    assert answer.json()["spec"] == {**spec, "category": "default", "image": "registry.example.com/nim:1"}
    assert answer.json()["metadata"]["category"] == "default"


def test_a_rule_of_a_policy_holds_for_a_removal(http: Http, team: Project, kubectl: Kubectl) -> None:
    id_ = http("POST", PATH, json=body(team, category="own")).json()["metadata"]["id"]
    set_policy(http, team, rules={"category": {"required": True}})

    answer = http("PATCH", f"{PATH}/{id_}", json={"fieldsToRemove": ["category"]})

    assert issues(answer) == [("category", "required")]
    assert spec_of(kubectl, team)["category"] == "own"


def test_a_mistake_has_the_index_of_the_body(http: Http, project: Project) -> None:
    id_ = made(http, project, category="chat")

    answer = http("PATCH", f"{PATH}/{id_}", json={"fieldsToRemove": [None, "category", "category", "image", "image"]})

    assert issues(answer) == [("fieldsToRemove[3]", "required")]
