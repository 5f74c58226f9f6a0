"""Every CEL rule on the real API server: what it refuses, what it says, and what it lets through."""

import itertools
from collections.abc import Callable, Mapping, Sized
from typing import Any

import pytest
from kubernetes.client import ApiException

from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.plan.multi_node import check_multi_node
from runai_nim.domain.translate import translate
from tests.cluster.crd.cases import MULTI_NODES, NAMES, NOT_CHANGED, ROWS, Row, Spec
from tests.support.decisions import input_of

Create = Callable[..., dict[str, Any]]
Causes = Callable[[ApiException], dict[str, str]]


@pytest.mark.parametrize(("row", "spec"), [(row, spec) for row in ROWS for spec in row.refused], ids=str)
def test_a_rule_refuses_by_name(create: Create, causes: Causes, row: Row, spec: Spec) -> None:
    with pytest.raises(ApiException) as refusal:
        create(spec)

    said = causes(refusal.value)
    assert list(said) == [row.field]
    assert row.says in said[row.field]
    assert row.shows in said[row.field]


@pytest.mark.parametrize(("row", "spec"), [(row, spec) for row in ROWS for spec in row.allowed], ids=str)
def test_a_rule_lets_the_rest_through(create: Create, row: Row, spec: Spec) -> None:
    assert create(spec)["spec"] == spec


@pytest.mark.parametrize("before", MULTI_NODES, ids=["without", "empty", "one", "two", "spread"])
def test_multi_node_stays_as_it_was(
    create: Create, replace: Create, causes: Causes, request: Any, before: Spec
) -> None:
    stored = create({**before, "image": "nim:1"}, f"llama-{request.node.callspec.id}", stored=True)

    for after in MULTI_NODES:
        if after == before:
            continue
        with pytest.raises(ApiException) as refusal:
            replace(stored, after)
        said = causes(refusal.value)
        assert list(said) == ["spec.multiNode"]
        assert NOT_CHANGED in said["spec.multiNode"]

    assert replace(stored, {**before, "image": "nim:2"})["metadata"]["generation"] == 2


def test_the_launcher_and_its_bound_may_change(create: Create, replace: Create) -> None:
    stored = create({"multiNode": {"workers": 1}, "image": "nim:1"}, "llama-launcher", stored=True)
    changed = {"multiNode": {"workers": 1, "launcher": "mpi", "startTimeoutSeconds": 600}, "image": "nim:1"}

    assert replace(stored, changed)["spec"] == changed


@pytest.mark.parametrize(("before", "after"), list(itertools.product((MULTI_NODES[0], *MULTI_NODES[2:]), repeat=2)))
def test_the_operator_compares_multi_node_as_the_api_server_does(before: Spec, after: Spec) -> None:
    found = check_multi_node(rendered(after), rendered(before))

    assert (found is None) == (before == after)


def rendered(spec: Spec) -> Mapping[str, Any]:
    valid = {
        "image": "nim:1",
        "ngcAuthSecret": "ngc",
        "modelStore": {"nimCache": {"name": "cache"}},
        "servingPort": {"port": 8000},
        "compute": {"gpuDevicesRequest": 1},
    }
    cr = {"metadata": {"name": "llama", "namespace": "team-a"}, "spec": {**valid, **spec}}
    nimservice = translate(input_of(cr, Context(load_settings(None, {})))).nimservice
    assert nimservice is not None
    return nimservice


def test_every_rule_of_the_crd_is_seen_to_refuse_and_to_let_through(rules: list[tuple[str, str]]) -> None:
    cases: list[tuple[str, str, Sized, Sized]] = [
        *((row.field, row.says, row.refused, row.allowed) for row in ROWS),
        *(("metadata.name", row.says, row.refused, row.allowed) for row in NAMES),
        ("spec.multiNode", NOT_CHANGED, MULTI_NODES, MULTI_NODES),
    ]
    found = {rule: [case for case in cases if case[0] == rule[0] and case[1] in rule[1]] for rule in rules}

    assert len(rules) > 20
    assert [rule for rule, of_it in found.items() if len(of_it) != 1] == []
    assert sum(map(len, found.values())) == len(cases)
    assert all(refused and allowed for _, _, refused, allowed in cases)


def test_every_message_names_its_field_and_a_remedy(rules: list[tuple[str, str]]) -> None:
    for field, message in rules:
        names = [part.removesuffix("[1]") for part in field.split(".")]
        assert any(name in message for name in names[-2:]), message
        assert ": " in message, message
