"""Golden cases: a resource and its context go in; what should exist and the findings come out.

A resource that is translated has a folder `tests/golden/cases/<block>/<name>` with `cr.yaml`, `context.yaml` and
`expected.yaml`. A resource that is refused is an entry of the table `tests/golden/refusals/<block>.yaml`:

    name                    of the case, unique among all cases
    why                     what the case is about, where its name does not say so (optional)
    metadata, spec          fields in place of those of METADATA and SPEC_OF_TABLES; null leaves a field out
    sample                  a file below deploy/samples without .yaml, in place of metadata and spec
    settings, namespaceLabels, claimExists, nimOperator
                            as in context.yaml; without namespaceLabels the namespace is that of project team-a
    project                 what is expected as project, where that is not team-a
    findings                what is expected, each with reason and message, and with severity where it isn't an error

Both are in folders and files named after the block of the spec, as modules of the decisions are. `--update-golden`
rewrites `expected.yaml` and `findings`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local.cluster import CHECKOUT
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.translate import Desired
from runai_nim.domain.validate import Finding
from tests.support.resources import SPEC

GOLDEN = CHECKOUT / "tests" / "golden"
CASES = GOLDEN / "cases"
REFUSALS = GOLDEN / "refusals"
SAMPLES = CHECKOUT / "deploy" / "samples"
BLOCKS = (
    *("autoscaling", "compute", "container", "environment", "exposure", "metadata", "model_store", "multi_node"),
    *("platform", "scheduling", "serving"),
)
"""Names of the blocks of the spec; `platform` has the settings that hold for every NIM."""
METADATA = {"name": "llama"}
SPEC_OF_TABLES = {**SPEC, "modelStore": {"nimCache": {"name": "cache"}}}
_LABELS = {"runai/queue": "team-a"}
_CONTEXT = ("settings", "namespaceLabels", "claimExists", "nimOperator")
_HEAD = "# What is refused of this block, and the findings. tests/support/golden.py says what each key means.\n"


@dataclass(frozen=True)
class Case:
    """A resource, the content of its context.yaml, and what is expected: the fields of Desired, as YAML has them.

    `expected` of a refusal has `findings` and `project` alone.
    """

    name: str
    block: str
    cr: dict[str, Any]
    context: dict[str, Any]
    expected: dict[str, Any]
    refused: bool

    @property
    def folder(self) -> Path:
        """Where the files of a case are that is not refused."""
        return CASES / self.block / self.name


@cache
def golden_cases() -> tuple[Case, ...]:
    """All of them, sorted by name."""
    return tuple(sorted((*_accepted(), *_refused()), key=lambda case: case.name))


def golden_case(name: str) -> Case:
    """The case of that name."""
    (found,) = (case for case in golden_cases() if case.name == name)
    return found


def _accepted() -> Iterator[Case]:
    for folder in CASES.glob("*/*"):
        cr, context, expected = (read(folder / f"{name}.yaml") for name in ("cr", "context", "expected"))
        yield Case(folder.name, block=folder.parent.name, cr=cr, context=context, expected=expected, refused=False)


def _refused() -> Iterator[Case]:
    for path in REFUSALS.glob("*.yaml"):
        for entry in read(path):
            yield refusal(path.stem, entry)


def refusal(block: str, entry: Mapping[str, Any]) -> Case:
    """The case of an entry of a block's table."""
    unknown = entry.keys() - {"name", "why", "metadata", "spec", "sample", "project", "findings", *_CONTEXT}
    assert not unknown, f"{block}.yaml, {entry['name']}: unknown keys {unknown}"
    context = {"settings": {}, "namespaceLabels": _LABELS} | {key: entry[key] for key in _CONTEXT if key in entry}
    expected = {
        "findings": [{"severity": "error", **finding} for finding in entry["findings"]],
        "project": entry.get("project", "team-a"),
    }
    return Case(
        entry["name"], block=block, cr=_resource(entry), context=_without_none(context), expected=expected, refused=True
    )


def _resource(entry: Mapping[str, Any]) -> dict[str, Any]:
    if "sample" in entry:
        found: dict[str, Any] = read(SAMPLES / f"{entry['sample']}.yaml")
        return found
    return {
        "apiVersion": "runai-nim.io/v1alpha1",
        "kind": "RunaiNimService",
        "metadata": METADATA | entry.get("metadata", {}),
        "spec": _without_none(SPEC_OF_TABLES | entry.get("spec", {})),
    }


def _without_none(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if value is not None}


def table_text(entries: list[dict[str, Any]]) -> str:
    """The text of a table of refusals."""
    return _HEAD + "\n".join(dumped([entry]) for entry in entries)


def updated(entry: Mapping[str, Any], desired: Desired) -> dict[str, Any]:
    """The entry of a table with the findings of `desired`."""
    findings = [
        {key: value for key, value in finding.items() if (key, value) != ("severity", "error")}
        for finding in map(finding_fields, desired.findings)
    ]
    return {**entry, "findings": findings}


def read(path: Path) -> Any:
    """The content of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def a_context(given: Mapping[str, Any]) -> Context:
    """From context.yaml: `settings`, `namespaceLabels`, `claimExists`, `nimOperator` (a version), all optional."""
    unknown = given.keys() - set(_CONTEXT)
    assert not unknown, f"context.yaml holds {unknown}"
    return Context(
        settings=load_settings(given.get("settings"), {}),
        namespace_labels=given.get("namespaceLabels"),
        claim_exists=given.get("claimExists", False),
        nimservice_schema=NIMServiceSchema.of_version(given["nimOperator"])
        if "nimOperator" in given
        else NIMServiceSchema(),
    )


def stored(cr: dict[str, Any]) -> dict[str, Any]:
    """With what the API server adds to a resource that names no namespace."""
    return {**cr, "metadata": {"namespace": "team-a", "uid": "11111111-2222-3333-4444-555555555555", **cr["metadata"]}}


def finding_fields(finding: Finding) -> dict[str, str]:
    """What a case says of a finding."""
    return {"severity": finding.severity, "reason": str(finding.reason), "message": finding.message}


def canonical(desired: Desired) -> str:
    """The text of expected.yaml, without queue and pool, which are labels there, and what is kept of policies."""
    shown: dict[str, Any] = {field.name: getattr(desired, field.name) for field in fields(desired)}
    for name in ("queue", "pool_label", "policy_revision", "compliance"):
        del shown[name]
    shown["exposure"] = desired.exposure and {**asdict(desired.exposure), "reason": str(desired.exposure.reason or "")}
    shown["findings"] = [finding_fields(finding) for finding in desired.findings]
    return dumped(shown)


def dumped(content: Any) -> str:
    """YAML as golden files have it."""
    return yaml.dump(content, Dumper=_WithoutAliases, sort_keys=False, width=120, allow_unicode=True)


class _WithoutAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True
