"""Mapping rows: a field of the API, what it becomes, why, and the function that renders it.

A manifest is the merge of its rows' fragments. `render --explain`, `explain` and docs/mapping.md read the same rows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from runai_nim.api.v1alpha1 import Compute, ModelStore, RunaiNimServiceSpec, Security, ServingPort
from runai_nim.config.settings import Settings
from runai_nim.domain.context import Context
from runai_nim.domain.decision_input import DecisionInput
from runai_nim.domain.translate.owner import OwnerResource

Fragment = dict[str, Any]
"""A part of a manifest, from its root: `{"spec": {"schedulerName": …}}`."""
LeafPath = tuple[str | int, ...]
"""Path of a leaf: keys, and indexes of lists, such as `("spec", "env", 0, "name")`."""


@dataclass(frozen=True, slots=True)
class TranslationSource:
    """What the rows read: a RunaiNimService without errors, and its context.

    Absent blocks of the spec are empty here, so that rows needn't check for them.
    """

    owner: OwnerResource
    annotations: Mapping[str, str]
    spec: RunaiNimServiceSpec
    context: Context
    compute: Compute
    store: ModelStore
    serving: ServingPort
    security: Security
    claim_name: str | None

    @classmethod
    def of(cls, decision_input: DecisionInput) -> Self:
        """From a decision input. Raises ValidationError for an invalid spec."""
        spec = decision_input.valid_spec
        metadata = decision_input.resource["metadata"]
        return cls(
            owner=OwnerResource.of(metadata),
            annotations=metadata.get("annotations") or {},
            spec=spec,
            context=decision_input.context,
            compute=spec.compute or Compute(),
            store=spec.model_store or ModelStore(),
            serving=spec.serving_port or ServingPort(),
            security=spec.security or Security(),
            claim_name=decision_input.claim_name,
        )

    @property
    def name(self) -> str:
        """Name of the RunaiNimService, its NIMService and its Service."""
        return self.owner.name

    @property
    def settings(self) -> Settings:
        """The operator's settings."""
        return self.context.settings


@dataclass(frozen=True, slots=True)
class MappingRow:
    """`field` of the RunaiNimService (`spec.image`; empty: always rendered) becomes what `make` returns.

    `becomes` and `why` are for people, in Markdown; `becomes` names fields of the object that the row is for.
    `setting`: the setting that a row without a field renders, if it renders nothing by default.
    """

    field: str
    becomes: str
    make: Callable[[TranslationSource], Fragment]
    why: str = ""
    setting: str = ""


def without_none(**fields: Any) -> dict[str, Any]:
    """Those of `fields` that are set."""
    return {name: value for name, value in fields.items() if value is not None}


def no_output(_: TranslationSource) -> Fragment:
    """No fragment, for a field that another row reads or that isn't rendered."""
    return {}


def label_fragment(key: str | None, value: str | None) -> Fragment:
    """A label on the object itself, for schedulers that follow owner references, and on its pods."""
    if not key or not value:
        return {}
    return {"metadata": {"labels": {key: value}}, "spec": {"labels": {key: value}}}


def pod_annotation_fragment(key: str | None, value: str | None) -> Fragment:
    """An annotation of the pods."""
    return {"spec": {"annotations": {key: value}}} if key and value else {}


def render_rows(rows: Iterable[MappingRow], source: TranslationSource) -> dict[str, Any]:
    """The merged fragments of all rows."""
    result: dict[str, Any] = {}
    for row in rows:
        deep_merge(result, row.make(source))
    return result


def deep_merge(result: dict[str, Any], fragment: Fragment) -> None:
    """Merge `fragment` into `result`: mappings recursively, lists by concatenation. Rows never write the same leaf."""
    for key, value in fragment.items():
        known = result.get(key)
        if isinstance(value, dict):
            if known is None:
                result[key] = known = {}
            deep_merge(known, value)
        elif isinstance(value, list):
            result[key] = [*(known or ()), *value]
        else:
            result[key] = value


def provenance(rows: Iterable[MappingRow], source: TranslationSource) -> dict[LeafPath, MappingRow]:
    """The row of each leaf of `render_rows(rows, source)`."""
    leaves: dict[LeafPath, MappingRow] = {}
    lengths: dict[LeafPath, int] = {}
    for row in rows:
        for path in _leaves(row.make(source), (), lengths):
            leaves[path] = row
    return leaves


def _leaves(value: Any, path: LeafPath, lengths: dict[LeafPath, int]) -> Iterator[LeafPath]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, (*path, key), lengths)
    elif isinstance(value, list):
        begin = lengths.get(path, 0)
        lengths[path] = begin + len(value)
        for index, part in enumerate(value, begin):
            yield from _leaves(part, (*path, index), {})
    else:
        yield path
