"""Importing what the operator rendered gives a resource that renders the same."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from runai_nim.domain.context import Context
from runai_nim.domain.importing import ROWS, WITHOUT_WAY_BACK, import_nimservice
from runai_nim.domain.translate import translate
from runai_nim.domain.translate.tables import TABLES
from tests.contract.resources import CONTEXTS, GOLDEN, VALID
from tests.contract.specs import SCHEMA, SPECS, Spec
from tests.support.decisions import input_of
from tests.support.golden import Case, a_context, golden_cases, stored
from tests.support.resources import a_cr

ACCEPTED = [case for case in golden_cases() if not case.refused]
KNOWN = {name: [spec[name] for spec in GOLDEN if name in spec] for name in SCHEMA["properties"]}
MIXED = st.lists(st.sampled_from(sorted(KNOWN)), max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: st.sampled_from(KNOWN[name]) for name in names})
)


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_each_golden_case_comes_back(case: Case) -> None:
    """All of them do, without a finding; `WITHOUT_WAY_BACK` has the fields that come back in other words."""
    context = a_context(case.context)
    nimservice = case.expected["nimservice"]

    imported = import_nimservice(nimservice, context)

    assert imported.findings == ()
    assert translate(input_of(stored(imported.manifest), context)).nimservice == nimservice


@settings(max_examples=400, deadline=None)
@given(st.one_of(MIXED, SPECS), st.sampled_from(list(CONTEXTS.values())))
@example({"tolerations": [{"key": "gpu", "effect": "NoSchedule"}]}, CONTEXTS["runai"])
@example({"probes": {"liveness": {"handler": {"httpGet": {"port": 1, "host": ""}}}}}, CONTEXTS["runai"])
def test_every_valid_spec_comes_back(spec: Spec, context: Context) -> None:
    nimservice = translate(input_of(a_cr({**VALID, **spec}), context)).nimservice
    if nimservice is None:
        return

    imported = import_nimservice(nimservice, context)

    assert imported.findings == ()
    again = translate(input_of(a_cr(imported.manifest["spec"], **metadata_of(imported.manifest)), context))
    assert again.nimservice == nimservice, [finding.message for finding in again.findings]


def metadata_of(manifest: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in manifest["metadata"].items() if key in ("labels", "annotations")}


def test_each_row_of_the_mapping_has_a_way_back_or_a_reason() -> None:
    forward = {row.field for rows in TABLES.values() for row in rows if row.field}
    backward = {field for row in ROWS for field in row.fields}

    assert forward - backward - WITHOUT_WAY_BACK.keys() == set()
    assert (backward | WITHOUT_WAY_BACK.keys()) - forward == set()
    assert backward & WITHOUT_WAY_BACK.keys() == set()
