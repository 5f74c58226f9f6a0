from typing import Any

import pytest

from runai_nim.api import well_known
from runai_nim.domain.observed import (
    LARGE,
    Disruption,
    NotStarted,
    ObservedAutoscaler,
    ObservedClaim,
    ObservedEvent,
    ObservedNamespace,
    ObservedNimCache,
    ObservedPod,
    ObservedService,
    ObservedWorkload,
    OwnerReference,
    ScalingState,
    StartupKill,
    StoredObject,
    controller_of,
    digest_annotations,
    hosts_of,
    newest_by_reason,
    say_the_same,
)

METADATA: dict[str, Any] = {"name": "nim", "namespace": "ns", "uid": "u1", "resourceVersion": "5"}


def test_a_stored_object_comes_back_without_its_managed_fields() -> None:
    ours = {"manager": well_known.FIELD_MANAGER, "operation": "Apply", "time": "2026-01-01T00:00:00Z"}
    later = {**ours, "time": "2026-02-01T00:00:00Z"}
    managed = [{}, ours, {**later, "subresource": "status"}, {**later, "operation": "Update"}]
    stored = StoredObject.from_object(
        {"kind": "X", "metadata": {**METADATA, "managedFields": managed}, "spec": {"a": 1}}
    )
    assert stored.load() == {"kind": "X", "metadata": METADATA, "spec": {"a": 1}}
    assert (stored.uid, stored.resource_version, stored.applied_at) == ("u1", "5", "2026-01-01T00:00:00Z")


def test_a_service_says_which_spec_it_was_made_from() -> None:
    bare = ObservedService.from_object({"metadata": METADATA})
    owners = [{"uid": "u8"}, {"uid": "u9", "controller": True}]
    made = ObservedService.from_object(
        {"metadata": {**METADATA, "annotations": {well_known.SPEC_HASH: "h"}, "ownerReferences": owners}}
    )
    assert (bare.spec_hash, bare.owner_uid, made.spec_hash, made.owner_uid) == ("", "", "h", "u9")


def test_a_deployment_is_rolled_out_when_every_pod_is_new_and_available() -> None:
    new = {"metadata": {**METADATA, "generation": 2}, "spec": {"replicas": 2}}
    counts = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
    assert not ObservedWorkload.from_object(new).is_rolled_out
    assert not ObservedWorkload.from_object({**new, "status": {**counts, "observedGeneration": 1}}).is_rolled_out
    assert not ObservedWorkload.from_object(
        {**new, "status": {**counts, "observedGeneration": 2, "replicas": 3}}
    ).is_rolled_out
    assert ObservedWorkload.from_object({**new, "status": {**counts, "observedGeneration": 2}}).is_rolled_out


def test_a_leader_worker_set_counts_its_groups_and_may_not_say_which_generation() -> None:
    groups = {"kind": well_known.LWS_KIND, "metadata": {**METADATA, "generation": 2}, "spec": {"replicas": 1}}
    counts = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}
    assert ObservedWorkload.from_object({**groups, "status": counts}).is_rolled_out
    assert not ObservedWorkload.from_object({**groups, "status": counts | {"readyReplicas": 0}}).is_rolled_out
    assert not ObservedWorkload.from_object({**groups, "status": counts | {"observedGeneration": 1}}).is_rolled_out


def a_deployment(strategy: object, wanted: int = 2, **status: object) -> ObservedWorkload:
    spec = {"replicas": wanted, "strategy": strategy}
    return ObservedWorkload.from_object({"metadata": {**METADATA, "generation": 1}, "spec": spec, "status": status})


@pytest.mark.parametrize(
    ("strategy", "replicas", "unavailable"),
    [
        ({}, 8, 2),
        ({"type": "Recreate"}, 3, 3),
        ({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 0}}, 2, 1),
        ({"rollingUpdate": {"maxUnavailable": "50%", "maxSurge": "25%"}}, 5, 2),
        ({"rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}}, 4, 0),
        ({"rollingUpdate": {"maxUnavailable": 3, "maxSurge": 0}}, 4, 3),
        ({"rollingUpdate": {"maxUnavailable": "many", "maxSurge": [1]}}, 4, 1),
    ],
)
def test_how_many_replicas_a_rollout_takes_away(strategy: object, replicas: int, unavailable: int) -> None:
    assert a_deployment(strategy, replicas).max_unavailable == unavailable


def test_how_many_groups_a_rollout_takes_away() -> None:
    groups = {"kind": well_known.LWS_KIND, "metadata": METADATA, "spec": {"replicas": 4}}
    assert ObservedWorkload.from_object(groups).max_unavailable == 1
    rolling = {"rollingUpdateConfiguration": {"maxUnavailable": "50%"}}
    groups = {**groups, "spec": {"replicas": 4, "rolloutStrategy": rolling}}
    assert ObservedWorkload.from_object(groups).max_unavailable == 2


@pytest.mark.parametrize(
    ("kind", "condition", "progressing"),
    [
        ("Deployment", {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}, True),
        ("Deployment", {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}, True),
        ("Deployment", {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}, False),
        ("Deployment", {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}, False),
        (well_known.LWS_KIND, {"type": "UpdateInProgress", "status": "True", "reason": "x"}, True),
        (well_known.LWS_KIND, {"type": "Progressing", "status": "True", "reason": "GroupsProgressing"}, False),
    ],
)
def test_a_rollout_that_goes_on_is_told_from_a_lost_pod(kind: str, condition: object, progressing: bool) -> None:
    counts = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}
    workload = ObservedWorkload.from_object(
        {"kind": kind, "metadata": METADATA, "spec": {"replicas": 2}, "status": {**counts, "conditions": [condition]}}
    )
    assert (workload.is_progressing, workload.is_rolling_out) == (progressing, progressing)


def test_a_rollout_goes_on_while_older_pods_are_left_or_the_generation_is_not_observed() -> None:
    counts = {"replicas": 2, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2}
    assert a_deployment({}, **counts, observedGeneration=1).is_rolling_out
    assert a_deployment({}, **counts | {"updatedReplicas": 2}, observedGeneration=0).is_rolling_out
    assert not a_deployment({}, **counts | {"updatedReplicas": 2}, observedGeneration=1).is_rolling_out


def test_an_object_that_is_being_deleted_is_known() -> None:
    assert not StoredObject.from_object({"metadata": METADATA}).is_deleting
    assert StoredObject.from_object({"metadata": {**METADATA, "deletionTimestamp": "now"}}).is_deleting
    quoted = {**METADATA, "annotations": {"deletionTimestamp": "now"}}
    assert not StoredObject.from_object({"metadata": quoted}).is_deleting


def test_a_claim() -> None:
    labels = {well_known.SERVICE_LABEL: "nim"}
    owners = [{"kind": kind, "name": "x", "uid": f"u-{kind}"} for kind in ("X", well_known.NIMSERVICE_KIND)]
    ours = {"manager": well_known.FIELD_MANAGER, "operation": "Apply", "time": "2026-02-01T00:00:00Z"}
    times = {"creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [ours]}
    claim = ObservedClaim.from_object(
        {"metadata": {**METADATA, "labels": labels, "ownerReferences": owners, **times}, "spec": {}}
    )
    assert (claim.name, claim.phase, claim.storage, claim.service_label) == ("nim", "Pending", "0", "nim")
    assert claim.owners == (OwnerReference(well_known.NIMSERVICE_KIND, "x", "u-NIMService"),)
    assert (claim.is_owned_by("u-NIMService"), claim.is_owned_by("u-X")) == (True, False)
    assert (claim.created_at, claim.applied_at) == ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")


def test_the_newest_message_speaks_for_a_cache() -> None:
    conditions = [
        {"type": "B", "message": "new", "lastTransitionTime": "2026-02-01T00:00:00Z"},
        {"type": "A", "message": "old", "lastTransitionTime": "2026-01-01T00:00:00Z"},
    ]
    cache = ObservedNimCache.from_object(
        {"metadata": METADATA, "status": {"state": "Failed", "conditions": conditions}}
    )
    assert (cache.state, cache.message) == ("Failed", "new")
    assert ObservedNimCache.from_object({"metadata": METADATA}).state == ""


def test_a_namespace_has_labels() -> None:
    assert ObservedNamespace.from_object({"metadata": {**METADATA, "labels": {"a": "b"}}}).labels == {"a": "b"}


def a_pod(status: dict[str, Any], **spec: Any) -> ObservedPod:
    labels, annotations = {well_known.SERVICE_LABEL: "nim"}, {well_known.POD_HASH: "h"}
    metadata = {**METADATA, "labels": labels, "annotations": annotations, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return ObservedPod.from_object({"metadata": metadata, "spec": {"schedulerName": "s", **spec}, "status": status})


def test_a_pod_says_whose_it_is() -> None:
    pod = a_pod({}, nodeName="n1")
    assert (pod.service, pod.pod_hash, pod.created_at, pod.scheduler) == ("nim", "h", "2026-01-01T00:00:00Z", "s")
    assert (pod.unschedulable_message, pod.waiting_state, pod.exit_message, pod.unready_reason) == (
        "",
        ("", ""),
        "",
        "",
    )


def test_what_the_scheduler_said_of_a_pod() -> None:
    said = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "over quota"}
    assert a_pod({"conditions": [said]}).unschedulable_message == "over quota"
    assert a_pod({"conditions": [{**said, "message": ""}]}).unschedulable_message == "Unschedulable"
    assert a_pod({"conditions": [{**said, "status": "True", "message": ""}]}).unschedulable_message == ""
    assert a_pod({"conditions": [{"type": "Ready", "status": "False"}]}).unschedulable_message is None


def test_what_a_container_waits_for() -> None:
    pulling = {"name": "c", "state": {"waiting": {"reason": "ErrImagePull", "message": "no such tag"}}}
    starting = {"name": "i", "state": {"waiting": {"reason": "PodInitializing"}}}
    pod = a_pod({"initContainerStatuses": [starting], "containerStatuses": [pulling]}, nodeName="n1")
    assert pod.waiting_state == ("ErrImagePull", "no such tag")


SCHEDULED = {"type": "PodScheduled", "status": "True"}
NO_SANDBOX = {"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": "2026-01-01T00:00:05Z"}


def test_a_scheduler_s_own_word_is_kept() -> None:
    said = {"type": "PodScheduled", "status": "False", "reason": "QueueDoesNotExist", "message": "no queue x"}
    assert a_pod({"conditions": [said]}).unschedulable_message == "QueueDoesNotExist: no queue x"
    assert a_pod({"conditions": [{**said, "message": "QueueDoesNotExist: x"}]}).unschedulable_message == (
        "QueueDoesNotExist: x"
    )
    assert a_pod({"conditions": [{**said, "message": "", "reason": ""}]}).unschedulable_message == "no reason given"


def test_a_pod_with_a_node_and_without_a_sandbox_is_not_started() -> None:
    pending = {"phase": "Pending", "conditions": [SCHEDULED, NO_SANDBOX]}
    assert a_pod(pending, nodeName="n1").not_started == NotStarted("u1", "n1", "2026-01-01T00:00:05Z")
    assert a_pod(pending).not_started == NotStarted("u1", "", "2026-01-01T00:00:05Z")
    undated = {**pending, "conditions": [SCHEDULED, {**NO_SANDBOX, "lastTransitionTime": None}]}
    assert a_pod(undated).not_started == NotStarted("u1", "", "2026-01-01T00:00:00Z")
    started = [{**NO_SANDBOX, "status": "True"}]
    for status in (
        {"phase": "Pending", "conditions": [NO_SANDBOX]},  # no node yet
        {"phase": "Pending", "conditions": [SCHEDULED, *started]},
        {"phase": "Pending", "conditions": [SCHEDULED]},  # a kubelet that doesn't say
        {"phase": "Failed", "conditions": [SCHEDULED, NO_SANDBOX]},
    ):
        assert a_pod(status).not_started is None
    going = {**METADATA, "deletionTimestamp": "now"}
    assert (
        ObservedPod.from_object({"metadata": going, "spec": {"nodeName": "n1"}, "status": pending}).not_started is None
    )


@pytest.mark.parametrize(
    ("status", "reason", "message", "at"),
    [
        (
            {
                "phase": "Failed",
                "reason": "Evicted",
                "message": "low on memory",
                "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:09Z"}],
            },
            "Evicted",
            "low on memory",
            "2026-01-01T00:00:09Z",
        ),
        ({"phase": "Running", "reason": "NodeLost"}, "NodeLost", "", ""),
        (
            {
                "phase": "Running",
                "conditions": [
                    {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "by b"}
                ],
            },
            "PreemptionByScheduler",
            "by b",
            "",
        ),
    ],
)
def test_what_ended_a_pod(status: dict[str, Any], reason: str, message: str, at: str) -> None:
    assert a_pod(status).disruption == Disruption(reason, message, at)


def test_a_pod_that_nothing_ended() -> None:
    target = {"type": "DisruptionTarget", "status": "False"}
    assert a_pod({"phase": "Running", "reason": "Odd", "conditions": [target]}).disruption is None


PROBE = {"failureThreshold": 120, "periodSeconds": 10, "timeoutSeconds": 1}


@pytest.mark.parametrize(
    ("ended", "killed"),
    [
        ({"exitCode": 137, "reason": "Error"}, True),
        ({"exitCode": 143, "reason": "Error", "startedAt": "2026-01-01T00:00:00Z"}, True),
        (
            {"exitCode": 137, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:20:30Z"},
            True,
        ),
        ({"exitCode": 137, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:01:00Z"}, False),
        ({"exitCode": 137, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T09:00:00Z"}, False),
        ({"exitCode": 137, "reason": "OOMKilled"}, False),
        ({"exitCode": 1, "reason": "Error"}, False),
    ],
)
def test_a_kill_by_the_startup_probe_is_told_from_other_exits(ended: dict[str, Any], killed: bool) -> None:
    """It comes when the probe's time is over; a container that ran for hours had started."""
    container = {"name": "c", "started": False, "restartCount": 3, "lastState": {"terminated": ended}}
    pod = a_pod({"containerStatuses": [container]}, containers=[{"name": "c", "startupProbe": PROBE}])
    assert pod.startup_kill == (StartupKill("c", 120, 10) if killed else None)
    assert pod.restarts == 3
    started = {**container, "started": True}
    probed = [{"name": "c", "startupProbe": PROBE}]
    assert a_pod({"containerStatuses": [started]}, containers=probed).startup_kill is None
    assert a_pod({"containerStatuses": [container]}, containers=[{"name": "c"}]).startup_kill is None


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("HTTP 401", "unauthorized"),
        (
            "requests.exceptions.HTTPError: 403 Client Error: Forbidden for url: https://api.ngc.nvidia.com",
            "unauthorized",
        ),
        ("Error: status code: 401, key nvapi-123", "unauthorized"),
        ("Authentication Error", "unauthorized"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "gpu memory"),
        ("OSError: [Errno 28] No space left on device", "disk full"),
        ("Could not find a profile that is currently runnable, no compatible profile", "no profile"),
        ("took 401 ms", ""),
        ("", ""),
    ],
)
def test_of_a_termination_message_only_its_cause_is_kept(message: str, cause: str) -> None:
    ended = {"terminated": {"reason": "Error", "exitCode": 1, "message": message}}
    pod = a_pod({"containerStatuses": [{"name": "c", "lastState": ended}]}, nodeName="n1")
    assert (pod.exit_message, pod.exit_cause) == ("Error, exit code 1", cause)
    assert "nvapi" not in str(pod)


def test_a_deployment_says_which_pod_is_refused() -> None:
    at = "2026-01-01T00:00:00Z"
    said = {"reason": "FailedCreate", "message": "exceeded quota: q", "lastTransitionTime": at}
    failing = {"type": "ReplicaFailure", "status": "True", **said}
    new = {"metadata": {**METADATA, "generation": 2}, "spec": {"replicas": 1}}

    def refused(observed_generation: int, *conditions: dict[str, Any]) -> tuple[str, str]:
        status = {"observedGeneration": observed_generation, "conditions": list(conditions)}
        found = ObservedWorkload.from_object({**new, "status": status})
        return found.refused_pod, found.refused_at

    assert refused(2, {"type": "Progressing", "status": "True"}, failing) == ("exceeded quota: q", at)
    assert refused(2, {**failing, "message": None}) == ("FailedCreate", at)
    assert refused(2, {**failing, "status": "False"}) == ("", "")
    assert refused(1, failing) == ("", "")  # of the generation before


def test_an_autoscaler_is_kept_without_its_numbers() -> None:
    able = {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "ready"}
    active = {"type": "ScalingActive", "status": "False", "reason": "FailedGetPodsMetric", "message": "no metric"}
    limited = {"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas", "message": "at the maximum"}
    owners = [{"uid": "n1", "controller": True}]

    def autoscaler(*conditions: dict[str, Any]) -> ObservedAutoscaler:
        status = {"currentReplicas": 1, "conditions": list(conditions)}
        return ObservedAutoscaler.from_object({"metadata": {**METADATA, "ownerReferences": owners}, "status": status})

    assert autoscaler() == ObservedAutoscaler("5", owner_uid="n1", is_evaluated=False, obstacle=None, limit=None)
    assert autoscaler(able).is_evaluated
    assert autoscaler(able, active).obstacle == ScalingState("ScalingActive", "FailedGetPodsMetric", "no metric")
    assert autoscaler({**able, "status": "False"}, active).obstacle == ScalingState(
        "AbleToScale", "ReadyForNewScale", "ready"
    )
    assert autoscaler(able, limited).limit == ScalingState("ScalingLimited", "TooManyReplicas", "at the maximum")


def test_the_newest_event_of_each_reason_is_kept() -> None:
    events: list[dict[str, Any]] = [
        {"metadata": {}, "reason": "A", "message": " old ", "lastTimestamp": "2026-01-01T00:00:01Z"},
        {"metadata": {}, "reason": "A", "message": "new", "series": {"lastObservedTime": "2026-01-01T00:00:03.5Z"}},
        {"metadata": {"creationTimestamp": "2026-01-01T00:00:02Z"}, "reason": "B", "message": "b"},
        {"metadata": {}, "reason": "C", "message": "c", "eventTime": None},
    ]
    found = newest_by_reason(events)
    assert [(event.reason, event.message) for event in found] == [("A", "new"), ("B", "b"), ("C", "c")]


def test_events_that_differ_by_an_id_say_the_same() -> None:
    first, second, other = (
        (ObservedEvent("FailedCreatePodSandBox", message, at),)
        for message, at in (
            ('failed to set up sandbox "0a1b2c3d4e5f": timeout after 10 s', "1"),
            ('failed to set up sandbox "ffeeddccbbaa": timeout after 12 s', "2"),
            ("no network", "2"),
        )
    )
    assert say_the_same(first, second)
    assert not say_the_same(first, other)


def test_how_a_container_exited() -> None:
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    well = {"terminated": {"reason": "Completed", "exitCode": 0}}
    statuses = [{"name": "i", "state": well}, {"name": "c", "state": {}, "lastState": ended}]
    assert a_pod({"containerStatuses": statuses}, nodeName="n1").exit_message == "OOMKilled, exit code 137"


def test_a_container_that_started_and_is_not_ready_is_named() -> None:
    assert a_pod({"containerStatuses": [{"name": "c", "started": True, "ready": False}]}).unready_reason == "c"
    assert a_pod({"containerStatuses": [{"name": "c", "started": False, "ready": False}]}).unready_reason == ""


@pytest.mark.parametrize(
    ("route", "hosts"),
    [
        ({}, set()),
        ({"spec": None}, set()),
        ({"spec": {"hostnames": ["a.io", "b.io"], "rules": [{"matches": []}]}}, {"a.io", "b.io"}),
        ({"spec": {"rules": [{"host": "a.io"}, {"http": {}}, {"host": ""}, {"host": "*.b.io"}]}}, {"a.io", "*.b.io"}),
        ({"spec": {"rules": "x", "hostnames": {"a.io": 1}}}, set()),
        ({"spec": {"rules": [None, {"host": ["a.io"]}], "hostnames": [1, None]}}, set()),
    ],
)
def test_hosts_of_a_route(route: dict[str, Any], hosts: set[str]) -> None:
    assert hosts_of(route) == hosts


def test_a_large_object_is_not_kept() -> None:
    small, large = (
        StoredObject.from_object({"metadata": METADATA, "spec": {"a": "x" * size}}) for size in (100, LARGE)
    )
    assert (small.load()["spec"], large.body) == ({"a": "x" * 100}, b"")


def test_of_a_large_route_is_kept_whose_it_is() -> None:
    owners = [
        {"kind": "A", "uid": "u0"},
        {"kind": "B", "uid": "u9", "name": "nim", "controller": True, "x": "x" * LARGE},
    ]
    large = {"metadata": {**METADATA, "deletionTimestamp": "now", "ownerReferences": owners}, "spec": {"a": 1}}
    found = StoredObject.of_route(large).load()
    assert (controller_of(found), found["metadata"]["deletionTimestamp"], "spec" in found) == (
        {"kind": "B", "uid": "u9", "name": "nim", "controller": True},
        "now",
        False,
    )
    nobodys = {"metadata": METADATA, "spec": {"a": "x" * LARGE}}
    assert StoredObject.of_route(nobodys).load() == {"metadata": {**METADATA, "ownerReferences": []}}
    small = {"metadata": METADATA, "spec": {"a": 1}}
    assert StoredObject.of_route(small).load() == small


def test_a_long_annotation_of_a_claim_is_kept_by_its_digest() -> None:
    first = {"a": "x", "b": "x" * 1000}
    annotations = {**first, **{f"k{number}": "" for number in range(1000)}, well_known.SERVICE_UID: "u1"}
    found = ObservedClaim.from_object({"metadata": {**METADATA, "annotations": annotations}, "spec": {}}).annotations
    assert found == digest_annotations(annotations)
    assert (found["a"], found["b"][:14], len(found["b"]), found[well_known.SERVICE_UID]) == (
        "x",
        "sha256:44f8354",
        71,
        "u1",
    )
    assert len(found) == 512
