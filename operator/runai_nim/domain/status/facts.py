"""The facts that a status is decided from: one frozen value, derived from the CR, its translation and what was seen.

Pure: no clock, no I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runai_nim.api import well_known
from runai_nim.api.untrusted_values import mapping, mappings, text, word
from runai_nim.domain.observed import Claim, NimCache, Observed, Workload
from runai_nim.domain.plan import Plan, is_ours, is_paused, made_for_it
from runai_nim.domain.status.deadlines import Deadlines, seconds_left
from runai_nim.domain.status.pod_problems import Trouble, scheduler_due, trouble_of
from runai_nim.domain.translate import Desired, Exposure
from runai_nim.domain.validate import Finding

ROUTE_REFUSED = "RouteRefused"
LIVELY_PHASES = frozenset({"Running", "Updating", "Degraded"})
"""Phases after which a service that isn't running is being updated, or is worse than it was: not being created."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the phase and the conditions depend on.

    `errors` are all reasons why nothing may be written; `refusal` is the API server's refusal of what we wrote;
    `seen` says that Service and workload are proven to be made from the spec that we want now. `claim_is_made`: the
    claim is ours to make. `route_in_the_way` is why our own route can't be written, as a reason and a sentence;
    `route_kept` is the API server's refusal to delete one that is not wanted any more. `silent`: the NIM Operator had
    its time and has not acted. `due`: seconds until a deadline passes, None when none is running.
    """

    name: str
    deleting: bool
    paused: bool
    namespace_deleting: bool
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    conflict: bool
    waiting: str
    refusal: str
    field_conflict: str
    installed: bool
    written: bool
    seen: bool
    silent: bool
    nim_state: str
    nim_message: str
    trouble: Trouble | None
    workload: Workload | None
    stopped: bool
    was_running: bool
    claim_name: str
    claim: Claim | None
    claim_differs: str
    claim_is_made: bool
    cache_name: str
    cache: NimCache | None
    exposure: Exposure | None
    route_in_the_way: tuple[str, str] | None
    route_kept: str
    due: float | None

    @property
    def serving(self) -> bool:
        """Is the spec that we want now running in full and answering?"""
        rolled_out = self.workload is not None and self.workload.rolled_out
        return self.seen and rolled_out and self.nim_state == "Ready" and not self.stopped

    @property
    def ready_replicas(self) -> int:
        """Pods that are ready, of whichever spec."""
        return self.workload.ready if self.workload else 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the writes: `refusal` is the API server's, `field_conflict` who keeps changing what we write.

    `route_refused` and `route_kept` are the API server's refusals to write a route of our own and to delete one that is
    not wanted any more: they hinder nothing else. All are sentences, empty when all went well.
    """

    refusal: str = ""
    field_conflict: str = ""
    route_refused: str = ""
    route_kept: str = ""


def facts_of(
    cr: Mapping[str, Any], desired: Desired, plan: Plan, observed: Observed, outcome: Outcome, deadlines: Deadlines
) -> Facts:
    """The facts for one CR."""
    live = observed.nimservice if is_ours(cr, observed.nimservice) else None
    nim_status = mapping((live or {}).get("status"))
    seen = _seen(desired, observed)
    unseen_left = seconds_left(observed.applied_at, deadlines.nim_operator_seconds, deadlines.now)
    pods = [pod for pod in observed.pods if not seen or pod.pod_hash == _pod_hash(desired)]
    running = [None if seen or live is None else unseen_left, scheduler_due(pods, deadlines)]
    refused = (plan.refused,) if plan.refused else ()
    return Facts(
        name=cr["metadata"]["name"],
        deleting="deletionTimestamp" in cr["metadata"],
        paused=is_paused(cr),
        namespace_deleting=observed.namespace_deleting,
        errors=tuple(f for f in desired.findings if f.severity == "error") + refused,
        warnings=tuple(f for f in desired.findings if f.severity == "warning"),
        conflict=plan.refused is not None and plan.refused.reason == "NameConflict",
        waiting=plan.waiting,
        refusal=outcome.refusal,
        field_conflict=outcome.field_conflict,
        installed=observed.nimservice_installed,
        written=live is not None,
        seen=seen,
        silent=live is not None and not seen and unseen_left <= 0,
        trouble=trouble_of(pods, deadlines),
        nim_state=word(nim_status.get("state")),
        nim_message=_nim_message(nim_status),
        workload=observed.workload,
        stopped=desired.stopped,
        was_running=(cr.get("status") or {}).get("phase") in LIVELY_PHASES,
        claim_name=desired.claim_name or "",
        claim=observed.claim,
        claim_differs=_claim_differs(cr, desired, observed.claim),
        claim_is_made=desired.claim is not None,
        cache_name=desired.nim_cache or "",
        cache=observed.nim_cache,
        exposure=desired.exposure,
        route_in_the_way=(ROUTE_REFUSED, outcome.route_refused) if outcome.route_refused else plan.route.in_the_way,
        route_kept=outcome.route_kept,
        due=min((seconds for seconds in running if seconds is not None and seconds > 0), default=None),
    )


def _seen(desired: Desired, observed: Observed) -> bool:
    """Did the NIM Operator make Service and workload from what we want now?

    It writes the Service first and may stop before the workload, so each carries its own proof: the Service the
    hash of all that we render, the workload the hash of the part that reaches pods. (The workload's
    `nvidia.com/parent-spec-hash` proves nothing here: it stays when a change doesn't touch the workload.)
    """
    live, service, workload = observed.nimservice, observed.service, observed.workload
    if desired.nimservice is None or live is None or service is None or workload is None:
        return False
    wanted_hash = desired.nimservice["metadata"]["annotations"][well_known.SPEC_HASH]
    replicas: int = desired.nimservice["spec"].get("replicas", workload.wanted)
    return bool(
        # What a NIMService of this name that is gone has left behind proves nothing.
        service.owner_uid == workload.owner_uid == live["metadata"]["uid"]
        and service.spec_hash == wanted_hash
        and workload.pod_hash == _pod_hash(desired)
        and workload.wanted == replicas
    )


def _pod_hash(desired: Desired) -> str:
    return "" if desired.nimservice is None else str(desired.nimservice["spec"]["annotations"][well_known.POD_HASH])


def _nim_message(nim_status: Mapping[str, Any]) -> str:
    """The NIM Operator's own words: of condition Failed while it holds, else of Ready.

    Its reasons are left out: they alternate between `Failed` and `<Kind>Failed` while nothing changes.
    """
    conditions = {word(condition.get("type")): condition for condition in mappings(nim_status.get("conditions"))}
    failed = conditions.get("Failed", {})
    speaker = failed if failed.get("status") == "True" else conditions.get("Ready", {})
    return text(speaker.get("message")).strip()


def _claim_differs(cr: Mapping[str, Any], desired: Desired, found: Claim | None) -> str:
    """How a claim that was there before us differs from what is asked for; it is used as it is all the same."""
    if desired.claim is None or found is None or made_for_it(cr, found):
        return ""
    spec = desired.claim["spec"]
    retention = "Delete" if desired.claim["metadata"].get("ownerReferences") else "Retain"
    asked = {
        "size": (spec["resources"]["requests"]["storage"], found.storage),
        "storage class": (spec.get("storageClassName", found.storage_class), found.storage_class),
        "access modes": (", ".join(spec["accessModes"]), ", ".join(found.access_modes)),
        "retention policy": (retention, "Retain"),
    }
    differing = {what: pair for what, pair in asked.items() if pair[0] != pair[1]}
    return "; ".join(f"{what} {there or '(none)'} instead of {want}" for what, (want, there) in differing.items())
