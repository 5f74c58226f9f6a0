"""Strategies of specs, made from the CRD's own schema: what its types allow, and that with one value that they don't.

Objects have few of their fields at a time, so that most rules on combinations hold and some do not.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from runai_nim.api.crd import make_schema
from runai_nim.api.kinds import RUNAI_NIM_SERVICE

Spec = dict[str, Any]
Schema = dict[str, Any]
Place = tuple[str | int, ...]

SCHEMA: Schema = make_schema(RUNAI_NIM_SERVICE)["properties"]["spec"]
WORDS = (
    "llama",
    "true",
    "1e3",
    "10Gi",
    "1GB",
    "0",
    "-1",
    "",
    "a b",
    "é",
    "A/b",
    "x" * 63,
    "x" * 64,
    "default",
    "cpu",
    "nvcr.io/nim/x:1",
    "example.com/key",
    "project",
    "status.podIP",
    "NIM_SERVER_PORT",
    "https://llama.example.com/v1",
)
NUMBERS = (0, 0.1, 0.25, 0.5, 1, 1.5, 1000)
INTEGERS = (0, 1, 2, 5, 60, 300, 8000, 8001)
WRONG: st.SearchStrategy[Any] = st.sampled_from([0, -1, "", "?", 1.5, True, [], {}, 2**31, "x" * 40000])


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """Values that a field with this schema may hold."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "object":
        return _objects(schema)
    if schema["type"] == "array":
        return st.lists(values(schema["items"]), max_size=3)
    if schema["type"] == "boolean":
        return st.booleans()
    if schema["type"] == "string":
        return st.sampled_from([word for word in WORDS if _fits(word, schema)])
    known = INTEGERS if schema["type"] == "integer" else NUMBERS
    low = schema["minimum"]
    high = schema.get("maximum", 10**6)
    return st.sampled_from(sorted({low, high, *(number for number in known if low <= number <= high)}))


def _objects(schema: Schema) -> st.SearchStrategy[Spec]:
    fields = schema["properties"]
    required = schema.get("required", [])
    chosen = st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True)
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({name: values(fields[name]) for name in [*required, *names]})
    )


def _fits(word: str, schema: Schema) -> bool:
    long_enough = schema.get("minLength", 0) <= len(word) <= schema["maxLength"]
    return long_enough and re.search(schema.get("pattern", ""), word) is not None


SPECS: st.SearchStrategy[Spec] = values(SCHEMA)
BLOCKS: st.SearchStrategy[Spec] = st.sampled_from(
    ("compute", "environmentVariables", "labels", "modelStore", "nodePools", "tolerations")
).flatmap(lambda name: st.fixed_dictionaries({name: values(SCHEMA["properties"][name])}))
"""Specs of one block whose fields depend on one another."""


@st.composite
def wrong_specs(draw: st.DrawFn, wrong: st.SearchStrategy[Any] = WRONG) -> Spec:
    """A spec with one value that was put where it may not be."""
    spec = draw(SPECS)
    place = draw(st.sampled_from(sorted(places(spec), key=str) or [("image",)]))
    return changed(spec, place, draw(wrong))


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every field and item that a spec has."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in items:
        yield (*place, step)
        yield from places(below, (*place, step))


def changed(spec: Spec, place: Place, value: Any) -> Spec:
    """A copy of `spec` with another value at `place`, whose parent is there."""
    result = copy.deepcopy(spec)
    parent: Any = result
    for step in place[:-1]:
        parent = parent[step]
    parent[place[-1]] = value
    return result
