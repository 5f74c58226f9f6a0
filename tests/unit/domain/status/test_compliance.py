"""What a status says of policies: the condition, the policies that a resource is rendered under, and the Event."""

from dataclasses import replace
from typing import Any

import pytest

from runai_nim.domain.finding import Finding
from runai_nim.domain.policy import Compliance, Policy, Scope
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import status_of, transitions
from tests.support.observations import NOW, facts
from tests.support.resources import a_cr

TEAM = Policy("team", Scope.PROJECT, namespace="ns")
BROKEN = Finding(
    reason=Reason.POLICY_VIOLATION, path="spec.replicas", value="3", must="be at most 2", remedy="lower it"
)
CHANGE = 'spec.image would be "b" instead of "a"'


def told(compliance: Compliance | None) -> dict[str, Any]:
    found = facts()
    desired = replace(found.desired, compliance=compliance)
    return status_of(a_cr(), desired, replace(found, desired=desired), NOW)


@pytest.mark.parametrize(
    ("compliance", "condition"),
    [
        (Compliance((TEAM,), (), ()), ("True", "Compliant", "the spec meets all rules of its policies")),
        (
            Compliance((TEAM,), (BROKEN,), (CHANGE,)),
            ("False", "PolicyViolation", 'spec.replicas is "3" but must be at most 2: lower it'),
        ),
        (
            Compliance((TEAM,), (), (CHANGE,)),
            (
                "False",
                "PolicyChanged",
                f"policies have changed; with the next change of the spec {CHANGE}",
            ),
        ),
    ],
)
def test_the_status_says_how_it_meets_its_policies(compliance: Compliance, condition: tuple[str, str, str]) -> None:
    status = told(compliance)
    (found,) = (one for one in status["conditions"] if one["type"] == "PolicyCompliant")
    assert (found["status"], found["reason"], found["message"]) == condition
    assert status["policies"] == [{"name": "team", "scope": "project"}]


def test_without_policies_it_says_nothing() -> None:
    status = told(None)
    assert "policies" not in status
    assert "PolicyCompliant" not in [one["type"] for one in status["conditions"]]
    assert "policies" not in told(Compliance((), (), (CHANGE,)))


def test_a_change_of_policies_is_an_event_once() -> None:
    before = told(Compliance((TEAM,), (), ()))
    after = told(Compliance((TEAM,), (), (CHANGE,)))
    assert [(one.type, one.reason) for one in transitions(before, after)] == [("Warning", "PolicyChanged")]
    assert list(transitions(after, after)) == []
    assert list(transitions(after, before)) == []
