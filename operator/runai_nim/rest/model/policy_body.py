"""Reads the bodies of policy calls, and applies a PATCH to stored defaults and rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from runai_nim.api import syntax, well_known
from runai_nim.api.resources import KubeObject, ObjectView
from runai_nim.api.v1alpha1.field_kinds import FIELD_KINDS, ITEM_LISTS
from runai_nim.domain.admission.object_schema import check_unknown_fields
from runai_nim.domain.admission.rest_body import without_nulls
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, Rule
from runai_nim.rest.model.policy_target import PolicyTarget

NAME_ANNOTATION: Final = "runai-nim.io/policy-name"
"""Annotation with the name that a caller gave the policy."""
PARTS: Final = ("defaults", "rules")
_META: Final = ("scope", "projectId", "departmentId", "clusterId", "name")
_META_OF_ANSWERS: Final = ("id", "tenantId", "createdBy", "createdAt", "updatedBy", "updatedAt", "projectName")
_MAX_NAME_LENGTH: Final = 253
_RESETTABLE: Final = frozenset(
    ".".join(path.split(".")[: depth + 1])
    for path in (*FIELD_KINDS, *(f"{path}.instances.{rule}" for path in ITEM_LISTS for rule in ("canAdd", "locked")))
    for depth in range(path.count(".") + 1)
)
"""Every path below defaults and rules."""


def check_put(body: ObjectView) -> Iterator[Finding]:
    """One finding for each mistake in the body of a PUT around defaults and rules."""
    yield from _check_fields(body, ("meta", "policy"))
    yield from _check_name(body, is_required=True)
    if body.get("policy") is None:
        must = "be set"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="policy", must=must, remedy="add it, with defaults or rules")


def check_patch(body: ObjectView) -> Iterator[Finding]:
    """One finding for each mistake in the body of a PATCH around defaults and rules."""
    yield from _check_fields(body, ("meta", "policy", "reset"))
    yield from _check_name(body, is_required=False)
    reset = body.get("reset")
    if not isinstance(reset, list | None):
        yield _invalid("reset", "be a list of paths", "send a list such as [rules/compute]")
        return
    for index, text in enumerate(reset or ()):
        path = _reset_path(text)
        if path is None or (path[1] and path[1] not in _RESETTABLE):
            near = syntax.closest_match(path[1], sorted(_RESETTABLE)) if path else None
            remedy = f"did you mean {near}?" if near else "name a part such as rules/compute, or a field of both"
            shown = text if isinstance(text, str) else None
            yield _invalid(f"reset[{index}]", "be a path below defaults or rules", remedy, value=shown)


def meta_of(body: ObjectView) -> ObjectView:
    """The body's meta; empty if it is not a mapping."""
    meta = body.get("meta")
    return meta if isinstance(meta, Mapping) else {}


def content_of(body: ObjectView) -> KubeObject:
    """Defaults and rules of a body, without what clients send for "not given"."""
    policy = body.get("policy")
    given = without_nulls(policy) if isinstance(policy, Mapping) else {}
    content = {part: given[part] for part in PARTS if part in given}
    defaults = content.get("defaults")
    # Run:ai's client always sends it. One replica is also what a resource gets that has no default.
    if isinstance(defaults, dict) and type(defaults.get("replicas")) is int and defaults["replicas"] == 1:
        content["defaults"] = {name: value for name, value in defaults.items() if name != "replicas"}
    if "rules" in content:
        content["rules"] = _without_sources(content["rules"])
    return content


def patched_content(stored: ObjectView, body: ObjectView) -> KubeObject:
    """Stored defaults and rules after a PATCH: `reset` first, then each given default and rule replaces the stored one.

    Other fields stay. The items of a list are replaced together.
    """
    content: KubeObject = {part: stored.get(part) or {} for part in PARTS}
    for part, path in filter(None, map(_reset_path, body.get("reset") or ())):
        for name in (part,) if part else PARTS:
            content[name] = _without(content[name], tuple(path.split(".")) if path else ())
    for part, given in content_of(body).items():
        content[part] = _merged(content[part], given, "")
    return {part: value for part, value in content.items() if value != {}}


def manifest_of(target: PolicyTarget, content: ObjectView, name: Any, stored: ObjectView | None) -> KubeObject:
    """The object of a scope with these defaults and rules. Of a stored one `enforcement` stays, and without `name` its
    name."""
    namespace = {"namespace": target.namespace} if target.namespace else {}
    spec = (stored or {}).get("spec") or {}
    kept = {"enforcement": spec["enforcement"]} if "enforcement" in spec else {}
    annotations = {NAME_ANNOTATION: name or name_of(stored or {}, target)}
    return {
        "apiVersion": well_known.API_VERSION,
        "kind": target.resource.kind,
        "metadata": {"name": target.name, **namespace, "annotations": annotations},
        "spec": {**target.own_fields, **kept, **content},
    }


def name_of(stored: ObjectView, target: PolicyTarget) -> str:
    """The name that a caller gave the policy; else that of the object."""
    annotations = (stored.get("metadata") or {}).get("annotations") or {}
    return str(annotations.get(NAME_ANNOTATION) or target.name)


def for_body(finding: Finding) -> Finding:
    """The finding with the path that the body has: `policy.rules.replicas.max` for `spec.rules.replicas.max`."""
    path = finding.path
    return replace(finding, path=f"policy{path.removeprefix('spec')}") if path.startswith("spec") else finding


def _check_fields(body: ObjectView, known: Sequence[str]) -> Iterator[Finding]:
    yield from check_unknown_fields("", body, known)
    for name in ("meta", "policy"):
        if not isinstance(body.get(name), Mapping | None):
            yield _invalid(name, "be a mapping", "correct it")
    yield from check_unknown_fields("meta.", meta_of(body), (*_META, *_META_OF_ANSWERS))
    policy = body.get("policy")
    if isinstance(policy, Mapping):
        yield from check_unknown_fields("policy.", policy, (*PARTS, "status"))


def _check_name(body: ObjectView, *, is_required: bool) -> Iterator[Finding]:
    name = meta_of(body).get("name")
    if name is None and is_required:
        yield Finding(reason=Reason.REQUIRED_FIELD, path="meta.name", must="be set", remedy="add any name")
    elif not isinstance(name, str | None) or (name is not None and not 0 < len(name) <= _MAX_NAME_LENGTH):
        yield _invalid("meta.name", f"be a string of 1 to {_MAX_NAME_LENGTH} characters", "correct it")


def _reset_path(text: Any) -> tuple[str, str] | None:
    """Part (empty for both) and path: `rules/compute`, `rules.compute` and `$.rules.compute` are `rules`, `compute`."""
    if not isinstance(text, str):
        return None
    steps = [step for step in text.removeprefix("$").replace("/", ".").split(".") if step]
    part = steps.pop(0) if steps and steps[0] in PARTS else ""
    return (part, ".".join(steps)) if part or steps else None


def _without(tree: Any, steps: tuple[str, ...]) -> Any:
    """The tree without what is at a path, and without mappings that become empty thereby."""
    if not steps:
        return {}
    if not isinstance(tree, Mapping) or steps[0] not in tree:
        return tree
    below = _without(tree[steps[0]], steps[1:])
    return {name: below if name == steps[0] else part for name, part in tree.items() if name != steps[0] or below != {}}


def _merged(stored: Any, given: Any, path: str) -> Any:
    """The given tree over the stored one, down to the fields: a default or a rule is replaced as a whole."""
    is_field = path in FIELD_KINDS and path not in ITEM_LISTS
    if is_field or path.endswith(".instances") or not isinstance(stored, Mapping) or not isinstance(given, Mapping):
        return given
    parent = f"{path}." if path else ""
    return {**stored, **{name: _merged(stored.get(name), part, parent + name) for name, part in given.items()}}


def _without_sources(rules: Any) -> Any:
    """The rules without `sourceOfRule`, which only answers have."""
    if not isinstance(rules, Mapping):
        return rules
    return {name: _without_sources(part) for name, part in rules.items() if name != "sourceOfRule"}


def _invalid(path: str, must: str, remedy: str, *, value: str | None = None, rule: Rule | None = None) -> Finding:
    return Finding(reason=Reason.INVALID_VALUE, path=path, value=value, must=must, remedy=remedy, rule=rule)
