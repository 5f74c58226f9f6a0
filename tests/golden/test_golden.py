"""Golden cases: a resource and its context go in; what should exist and what is said about it come out."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from runai_nim.installed import Installed
from runai_nim.settings import settings_from
from runai_nim.translate import Context, Desired, translate

CASES = Path(__file__).parent / "cases"
SAMPLES = Path(__file__).parents[2] / "deploy" / "samples"


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return content


def a_context(given: Mapping[str, Any]) -> Context:
    """From context.yaml: `settings`, `namespaceLabels`, `claimExists`, `nimOperator` (a version), all optional."""
    unknown = set(given) - {"settings", "namespaceLabels", "claimExists", "nimOperator"}
    assert not unknown, f"context.yaml holds {unknown}"
    return Context(
        settings=settings_from(given.get("settings"), {}),
        namespace_labels=given.get("namespaceLabels"),
        claim_exists=given.get("claimExists", False),
        installed=Installed.of_version(given["nimOperator"]) if "nimOperator" in given else Installed(),
    )


def stored(cr: dict[str, Any]) -> dict[str, Any]:
    """With what the API server adds to a resource that names no namespace."""
    return {**cr, "metadata": {"namespace": "team-a", "uid": "11111111-2222-3333-4444-555555555555", **cr["metadata"]}}


def canonical(desired: Desired) -> str:
    shown: dict[str, Any] = {field.name: getattr(desired, field.name) for field in fields(desired)}
    shown["exposure"] = desired.exposure and asdict(desired.exposure)
    shown["findings"] = [
        {"severity": finding.severity, "reason": str(finding.reason), "message": finding.message}
        for finding in desired.findings
    ]
    return yaml.dump(shown, Dumper=WithoutAliases, sort_keys=False, width=120, allow_unicode=True)


class WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_translation_is_as_expected(case: Path, update_golden: bool) -> None:
    found = canonical(translate(stored(read(case / "cr.yaml")), a_context(read(case / "context.yaml"))))

    if update_golden:
        (case / "expected.yaml").write_text(found)

    assert found == (case / "expected.yaml").read_text(), (
        f"see {case.name}; pytest tests/golden/test_golden.py --update-golden"
    )


@pytest.mark.parametrize("case", sorted(CASES.iterdir()), ids=lambda case: case.name)
def test_case_holds_one_resource(case: Path) -> None:
    cr = read(case / "cr.yaml")

    assert sorted(path.name for path in case.iterdir()) == ["context.yaml", "cr.yaml", "expected.yaml"]
    assert (cr["apiVersion"], cr["kind"]) == ("runai-nim.io/v1alpha1", "RunaiNimService")


def test_every_sample_is_a_case() -> None:
    of_samples = {path.resolve() for path in CASES.glob("*/cr.yaml") if path.is_symlink()}

    assert of_samples == {path.resolve() for path in SAMPLES.glob("*.yaml")}
