from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from runai_nim.domain.observed import ObservedService
from runai_nim.domain.status import ROWS, Facts, Outcome, row_for
from runai_nim.domain.translate import translate
from tests.support.decisions import input_of
from tests.support.observations import (
    AT,
    BAD,
    BEFORE,
    CONTEXT,
    FAILED,
    FOREIGN,
    NOW,
    OWNER,
    STOPPED,
    a_pod,
    a_workload,
    facts,
    not_ready,
    observed,
)
from tests.support.resources import a_cr

LEFT_BEHIND = replace(
    observed(translate(input_of(a_cr(), CONTEXT))).service or ObservedService("", "", ""), owner_uid="n0"
)
ROW_CASES: list[tuple[Callable[[], Facts], str, str]] = [
    (lambda: facts(a_cr(deletionTimestamp=NOW)), "Deleting", "Deleting"),
    (lambda: facts(nimservice=FOREIGN), "Failed", "NameConflict"),
    (lambda: facts(a_cr(BAD), workload=a_workload()), "Degraded", "InvalidQuantity"),
    (lambda: facts(a_cr(BAD), workload=None), "Failed", "InvalidQuantity"),
    (lambda: facts(outcome=Outcome(refusal="no")), "Failed", "WriteRefused"),
    (lambda: facts(nimservice=None, is_nimservice_installed=False), "Creating", "NIMOperatorNotInstalled"),
    (
        lambda: facts(nimservice={"metadata": {**FOREIGN["metadata"], "ownerReferences": [OWNER | {"uid": "u0"}]}}),
        "Creating",
        "PreviousInstanceTerminating",
    ),
    (lambda: facts(a_cr(STOPPED)), "Stopped", "Stopped"),
    (lambda: facts(a_cr(STOPPED), workload=a_workload(spec_replicas=0)), "Stopping", "Stopping"),
    (lambda: facts(), "Running", "Running"),
    (lambda: facts(nim=FAILED), "Failed", "NIMServiceFailed"),
    (lambda: facts(claim=None, workload=None), "Pending", "ClaimNotMade"),
    (lambda: facts(a_cr(status=BEFORE), service=None), "Updating", "NIMServiceNotSeen"),
    (lambda: facts(service=None), "Creating", "NIMServiceNotSeen"),
    (lambda: facts(service=LEFT_BEHIND), "Creating", "NIMServiceNotSeen"),
    (lambda: facts(service=None, applied_at=NOW, at=AT + timedelta(seconds=61)), "Unknown", "NIMOperatorNotResponding"),
    (lambda: facts(outcome=Outcome(field_conflict="argocd keeps changing it")), "Degraded", "FieldConflict"),
    (lambda: facts(is_namespace_deleting=True), "Deleting", "NamespaceTerminating"),
    (lambda: not_ready(a_pod(waiting_state=("CrashLoopBackOff", ""))), "Failed", "CrashLooping"),
    (lambda: not_ready(a_pod(unschedulable_message="over quota")), "Pending", "Unschedulable"),
    (lambda: not_ready(a_pod(waiting_state=("ErrImagePull", "")), BEFORE), "Degraded", "ImagePullFailed"),
    (lambda: not_ready(a_pod(waiting_state=("ErrImagePull", ""))), "Initializing", "ImagePullFailed"),
    (lambda: _changed(BEFORE, updated_replicas=0), "Updating", "RollingOut"),
    (lambda: _changed(BEFORE, available_replicas=0), "Degraded", "ReplicasNotReady"),
    (lambda: facts(nim={"state": "NotReady"}), "Initializing", "PodsNotReady"),
]


def _changed(status: dict[str, Any], **workload: Any) -> Facts:
    found = facts(a_cr(status=status))
    assert found.workload is not None
    return replace(found, workload=replace(found.workload, **workload))


@pytest.mark.parametrize(("make", "phase", "reason"), ROW_CASES, ids=[reason for *_, reason in ROW_CASES])
def test_a_row_of_the_table(make: Callable[[], Facts], phase: str, reason: str) -> None:
    found = make()
    row = row_for(found)
    assert (row.phase, row.reason if isinstance(row.reason, str) else row.reason(found)) == (phase, reason)
    assert row.message(found)


def test_every_row_has_a_case() -> None:
    assert {id(row_for(make())) for make, *_ in ROW_CASES} == {id(row) for row in ROWS}
