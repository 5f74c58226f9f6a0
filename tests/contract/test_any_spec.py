"""What holds for a RunaiNimService whatever is in it: it becomes findings or objects, and these keep to their place."""

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runai_nim.api import well_known
from runai_nim.domain.context import Context
from runai_nim.domain.translate import translate
from tests.contract.resources import CONTEXTS, GOLDEN, VALID, key_sets, manifests, refused
from tests.contract.specs import SCHEMA, SPECS, Spec, wrong_specs
from tests.support.decisions import input_of
from tests.support.resources import a_cr

KNOWN = {name: [spec[name] for spec in GOLDEN if name in spec] for name in SCHEMA["properties"]}
"""For every field of spec what the golden cases have there."""
MIXED = st.lists(st.sampled_from(sorted(KNOWN)), max_size=4, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: st.sampled_from(KNOWN[name]) for name in names})
)
JUNK = st.one_of(st.none(), st.booleans(), st.floats(), st.text(max_size=5), st.sampled_from([[], {}, [[]], {"x": 1}]))
ANY_SPEC = st.one_of(MIXED, SPECS, wrong_specs(JUNK)).map(lambda spec: {**VALID, **spec})
ANY_CONTEXT = st.sampled_from(list(CONTEXTS.values()))
often = settings(max_examples=300, deadline=None)


@often
@given(ANY_SPEC, ANY_CONTEXT)
def test_it_becomes_findings_or_objects(spec: Spec, context: Context) -> None:
    cr = a_cr(spec)
    before = copy.deepcopy(cr)

    desired = translate(input_of(cr, context))

    assert str(cr) == str(before)  # not by ==: nan is no equal of itself
    assert translate(input_of(before, context)) == desired
    assert refused(desired) == (desired.nimservice is None)
    assert not refused(desired) or manifests(desired) == []


def test_many_of_the_specs_are_translated() -> None:
    """Otherwise the properties here would hold for nothing."""
    decided: Counter[bool] = Counter()

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(ANY_SPEC, ANY_CONTEXT)
    def count(spec: Spec, context: Context) -> None:
        decided[refused(translate(input_of(a_cr(spec), context)))] += 1

    count()
    assert min(decided.values()) > 40, decided


@often
@given(ANY_SPEC, ANY_CONTEXT)
def test_every_object_is_the_resource_s_own_in_its_namespace(spec: Spec, context: Context) -> None:
    owner = {
        "apiVersion": "runai-nim.io/v1alpha1",
        "kind": "RunaiNimService",
        "name": "nim",
        "uid": "u1",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    desired = translate(input_of(a_cr(spec), context))

    for made in manifests(desired):
        assert made["metadata"]["namespace"] == "ns"
        assert made["metadata"]["labels"][well_known.SERVICE_LABEL] == "nim"
        assert made["metadata"].get("ownerReferences", [owner]) == [owner]
        assert made["kind"] == "PersistentVolumeClaim" or "ownerReferences" in made["metadata"]
        assert {value for key, value in entries(made["spec"]) if key == "namespace"} <= {"gateways"}
        assert NEVER.isdisjoint(key for key, _ in entries(made))
        assert "ownerReferences" not in {key for key, _ in entries(made["spec"])}
    assert [
        key for found in key_sets(desired) for key in found if well_known.matching_pattern(key, well_known.CHILD_KEYS)
    ] == []


NEVER = {"hostPath", "finalizers", "serviceAccount", "serviceAccountName", "hostNetwork", "volumes"}


def entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Every field below a value, but for labels and annotations, whose keys are users' words."""
    for key, below in value.items() if isinstance(value, dict) else ():
        if key not in ("labels", "annotations"):
            yield key, below
            yield from entries(below)
    for item in value if isinstance(value, list) else ():
        yield from entries(item)


@often
@given(
    ANY_SPEC,
    ANY_CONTEXT,
    st.dictionaries(st.sampled_from(["app", "app.kubernetes.io/name", "helm.sh/chart", "team"]), st.just("x")),
    st.dictionaries(st.sampled_from(["argocd.argoproj.io/sync-wave", "gpu-fraction", "app", "note"]), st.just("0.5")),
)
def test_nothing_of_the_resource_s_own_metadata_is_copied(
    spec: Spec, context: Context, labels: dict[str, str], annotations: dict[str, str]
) -> None:
    decorated = translate(
        input_of(a_cr(spec, labels=labels, annotations=annotations, finalizers=["example.com/f"]), context)
    )

    assert decorated == translate(input_of(a_cr(spec), context))
