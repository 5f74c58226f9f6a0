"""Writes the files that are generated from the code and its tables: `python -m scripts.generate`."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from runai_nim import __version__
from runai_nim.api.crd import make_crd, make_schema
from runai_nim.api.kinds import KINDS, RUNAI_NIM_SERVICE, ApiKind
from runai_nim.api.ours import is_ours
from runai_nim.api.well_known import GROUP
from runai_nim.domain import condition_reasons
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status import ROWS
from runai_nim.domain.status import PhaseRow as StatusRow
from runai_nim.domain.translate.rules import MappingRow
from runai_nim.domain.translate.tables import TABLES
from scripts import argocd, chart_values, openapi, permissions, pictures, policy_fields, reserved_labels, versions

ROOT = Path(__file__).resolve().parent.parent
NOTICE = "<!-- Generated from operator/runai_nim/{source} by scripts/generate.py. Do not edit. -->\n\n"


def crd_text(kind: ApiKind) -> str:
    """Return the CRD of a kind as canonical YAML."""
    header = "# Generated from operator/runai_nim/api by scripts/generate.py. Do not edit.\n"
    return header + yaml.safe_dump(make_crd(kind), sort_keys=False, allow_unicode=True, width=120)


def status_text() -> str:
    """Return the table from facts to phase and Ready as a page."""
    rows = "\n".join(_status_row(row) for row in ROWS)
    return f"""{NOTICE.format(source="domain/status")}# Phase and Ready

The first row that holds decides. A row that is *Reconciling* heals itself; a row that is *Stalled* needs a person: the
message says what to do. Conditions `Reconciling` and `Stalled` exist only while true. "Failed, or Degraded beside ready
pods" means that the phase is Degraded while pods of the service are ready, whatever spec they have.

A new spec, a change of Ready's status and a new problem are written at once. A change that reports progress alone waits
4 seconds, then 8, 16 and at most 32, and is dropped if the next state supersedes it.

| when | phase | Ready | reason | then |
| --- | --- | --- | --- | --- |
{rows}

# Reasons

Reasons are for programs and stay; messages are for people and may change. The first reason of Ready and each change of
it is an Event of that reason and of the type in column *Event*. Only `NIMServiceNotSeen` is none: every change of a
spec begins with it, and a second later it is over.

## Ready, Reconciling, Stalled
{_reasons(condition_reasons.READY)}
## Translated False, or Stalled: a person has to change something
{_reasons(condition_reasons.REFUSED)}
## Warnings, behind TranslatedWithWarnings
{_reasons(condition_reasons.WARNINGS)}
""" + "\n".join(f"## {type_}\n{_reasons(found)}" for type_, found in _other_conditions())


def _reasons(found: Iterable[Reason]) -> str:
    return "\n| reason | Event | meaning |\n| --- | --- | --- |\n" + "".join(
        f"| `{reason}` | {reason.event_type} | {reason.meaning} |\n" for reason in found
    )


def _other_conditions() -> Iterator[tuple[str, tuple[Reason, ...]]]:
    yield from condition_reasons.OTHERS.items()
    yield "Valid, of policies, while it is True; else it has a reason of a rejected spec", condition_reasons.VALID


def _status_row(row: StatusRow) -> str:
    reason = f"`{row.reason}`" if isinstance(row.reason, str) else "the finding's, the pod's or the storage's"
    phase = f"{row.phase}, or {row.phase_beside_pods} beside ready pods" if row.phase_beside_pods else row.phase
    return f"| {row.when} | {phase} | {row.ready} | {reason} | {row.progress or 'settled'} |"


def mapping_text() -> str:
    """Return what each field becomes, and why, as a page."""
    tables = "\n".join(_mapping_table(kind, rows) for kind, rows in TABLES.items())
    return f"""{NOTICE.format(source="domain/translate")}# What each field becomes

Every field of `spec`, the field of the object that it becomes, and why; and the settings that an administrator makes
for every NIM ([platform.md](guide/platform.md)). Keys of labels and annotations are those of
the default settings; [deploy/settings.yaml](../deploy/settings.yaml) names the setting of each. A field without a row
of its own belongs to the row of its block. `runai-nim render --explain` shows the same for a manifest of yours.
{tables}"""


def _mapping_table(kind: str, rows: tuple[MappingRow, ...]) -> str:
    lines = "\n".join(f"| {_cause(row)} | {row.becomes} | {row.why} |" for row in rows)
    return f"""
## {kind}

| field | becomes | why |
| --- | --- | --- |
{lines}
"""


def _cause(row: MappingRow) -> str:
    if row.setting:
        return f"setting `{row.setting}`"
    return f"`{row.field}`" if row.field else "(always)"


def fields_text() -> str:
    """Return every field of the API with its type, bounds and meaning as a page."""
    schema = make_schema(RUNAI_NIM_SERVICE)["properties"]
    parts = {"spec": schema["spec"], "status": schema["status"]}
    tables = "\n".join(_fields_table(name, part) for name, part in parts.items())
    return f"""{NOTICE.format(source="api")}# Fields of RunaiNimService

`runai-nim.io/v1alpha1`, short name `rnim`. `kubectl explain rnim.spec` says the same in a cluster.

**Ours** marks fields that Run:ai's API lacks. `runai-nim validate --strict-runai` rejects them in a spec that you also
give to Run:ai.
{tables}"""


def _fields_table(name: str, schema: dict[str, Any]) -> str:
    lines = "\n".join(f"| `{path}` | {_type(part)} | {_meaning(path, part)} |" for path, part in _fields(name, schema))
    return f"""
## {name}

| field | type | meaning |
| --- | --- | --- |
{lines}
"""


def _meaning(path: str, schema: dict[str, Any]) -> str:
    return f"{schema['description']}{' **Ours.**' if is_ours(path) else ''}"


def _fields(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in schema.get("properties", {}).items():
        below = f"{path}.{name}"
        yield below, part
        yield from _fields(below + "[]" * ("items" in part), part.get("items", part))


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "items" in schema:
        return f"list of {schema['items']['type']}, at most {schema['maxItems']}"
    low, high = schema.get("minimum", ""), schema.get("maximum", "")
    return str(schema["type"]) + (f" {low}…{high}" if low != "" or high != "" else "")


CHART = "charts/runai-nim-operator"
FILES: dict[str, Callable[[], str]] = {
    **{
        f"{folder}/{GROUP}_{kind.plural}.yaml": partial(crd_text, kind)
        for kind in KINDS
        for folder in ("crds", f"{CHART}/files/crds")
    },
    f"{CHART}/files/cluster-rules.yaml": permissions.cluster_rules_text,
    f"{CHART}/files/listed-rules.yaml": permissions.listed_rules_text,
    f"{CHART}/files/own-namespace-rules.yaml": permissions.own_namespace_rules_text,
    f"{CHART}/files/rest-rules.yaml": permissions.rest_rules_text,
    f"{CHART}/files/reserved-labels.yaml": reserved_labels.reserved_labels_text,
    f"{CHART}/values.schema.json": chart_values.schema_text,
    f"{CHART}/values.yaml": chart_values.values_text,
    **{
        f"deploy/argocd/resource_customizations/{GROUP}/ClusterRunaiNimPolicy/{name}": partial(
            argocd.cluster_policy_text, name
        )
        for name in ("health.lua", "health_test.yaml")
    },
    "deploy/argocd/argocd-cm.yaml": argocd.argocd_text,  # from these, too
    "deploy/rbac.yaml": permissions.rbac_text,
    "docs/reference/permissions.md": permissions.page_text,
    "docs/reference/values.md": chart_values.reference_text,
    "docs/mapping.md": mapping_text,
    "docs/reference/fields.md": fields_text,
    "docs/reference/policy-fields.md": policy_fields.policy_fields_text,
    "docs/reference/openapi.json": openapi.openapi_text,
    "docs/reference/status.md": status_text,
    **pictures.PICTURES,
    **{name: partial(versions.versioned, ROOT, name, __version__) for name in versions.FILES},
}


def main() -> None:
    """Write every generated file in place."""
    for name, text in FILES.items():
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
