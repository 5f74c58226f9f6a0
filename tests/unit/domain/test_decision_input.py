"""The one input of every decision: effective spec, provenance, claim name, context."""

from typing import Any

import pytest
from pydantic import ValidationError

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.decision_input import make_decision_input
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.policy import RESOURCE
from tests.support.decisions import input_of
from tests.support.resources import a_cr, a_cr_of

CONTEXT = Context(load_settings(None, {}), {"runai/queue": "team-a"})


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ({"modelStore": {"pvc": {"claimName": "models"}}}, "models"),
        ({"modelStore": {"pvc": {"claimName": 3}}}, "3"),
        ({"modelStore": {"pvc": {}}}, "nim-model-store"),
        ({"modelStore": {"nimCache": {"name": "c"}}}, None),
        ({"modelStore": "nonsense"}, None),
        ({"modelStore": {"pvc": None}}, None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_the_claim_can_be_named_before_the_spec_is_known_to_be_valid(spec: Any, name: str | None) -> None:
    assert input_of(a_cr_of(spec), CONTEXT).claim_name == name


def test_a_resource_without_spec_has_an_empty_effective_spec() -> None:
    decision_input = input_of({"metadata": {"name": "nim"}}, CONTEXT)

    assert decision_input.spec == {}
    assert decision_input.claim_name is None


def test_every_value_that_is_set_comes_from_the_resource() -> None:
    decision_input = input_of(a_cr({"replicas": 0}), CONTEXT)

    assert decision_input.origin("spec.modelStore.pvc.claimInfo.size") == RESOURCE
    assert decision_input.origin("spec.replicas") == RESOURCE
    assert decision_input.origin("spec.modelStore.nimCache.name") is None
    assert decision_input.origin("spec.compute") is None


def test_a_spec_that_cannot_be_read_is_no_valid_spec() -> None:
    decision_input = input_of(a_cr({"image": 3}), CONTEXT)

    assert isinstance(decision_input.parsed_spec, ValidationError)
    with pytest.raises(ValidationError, match="image"):
        _ = decision_input.valid_spec


def test_nothing_is_known_of_children_until_somebody_says_so() -> None:
    decision_input = make_decision_input(
        a_cr(), settings=CONTEXT.settings, namespace_labels=None, nimservice_schema=NIMServiceSchema()
    )
    with_children = decision_input.with_children(claim_exists=True, claim_size="10Gi", nimservice_exists=True)

    assert (decision_input.context.claim_exists, decision_input.context.nimservice_exists) == (None, False)
    assert with_children.context.claim_size == "10Gi"
    assert with_children.context.nimservice_exists
    assert with_children.parsed_spec is decision_input.parsed_spec


@pytest.mark.parametrize(
    ("priority", "name"),
    [("high", "fast"), ("low", "low"), ("highest", None), (None, None), (["high"], None), (3, None)],
)
def test_the_priority_class_can_be_named_before_the_spec_is_known_to_be_valid(priority: Any, name: str | None) -> None:
    context = Context(load_settings({"priority_classes": {"high": "fast"}}, {}))
    assert input_of(a_cr_of({"priorityClass": priority}), context).priority_class == name
    assert input_of({**a_cr(), "spec": "nonsense"}, context).priority_class is None


def test_what_is_known_of_the_cluster_stays_when_children_are_added() -> None:
    decision_input = input_of(a_cr(), CONTEXT).with_cluster(priority_class_exists=False, older_with_url="web")
    context = decision_input.with_children(claim_exists=True, nimservice_exists=True).context
    assert (context.priority_class_exists, context.older_with_url, context.claim_exists) == (False, "web", True)
