"""Observed state for the RunaiNimService of `tests.support.resources`: complete and running unless changed."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from runai_nim.api import well_known
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.observed import ObservedClaim, ObservedPod, ObservedService, ObservedState, ObservedWorkload
from runai_nim.domain.plan import plan
from runai_nim.domain.status import Deadlines, Facts, Outcome, facts_of
from runai_nim.domain.translate import Desired, translate
from tests.support.decisions import input_of
from tests.support.resources import a_cr

NOW = "2026-01-01T00:00:00Z"
LATER = "2026-01-02T00:00:00Z"
AT = datetime.fromisoformat(NOW)
DEADLINES = Deadlines(AT, 60, 30)
CONTEXT = Context(load_settings(None, {}), {"runai/queue": "team-a"})


def a_workload(**changes: Any) -> ObservedWorkload:
    whole = ObservedWorkload(
        "Deployment",
        name="nim",
        resource_version="1",
        owner_uid="n1",
        pod_hash="",
        generation=1,
        observed_generation=1,
        spec_replicas=1,
        current_replicas=1,
        updated_replicas=1,
        ready_replicas=1,
        available_replicas=1,
    )
    return replace(whole, **changes)


CLAIM = ObservedClaim(
    name="nim-model-store",
    resource_version="1",
    uid="c1",
    phase="Bound",
    storage="10Gi",
    storage_class="",
    access_modes=("ReadWriteOnce",),
    volume_mode="Filesystem",
    service_label="nim",
    owners=(),
    annotations={well_known.SERVICE_UID: "u1"},
    created_at=NOW,
    applied_at=NOW,
    is_deleting=False,
)


def observed(desired: Desired, nim: dict[str, Any] | None = None, **changes: Any) -> ObservedState:
    """Everything as wanted and running; `nim` is the NIMService's status."""
    manifest = desired.nimservice or {"metadata": {"annotations": {}}, "spec": {"annotations": {}}}
    live = {
        **manifest,
        "metadata": {
            **manifest["metadata"],
            "name": "nim",
            "uid": "n1",
            "resourceVersion": "5",
            "ownerReferences": [OWNER],
        },
        "status": {"state": "Ready"} if nim is None else nim,
    }
    running = ObservedState(
        nimservice=live,
        service=ObservedService("1", "n1", manifest["metadata"]["annotations"].get(well_known.SPEC_HASH, "")),
        workload=a_workload(
            pod_hash=manifest["spec"]["annotations"].get(well_known.POD_HASH, ""),
            spec_replicas=desired.replicas,
            current_replicas=desired.replicas,
            updated_replicas=desired.replicas,
            ready_replicas=desired.replicas,
            available_replicas=desired.replicas,
        ),
        claim=CLAIM,
    )
    return replace(running, **changes)


OWNER = {"kind": well_known.KIND, "name": "nim", "uid": "u1", "controller": True}
FAILED = {"state": "Failed", "conditions": [{"type": "Failed", "status": "True", "message": "boom\n"}]}


def facts(cr: dict[str, Any] | None = None, outcome: Outcome | None = None, at: datetime = AT, **changes: Any) -> Facts:
    cr = cr or a_cr()
    desired = translate(input_of(cr, CONTEXT))
    seen = observed(desired, **changes)
    return facts_of(
        cr,
        desired=desired,
        plan=plan(cr, desired, seen),
        observed=seen,
        outcome=outcome or Outcome(),
        deadlines=Deadlines(at, 60, 30),
    )


BEFORE = {"phase": "Running"}
BAD = {"compute": {"cpuMemoryRequest": "10 GB"}}
STOPPED = {"desiredPhase": "Stopped"}
FOREIGN = {"metadata": {"name": "nim", "uid": "n0", "resourceVersion": "1"}}
POD_HASH = (translate(input_of(a_cr(), CONTEXT)).nimservice or {})["spec"]["annotations"][well_known.POD_HASH]
POD = ObservedPod(
    "1",
    name="nim-1",
    service="nim",
    pod_hash=POD_HASH,
    created_at=NOW,
    scheduler="runai-scheduler",
    unschedulable_message="",
    waiting_state=("", ""),
    exit_message="",
    unready_reason="",
)


def a_pod(**changes: Any) -> ObservedPod:
    return replace(POD, **changes)


def not_ready(pod: ObservedPod, status: dict[str, Any] | None = None, at: datetime = AT) -> Facts:
    return facts(a_cr(status=status), nim={"state": "NotReady"}, pods=(pod,), at=at)
