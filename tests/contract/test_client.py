"""The types against Run:ai's Python client: what its users may write, and which of it means what."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from runai_nim.api.ours import OURS, is_ours
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.translate import Desired, translate
from tests.contract.bodies import NAMES, bodies, client_spec
from tests.contract.openapi_models import field_facts
from tests.contract.specs import Spec, changed, places
from tests.support.decisions import input_of
from tests.support.resources import a_cr
from tests.support.spec_paths import used_paths

DIFFERENCES: dict[str, dict[str, str]] = yaml.safe_load((Path(__file__).parent / "differences.yaml").read_text())
LISTED = {f"{field}: {change}" for fields in DIFFERENCES.values() for field, change in fields.items()}
EXTERNAL = {
    "external_mode": "gateway",
    "external_domain": "example.com",
    "external_hosts": ["llama.example.com"],
    "external_gateway_name": "public",
    "external_gateway_namespace": "gateways",
}
CONTEXT = Context(load_settings({"user_credential_secret": "runai-{name}", **EXTERNAL}, {}))


def differences(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    for path in theirs.keys() | ours.keys():
        if path not in theirs or path not in ours:
            yield f"{path}: " + ("present → absent" if path in theirs else "absent → present")
            continue
        before, after = theirs[path], ours[path]
        for fact in before.keys() | after.keys():
            if before.get(fact) != after.get(fact):
                yield f"{path} {fact}: {before.get(fact, 'none')} → {after.get(fact, 'none')}"


def test_fields_types_bounds_and_defaults_are_the_client_s() -> None:
    theirs = field_facts(client_spec())
    ours = field_facts(RunaiNimServiceSpec)
    found = set(differences(theirs, ours))

    assert sorted(found - LISTED) == [], "list it in differences.yaml with its reason, or correct the types"
    assert sorted(LISTED - found) == [], "is no more: remove it from differences.yaml"
    assert len(theirs) > 100


def test_the_fields_that_the_client_lacks_are_marked_as_ours() -> None:
    lacking = field_facts(RunaiNimServiceSpec).keys() - field_facts(client_spec()).keys()

    assert {path for path in field_facts(RunaiNimServiceSpec) if is_ours(f"spec.{path}")} == lacking
    assert {f"spec.{path}" for path in lacking} >= OURS.keys()


def test_descriptions_tell_models_apart() -> None:
    facts = field_facts(RunaiNimServiceSpec)

    assert facts["environmentVariables[].secret.name"]["pattern"] == "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
    assert facts["environmentVariables[].name"] == {
        "type": "string",
        "minLength": 1,
        "maxLength": 253,
        "required": True,
    }
    assert facts["compute.gpuPortionRequest"] == {"type": "number", "minimum": 0, "maximum": 1}
    assert facts["nodePools[]"]["type"] == "string"


def test_every_field_of_the_client_is_in_a_body() -> None:
    paths = {path for spec in bodies().values() for path in used_paths(spec)}

    assert paths == field_facts(client_spec()).keys()


def desired(spec: Spec) -> Desired:
    return translate(input_of(a_cr(spec), CONTEXT))


@pytest.mark.parametrize("name", NAMES)
def test_a_body_is_translated_as_it_is(name: str) -> None:
    spec = bodies()[name]

    found = desired(spec)

    assert [finding.message for finding in found.findings if finding.severity == "error"] == []
    assert found.nimservice is not None
    assert found.nimservice["spec"]["image"]["tag"] == "1.8.5"


@pytest.mark.parametrize("name", NAMES)
def test_the_nulls_of_the_client_s_other_way_to_make_a_body_mean_nothing(name: str) -> None:
    spec = bodies()[name]
    with_nulls = client_spec().from_dict(spec).to_dict()

    assert None in with_nulls.values()
    assert desired(with_nulls) == desired(spec)


def test_absent_means_what_the_client_s_default_says() -> None:
    defaults = {path: facts["default"] for path, facts in field_facts(client_spec()).items() if "default" in facts}
    assert len(defaults) == 10

    for path, default in defaults.items():
        place = tuple(0 if step == "[]" else step for step in path.replace("[]", ".[]").split("."))
        having_it = [spec for spec in bodies().values() if place[:-1] in [(), *places(spec)]]
        assert having_it, path
        for spec in having_it:
            assert desired(changed(spec, place, default)) == desired(changed(spec, place, None)), path
