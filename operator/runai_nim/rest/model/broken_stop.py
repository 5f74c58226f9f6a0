"""The stop of a workload whose stored spec the operator rejects.

The operator acts on no part of such a spec, so a stop is only stored. It must be accepted all the same: a stop breaks
nothing that isn't broken yet, and holds as soon as the spec is correct.
"""

from collections.abc import Iterable
from typing import Final

from runai_nim.api import desired_phase
from runai_nim.api.resources import ObjectView
from runai_nim.api.spec_in_force import has_nimservice
from runai_nim.domain.validate import Finding
from runai_nim.rest.model.spec_patch import Spec, is_same

_STOPPING: Final = frozenset({"desiredPhase", "replicas"})
"""Fields that stop a workload."""
_ABSENT: Final = object()
_WHAT_TO_DO: Final = (
    "correct the spec by a PATCH, or delete the workload; phaseMessage of GET /api/v1/workloads/{id} says what is wrong"
)


def is_only_a_stop(stored: Spec, spec: Spec) -> bool:
    """Whether the spec differs from the stored one in nothing but that it stops the workload."""
    names = stored.keys() | spec.keys()
    changed = {name for name in names if not is_same(stored.get(name, _ABSENT), spec.get(name, _ABSENT))}
    return changed <= _STOPPING and desired_phase.is_stopped(spec) and not desired_phase.is_stopped(stored)


def new_errors(before: Iterable[Finding], after: Iterable[Finding]) -> list[Finding]:
    """The errors of a spec that the stored one doesn't have. No rule of a policy refuses a stop."""
    known = set(before)
    errors = (finding for finding in after if finding.severity == "error" and finding.policy is None)
    return [finding for finding in errors if finding not in known]


def stored_only(cr: ObjectView) -> str:
    """What holds after the stop, and what to do, for `details` of the answer."""
    meanwhile = (
        "so it doesn't act on this stop, and the last valid spec stays in force"
        if has_nimservice(cr)
        else "so no pods run, and the stop holds for the spec after its correction"
    )
    return f"the operator rejects the stored spec, {meanwhile}: {_WHAT_TO_DO}"


def not_stored(cr: ObjectView) -> str:
    """The message where the API server refuses every change that leaves the spec as wrong as it is."""
    meanwhile = "the last valid spec stays in force" if has_nimservice(cr) else "no pods run"
    return f"the API server stores no stop while the rest of the stored spec is invalid, and {meanwhile}: {_WHAT_TO_DO}"
