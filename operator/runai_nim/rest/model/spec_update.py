"""The body of a PATCH: sections of spec that it replaces, and sections that it removes."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.domain.admission.rest_body import without_nulls
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, Rule, truncate
from runai_nim.rest.model.spec_patch import Spec, changed_sections, is_same, merge_sections

_BODY_FIELDS: Final = ("spec", "fieldsToRemove")
_IMMUTABLE: Final = "multiNode"
_NEEDED: Final = ("image", "modelStore", "servingPort")
"""Sections that a workload needs, of its own or by a policy."""
REMOVABLE: Final = tuple(
    sorted(field.alias for field in RunaiNimServiceSpec.model_fields.values() if field.alias not in (None, _IMMUTABLE))
)
"""Sections that a PATCH may remove."""


@dataclass(frozen=True, slots=True)
class SpecUpdate:
    """Sections to replace, by name, and sections to remove, by name with their index in the body."""

    sections: Spec
    removed: Mapping[str, int]

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """From a body without mistakes."""
        removed: dict[str, int] = {}
        for index, name in enumerate(body.get("fieldsToRemove") or ()):
            if name is not None:
                removed.setdefault(name, index)
        return cls(_given(body.get("spec") or {}, removed), removed)

    def applied_to(self, stored: Spec, effective_of: Callable[[Spec], Spec]) -> dict[str, Any]:
        """The stored spec after the update; `effective_of` adds the defaults of policies to a spec."""
        kept = {name: value for name, value in stored.items() if name not in self.removed}
        return merge_sections(kept, changed_sections(self.sections, kept, effective_of(kept)))

    def check_needed(self, stored: Spec, effective: Spec) -> Iterator[Finding]:
        """A finding for each section that the stored spec has, a workload needs, and the effective one would lack."""
        for name, index in self.removed.items():
            if name in _NEEDED and name in stored and name not in effective:
                finding = _refused(
                    index, name, "name a section that the workload can do without, or that a policy sets"
                )
                yield replace(finding, rule=Rule.REQUIRED)


def check_update(body: Mapping[str, Any]) -> Iterator[Finding]:
    """All mistakes of the body around the sections that it gives."""
    for field in sorted(body.keys() - set(_BODY_FIELDS)):
        yield Finding(
            reason=Reason.UNKNOWN_FIELD,
            path=truncate(field),
            remedy="remove it, because a PATCH takes only spec and fieldsToRemove",
        )
    spec = body.get("spec")
    if not isinstance(spec, Mapping) and (spec is not None or body.get("fieldsToRemove") is None):
        remedy = "set the sections to change in it"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec", must="be a mapping", remedy=remedy)
    yield from _check_removal(body.get("fieldsToRemove"), spec if isinstance(spec, Mapping) else {})


def _check_removal(names: Any, spec: Spec) -> Iterator[Finding]:
    if names is None:
        return
    if not isinstance(names, list):
        remedy = f"give some of {', '.join(REMOVABLE)}"
        yield Finding(reason=Reason.INVALID_VALUE, path="fieldsToRemove", must="be a list", remedy=remedy)
        return
    given = _given(spec, names)
    for index, name in enumerate(names):
        if name == _IMMUTABLE:
            yield replace(_refused(index, name, "name no immutable section"), rule=Rule.CAN_EDIT)
        elif name is not None and name not in REMOVABLE:
            yield replace(
                _refused(index, name if isinstance(name, str) else None, "name a section of spec"), rule=Rule.OPTIONS
            )
        elif name in given:
            remedy = "give it in spec, or remove it"
            path = f"fieldsToRemove[{index}]"
            must = "name no section that spec has, too"
            yield Finding(reason=Reason.INVALID_VALUE, path=path, value=name, must=must, remedy=remedy)


def _refused(index: int, name: str | None, must: str) -> Finding:
    remedy = f"a PATCH removes {', '.join(REMOVABLE)}"
    path = f"fieldsToRemove[{index}]"
    return Finding(reason=Reason.INVALID_VALUE, path=path, value=name, must=must, remedy=remedy)


def _given(spec: Spec, removed: Collection[Any]) -> dict[str, Any]:
    """The sections that a body gives. Run:ai's client always sends `replicas: 1`, also beside their removal."""
    given: dict[str, Any] = without_nulls(dict(spec))
    if "replicas" in removed and is_same(given.get("replicas"), 1):
        del given["replicas"]
    return given
