"""What is empty, null or not of the API: absent or refused, in every place that a spec has."""

import copy
from typing import Any

import pytest

from runai_nim.domain.translate import translate
from runai_nim.domain.validate import validate
from tests.contract.resources import CONTEXTS, FIELDS, manifests, refused, where
from tests.contract.specs import Place, Spec, changed, places
from tests.support.decisions import input_of
from tests.support.resources import a_cr_of

EMPTY: dict[str, Any] = {"array": [], "object": {}}
NEEDED: set[Place] = {("modelStore",), ("servingPort",)}
"""Blocks without which nothing is translated."""


@pytest.mark.parametrize("field", [field for field, schema in FIELDS.items() if schema["type"] in EMPTY], ids=str)
def test_empty_is_absent_or_refused(field: Place) -> None:
    empty = EMPTY[FIELDS[field]["type"]]
    could_be = 0
    for spec, place in where(field):
        found, absent = (
            translate(input_of(a_cr_of(changed(spec, place, one)), CONTEXTS["own keys"])) for one in (empty, None)
        )

        assert refused(found) or manifests(found) == manifests(absent), spec
        could_be += not refused(absent)
    assert could_be or field in NEEDED


@pytest.mark.parametrize("field", FIELDS, ids=str)
def test_null_is_absent(field: Place) -> None:
    seen = 0
    for spec, place in where(field):
        if place in places(spec):
            null = changed(spec, place, None)
            without = removed(spec, place)
            assert (
                validate(input_of(a_cr_of(null), CONTEXTS["runai"]))[0]
                == validate(input_of(a_cr_of(without), CONTEXTS["runai"]))[0]
            )
            seen += 1
    assert seen


def removed(spec: Spec, place: Place) -> Spec:
    """A copy of `spec` without the field at `place`."""
    *above, last = place
    parent = copy.deepcopy(spec)
    kept: Any = parent
    for step in above:
        kept = kept[step]
    del kept[last]
    return parent


BLOCKS: list[Place] = [
    (),
    *(field for field, schema in FIELDS.items() if schema["type"] == "object"),
    *((*field, 0) for field, schema in FIELDS.items() if schema.get("items", {}).get("type") == "object"),
]


@pytest.mark.parametrize("block", BLOCKS, ids=str)
@pytest.mark.parametrize("name", ["hostPath", "namespace", "serviceAccountName", "ownerReferences", "finalizers"])
def test_a_field_that_the_api_lacks_is_refused_anywhere(block: Place, name: str) -> None:
    having_it = where((*block, name))

    assert having_it
    for spec, place in having_it:
        assert refused(translate(input_of(a_cr_of(changed(spec, place, "x")), CONTEXTS["own keys"])))
