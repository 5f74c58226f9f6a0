"""What a command changes in a RunaiNimService, and what it refuses to change. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from runai_nim.api import desired_phase, well_known
from runai_nim.api.count_text import count_text
from runai_nim.api.gitops_owner import owner_of, owner_of_annotation
from runai_nim.api.resources import ObjectView
from runai_nim.api.spec_in_force import has_nimservice, is_rejected
from runai_nim.api.untrusted_values import mapping, number
from runai_nim.domain.plan import is_paused

_RESUME: Final = "the operator acts on it after runai-nim resume"


@dataclass(frozen=True, slots=True)
class Change:
    """The fields to set, by field of `spec` and by annotation; None removes one.

    `done`: what is so already if there is nothing to set. `refusal`: why the fields can't be set, and what to do.
    `owner`: the GitOps tool that would revert them. `note`: what else has to be done.
    """

    spec: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str | None] = field(default_factory=dict)
    done: str = ""
    refusal: str = ""
    owner: str | None = None
    note: str = ""

    @property
    def is_nothing(self) -> bool:
        """Whether the resource is as it should be."""
        return not self.spec and not self.annotations

    def as_merge_patch(self) -> dict[str, Any]:
        """The change as a JSON Merge Patch."""
        metadata = {"metadata": {"annotations": dict(self.annotations)}} if self.annotations else {}
        return metadata | ({"spec": dict(self.spec)} if self.spec else {})

    def lines(self, before: ObjectView) -> list[str]:
        """Each field with its values before and after: `spec.replicas: 1 → 3`."""
        spec = mapping(before.get("spec"))
        annotations = _annotations(before)
        fields = [(f"spec.{name}", spec.get(name), value) for name, value in self.spec.items()]
        fields += [(f"metadata.annotations[{key}]", annotations.get(key), new) for key, new in self.annotations.items()]
        return [f"{path}: {_shown(old)} → {_shown(new)}" for path, old, new in fields]


Decide = Callable[[ObjectView, int | None], Change]
"""The change of a RunaiNimService. The number is the bound of a multi-node service's replicas, None without one."""


def stop(service: ObjectView) -> Change:
    """Stop the service, as the REST API does."""
    return _spec_change(service, desired_phase.stop(mapping(service.get("spec"))), done="is stopped already")


def start(service: ObjectView, replicas: int | None, most_replicas: int | None) -> Change:
    """Start the service, however it was stopped; `most_replicas`: see `scale`."""
    refusal = "" if replicas is None else _scaling_refusal(service, replicas, most_replicas)
    changes = desired_phase.start(mapping(service.get("spec")), replicas)
    return _spec_change(service, changes, done="is started already", refusal=refusal)


def scale(service: ObjectView, replicas: int, most_replicas: int | None) -> Change:
    """Set the number of replicas; `most_replicas`: the bound of a multi-node service, None without one."""
    spec = mapping(service.get("spec"))
    refusal = _scaling_refusal(service, replicas, most_replicas)
    is_stopped = spec.get("desiredPhase") == desired_phase.STOPPED
    note = "is stopped: runai-nim start starts it with this number" if is_stopped and replicas else ""
    done = f"has spec.replicas: {replicas} already"
    if replicas == 1 and "replicas" not in spec:
        return Change(done="has 1 replica already, the default of spec.replicas", refusal=refusal, note=note)
    return _spec_change(service, {"replicas": replicas}, done=done, refusal=refusal, note=note)


def restart(service: ObjectView, now: datetime) -> Change:
    """Replace the pods one after the other."""
    refusal = ""
    if is_paused(service):
        refusal = "is paused, so the operator would not restart it: use runai-nim resume first"
    elif desired_phase.is_stopped(mapping(service.get("spec"))):
        return Change(done="is stopped, so it has no pods to restart")
    at = now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    change = _annotation_change(service, well_known.RESTARTED_AT, at, done="was restarted this second", refusal=refusal)
    return replace(change, note=_rejection_note(service))


def pause(service: ObjectView) -> Change:
    """Keep the operator from writing the NIMService, the claim and the route."""
    return _annotation_change(service, well_known.PAUSED, "true", done="is paused already")


def resume(service: ObjectView) -> Change:
    """Let the operator write again."""
    if not is_paused(service):
        return Change(done="is not paused")
    return _annotation_change(service, well_known.PAUSED, None, done="")


def _spec_change(
    service: ObjectView, wanted: Mapping[str, Any], *, done: str, refusal: str = "", note: str = ""
) -> Change:
    spec = mapping(service.get("spec"))
    changes = {name: value for name, value in wanted.items() if name not in spec or spec[name] != value}
    owner = owner_of(mapping(service.get("metadata")))
    note = note or (f"is paused: {_RESUME}" if is_paused(service) else _rejection_note(service))
    return Change(spec=changes, done=done, refusal=refusal, owner=owner, note=note)


def _annotation_change(service: ObjectView, key: str, value: str | None, *, done: str, refusal: str = "") -> Change:
    """Tools keep annotations that their manifests don't have, so only the owner of this one reverts it."""
    changes = {} if _annotations(service).get(key) == value else {key: value}
    owner = owner_of_annotation(mapping(service.get("metadata")), key)
    return Change(annotations=changes, done=done, refusal=refusal, owner=owner)


def _scaling_refusal(service: ObjectView, replicas: int, most_replicas: int | None) -> str:
    """Why this number of replicas would be rejected; the operator's rules on autoscaling and multiNode."""
    spec = mapping(service.get("spec"))
    if spec.get("autoscaling") is not None:
        scaling = mapping(spec["autoscaling"])
        fewest = number(scaling.get("minReplicas"), 1)
        most = number(scaling.get("maxReplicas"), max(fewest, 1))
        return (
            f"has autoscaling, which sets {fewest} to {count_text(most, 'replica')}: set spec.autoscaling.minReplicas"
            " and maxReplicas instead, or remove autoscaling; runai-nim stop stops it"
        )
    if most_replicas is not None and replicas > most_replicas:
        return (
            f"has multiNode, whose replicas must be at most {most_replicas}, as when the NIMService was created: create"
            " a RunaiNimService with another name for more"
        )
    return ""


def _rejection_note(service: ObjectView) -> str:
    if not is_rejected(service):
        return ""
    meanwhile = "the last valid one stays in force" if has_nimservice(service) else "no pods run"
    return (
        f"has a spec that the operator rejects: until it is correct, {meanwhile}; runai-nim status says what is wrong"
    )


def _annotations(service: ObjectView) -> Mapping[str, Any]:
    return mapping(mapping(service.get("metadata")).get("annotations"))


def _shown(value: Any) -> str:
    return "(not set)" if value is None else str(value)
