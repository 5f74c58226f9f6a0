"""Differences between two objects, leaf by leaf, and between two evaluations.

Values that may be secret are hidden: environment variables, and annotations of a claim.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import well_known
from runai_nim.api.resources import ObjectView
from runai_nim.cli.evaluation import ManifestEvaluation
from runai_nim.cli.provenance import Provenance
from runai_nim.domain.translate.rules import LeafPath

HIDDEN_VALUE: Final = "(not shown)"
Leaves = Mapping[str, tuple[LeafPath, Any]]
_OPERATOR_ANNOTATIONS: Final = (well_known.SPEC_HASH, well_known.POD_HASH, well_known.SERVICE_UID)


@dataclass(frozen=True, slots=True)
class ChangeSide:
    """One side of a change: whether the leaf exists, its value, and its origin (empty: unknown)."""

    exists: bool = False
    value: Any = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A leaf that differs. `hidden`: its values may be secret."""

    path: str
    old: ChangeSide
    new: ChangeSide
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class ObjectChanges:
    """All differences of one object; `name` is `<kind> <name>`."""

    name: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """All differences for one RunaiNimService. `findings`: (-1 or +1, message) of findings on one side only.

    `when`: if not as soon as it is applied, such as `with the next change of its spec`.
    """

    resource: str
    objects: tuple[ObjectChanges, ...] = ()
    findings: tuple[tuple[int, str], ...] = ()
    restarts: bool = False
    restart_reason: str = ""
    when: str = ""

    def __bool__(self) -> bool:
        return bool(self.objects or self.findings)


def compare_evaluations(resource: str, old: ManifestEvaluation | None, new: ManifestEvaluation | None) -> Difference:
    """Differences between two evaluations of one resource; None means that the resource doesn't exist."""
    findings = tuple(_findings(old, new))
    if any(one is not None and one.desired.nimservice is None for one in (old, new)):
        return Difference(resource, findings=findings)
    pairs = _pairs(old.objects if old else (), new.objects if new else ())
    objects = tuple(change for before, after in pairs if (change := object_changes(before, after, old, new)))
    restarts, reason = pod_restart(_nimservice(old), _nimservice(new))
    return Difference(resource, objects=objects, findings=findings, restarts=restarts, restart_reason=reason)


def object_changes(
    before: ObjectView, after: ObjectView, old: ManifestEvaluation | None, new: ManifestEvaluation | None
) -> ObjectChanges | None:
    """Differences between two objects with one name, either of which may be empty; None without differences."""
    sides = (_Leaves(before, old), _Leaves(after, new))
    paths = dict.fromkeys([*sides[0].leaves, *sides[1].leaves])
    kind = (after or before)["kind"]
    all_changes = [Change(path, sides[0].side(path), sides[1].side(path), may_be_secret(kind, path)) for path in paths]
    changes = tuple(change for change in all_changes if _differs(change))
    return ObjectChanges(name_of(after or before), changes) if changes else None


def name_of(manifest: ObjectView) -> str:
    """`<kind> <name>`, such as `NIMService llama`."""
    return f"{manifest['kind']} {manifest['metadata']['name']}"


def pod_restart(before: ObjectView | None, after: ObjectView | None) -> tuple[bool, str]:
    """Whether and why running pods are replaced, by the pod hash in both NIMServices."""
    if before is None:
        return False, "the NIMService is new"
    if after is None:
        return False, "the NIMService is deleted"
    if after["spec"].get("replicas") == 0:
        return False, "scaled to zero"
    if before["spec"].get("replicas") == 0:
        return False, "was scaled to zero"
    if _pod_hash(before) != _pod_hash(after):
        return True, "the pod template changes"
    return False, "the pod template stays the same"


class _Leaves:
    """Leaves of an object by path, with their origins."""

    def __init__(self, manifest: ObjectView, evaluation: ManifestEvaluation | None) -> None:
        self.leaves: Leaves = {text: (path, value) for text, path, value in leaves_of(manifest)}
        self._notes = Provenance(evaluation, manifest["kind"]) if evaluation and manifest else None

    def side(self, path: str) -> ChangeSide:
        if path not in self.leaves:
            return ChangeSide()
        place, value = self.leaves[path]
        return ChangeSide(True, value, self._notes.origin(place) if self._notes else "")


def leaves_of(value: Any, text: str = "", path: LeafPath = ()) -> Iterator[tuple[str, LeafPath, Any]]:
    """Each leaf: its path as text (`spec.env[NAME].value`), its path, its value. Omits the operator's hashes.

    List items are identified by name if all of them have a unique one, otherwise by index.
    """
    if isinstance(value, Mapping) and value:
        for key, part in value.items():
            if key not in _OPERATOR_ANNOTATIONS:
                yield from leaves_of(part, _with_key(text, key), (*path, key))
    elif isinstance(value, list) and value:
        for index, (item, name) in enumerate(zip(value, _item_names(value), strict=True)):
            yield from leaves_of(item, f"{text}[{name}]", (*path, index))
    else:
        yield text, path, value


def _with_key(text: str, key: str) -> str:
    if not text:
        return key
    return f"{text}.{key}" if key.isalnum() else f"{text}[{key}]"


def _item_names(items: Sequence[Any]) -> Sequence[Any]:
    names = [item.get("name") if isinstance(item, Mapping) else None for item in items]
    return names if None not in names and len(set(map(str, names))) == len(names) else range(len(items))


def _differs(change: Change) -> bool:
    return change.old.exists != change.new.exists or change.old.value != change.new.value


def may_be_secret(kind: str, path: str) -> bool:
    """Whether the leaf is a value of an environment variable or an annotation of a claim."""
    if kind == well_known.NIMSERVICE_KIND:
        return path.startswith("spec.env[") and path.endswith(".value")
    return kind == "PersistentVolumeClaim" and path.startswith("metadata.annotations")


def _findings(old: ManifestEvaluation | None, new: ManifestEvaluation | None) -> Iterator[tuple[int, str]]:
    before = _messages(old)
    after = _messages(new)
    yield from ((-1, message) for message in before if message not in after)
    yield from ((+1, message) for message in after if message not in before)


def _messages(evaluation: ManifestEvaluation | None) -> dict[str, None]:
    """Messages in order, with fast lookup: there may be tens of thousands."""
    remarks = evaluation.diagnostics if evaluation else ()
    return dict.fromkeys(f"{remark.severity}: {remark.message}" for remark in remarks)


def _pairs(old: Iterable[ObjectView], new: Iterable[ObjectView]) -> Iterator[tuple[ObjectView, ObjectView]]:
    before = {name_of(one): one for one in old}
    after = {name_of(one): one for one in new}
    for name in dict.fromkeys([*before, *after]):
        yield before.get(name, {}), after.get(name, {})


def _nimservice(evaluation: ManifestEvaluation | None) -> ObjectView | None:
    return evaluation.desired.nimservice if evaluation else None


def _pod_hash(nimservice: ObjectView) -> str | None:
    pod_hash: str | None = (nimservice["spec"].get("annotations") or {}).get(well_known.POD_HASH)
    return pod_hash
