"""The types of policies against Run:ai's Python client: each leaf of its rules and defaults, by name and kind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from runai.models.nim_service_defaults import NimServiceDefaults
from runai.models.nim_service_rules import NimServiceRules

from runai_nim.api.ours import is_ours
from runai_nim.api.v1alpha1 import policy_rules
from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS
from runai_nim.api.v1alpha1.policy_rules import PolicyDefaults, PolicyRules
from tests.contract.openapi_models import field_facts

DIFFERENCES: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
    (Path(__file__).parent / "policy_differences.yaml").read_text(encoding="utf-8")
)
KINDS = frozenset({"required", "canEdit", "options", "min", "max", "step", "defaultFrom", "canAdd", "locked"})


def listed(part: str) -> dict[str, str]:
    return {path: change for fields in DIFFERENCES[part].values() for path, change in fields.items()}


def nested(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := nested(part)) is not None), None)


def leaves(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, str]]:
    """Each field with a rule, and the kinds of its rules."""
    names = {field.alias or name: field.annotation for name, field in model.model_fields.items()}
    names.pop("sourceOfRule", None)  # in answers only
    if names.keys() <= KINDS:
        yield path, " ".join(sorted(names))
        return
    for name, annotation in names.items():
        below = nested(annotation)
        assert below is not None, f"{path}.{name}"
        yield from leaves(below, f"{path}.{name}" if path else name)


def test_every_leaf_of_the_client_has_its_rules() -> None:
    theirs = dict(leaves(NimServiceRules))
    ours = {path: kinds for path, kinds in leaves(PolicyRules) if not is_ours(f"spec.{path}")}

    found = {
        path: f"{theirs.get(path, 'none')} → {ours.get(path, 'none')}"
        for path in theirs.keys() | ours.keys()
        if theirs.get(path) != ours.get(path)
    }

    assert found == listed("rules")
    assert len(theirs) > 60


def test_a_field_of_ours_has_rules_too() -> None:
    ours = dict(leaves(PolicyRules))

    assert ours["compute.gpuComputeMode"] == "canEdit options required"
    assert ours["multiNode.tensorParallelism"] == "canEdit defaultFrom max min required step"
    assert ours["autoscaling.metricThresholdQuantity"] == "canEdit defaultFrom max min required"


def test_a_rule_stands_where_the_decisions_look_for_it() -> None:
    without_rules = {"modelStore.pvc.claimInfo.addedAttrValues"}
    paths = {path for path, _ in leaves(PolicyRules)}

    assert {path.removesuffix(".instances") for path in paths} == FIELD_KINDS.keys() - without_rules


def types_below(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        below = nested(field.annotation)
        if below is not None:
            yield from types_below(below)


def test_no_source_is_searched_for_the_docstrings_of_types_that_are_made() -> None:
    # Pydantic looks through all loaded modules for each such type; for these it was half of the operator's start.
    types = {*types_below(PolicyRules), *types_below(PolicyDefaults)}
    written = vars(policy_rules).values()
    made = {each for each in types if each.__module__ == policy_rules.__name__ and each not in written}

    assert len(made) > 50
    assert [each.__name__ for each in made if each.model_config["use_attribute_docstrings"]] == []


def paths_of(model: type[BaseModel]) -> set[str]:
    return set(field_facts(model))


def test_every_default_of_the_client_is_there() -> None:
    theirs = paths_of(NimServiceDefaults)
    ours = {path for path in paths_of(PolicyDefaults) if not is_ours(f"spec.{path}")}

    found = {path: "present → absent" if path in theirs else "absent → present" for path in theirs ^ ours}

    assert found == listed("defaults")
