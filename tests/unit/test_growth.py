"""What somebody wrote may be large: its cost is linear, and what nobody reads any more is not looked for."""

from dataclasses import replace
from typing import Any

import pytest

from runai_nim.api import syntax
from runai_nim.domain.admission.evaluation import evaluate
from runai_nim.domain.admission.object_schema import check_object_schema
from runai_nim.domain.admission.rest_body import check_rest_body
from runai_nim.domain.context import Context
from runai_nim.domain.validate import Finding
from tests.support.decisions import input_of_manifest
from tests.support.growth import LINEAR, growth
from tests.support.observations import CONTEXT


def unknown(count: int) -> dict[str, Any]:
    return {f"replica{number}": number for number in range(count)}


def manifest(metadata: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimService", "metadata": metadata, "spec": spec}


def findings_of(made: dict[str, Any], context: Context = CONTEXT) -> tuple[Finding, ...]:
    return evaluate(made, input_of_manifest(made, context)).findings


@pytest.mark.parametrize("where", ["spec", "metadata", "both", "list", "values", "nulls", "labels"])
def test_findings_cost_what_their_number_is(where: str) -> None:
    def made(count: int) -> dict[str, Any]:
        items = [{"name": f"A{number}", **unknown(count // 100)} for number in range(100)]
        return {
            "spec": manifest({"name": "a"}, unknown(count)),
            "metadata": manifest({"name": "a", **unknown(count)}, {}),
            "both": manifest({"name": "a", **unknown(count)}, unknown(count)),
            "list": manifest({"name": "a"}, {"environmentVariables": items}),
            "values": manifest({"name": "a"}, {"environmentVariables": [{"name": 1}] * count}),
            "nulls": manifest({"name": "a"}, {"compute": dict.fromkeys(unknown(count))}),
            "labels": manifest({"name": "a", "labels": {f"kai/{name}": "x" for name in unknown(count)}}, {}),
        }[where]

    assert growth(findings_of, made, 400) < LINEAR


def test_a_body_s_findings_cost_what_their_number_is() -> None:
    def made(count: int) -> dict[str, Any]:
        return {"metadata": unknown(count), **unknown(count)}

    assert growth(lambda body: [*check_rest_body(body)], made, 400) < LINEAR


def test_long_names_far_down_are_not_repeated_by_all_below_them() -> None:
    def made(count: int) -> dict[str, Any]:
        found: dict[str, Any] = dict.fromkeys(map(str, range(count)))
        for _ in range(50):
            found = {"x" * count: found}
        return manifest({"name": "a"}, {"compute": found})

    (*_, last) = check_object_schema(made(2000))
    assert len(last.path) < 1000
    assert growth(lambda one: [*check_object_schema(one)], made, 500) < LINEAR


def test_only_the_first_unknown_fields_get_a_suggestion() -> None:
    findings = [
        *findings_of(manifest({"name": "a", **unknown(100)}, unknown(100))),
        *check_rest_body({"metadata": unknown(100)}),
    ]

    suggested = [finding.path for finding in findings if "did you mean" in finding.remedy]
    assert "spec.replica0" in suggested
    assert len([path for path in suggested if path.startswith("spec")]) == syntax.MAX_SUGGESTIONS


def test_only_the_first_wrong_pod_fields_get_a_suggestion() -> None:
    variables = [{"name": f"A{number}", "podFieldRef": {"path": "metadata.nam"}} for number in range(200)]

    findings = findings_of(manifest({"name": "a"}, {"environmentVariables": variables}))

    about = [finding.remedy for finding in findings if finding.path.endswith("podFieldRef.path")]
    assert about.count("did you mean metadata.name?") == syntax.MAX_SUGGESTIONS
    assert len(about) == 200


def test_who_reads_a_few_mistakes_only_gets_no_more() -> None:
    few = replace(CONTEXT, max_findings=5)
    wrong = manifest({"name": "a"}, unknown(100) | {"replicas": "many"})

    assert len(findings_of(wrong, few)) == 5
    assert len(findings_of(manifest({"name": "a"}, unknown(5)), few)) > 5  # what is missing, too


def test_a_long_word_is_no_mistyped_one() -> None:
    assert syntax.closest_match("replica" + "s" * 100, ["replicas"]) is None
    assert syntax.closest_match("replcas", ["replicas"]) == "replicas"


def test_a_long_name_is_not_repeated_whole() -> None:
    (finding,) = [
        found
        for found in findings_of(manifest({"name": "a"}, {"x" * 1000: 1}), Context(CONTEXT.settings))
        if found.reason == "UnknownField"
    ]
    assert len(finding.message) < 250
