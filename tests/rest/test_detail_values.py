"""What the calls for details make of values: pods, events, history, queries. Statuses are untrusted."""

from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.api.v1alpha1.status import Phase
from runai_nim.config.settings import Settings
from runai_nim.domain.observed.resource_tree import Reading, tree_of
from runai_nim.domain.reasons import BY_WORD, Reason
from runai_nim.domain.status import ROWS
from runai_nim.domain.status.phase_row import PhaseRow
from runai_nim.rest.model.event_subjects import EventSubjects
from runai_nim.rest.model.history import PHASE_OF_REASON, history_of
from runai_nim.rest.model.listed_event import listed_event, newest_first
from runai_nim.rest.model.listed_pod import PodOwner, listed_pod, pod_matches
from runai_nim.rest.model.paging import Paging, read_paging
from runai_nim.rest.model.pod_resources import requested_resources
from runai_nim.rest.model.timestamps import UNKNOWN_TIME, first_time, latest_time, moment
from runai_nim.rest.schemas_details import Events, History, Pods
from tests.cli.test_list import VALUES

SETTINGS = Settings.model_validate({})
SHORTHAND = Settings.model_validate({"gpu_fraction_keys": "nvfractions"})
OWNER = PodOwner("id", "llama", "1", "team-a", "cluster")
AT = "2026-01-30T10:00:00Z"
LATER = "2026-01-30T11:00:00Z"
KNOWN = ("offset", "limit", "sortOrder", "deleted", "search")
METADATA = {"name": "llama-1", "namespace": "a", "uid": "u", "resourceVersion": "1", "creationTimestamp": AT}
SERVICE: dict[str, Any] = {"metadata": {**METADATA, "name": "llama", "uid": "cr"}}


def pod_of(spec: Any = None, status: Any = None, settings: Settings = SETTINGS, **metadata: Any) -> dict[str, Any]:
    return listed_pod({"metadata": METADATA | metadata, "spec": spec, "status": status}, OWNER, settings)


def container(name: str = "c", requests: Any = None, limits: Any = None) -> dict[str, Any]:
    return {"name": name, "image": "nim:1", "resources": {"requests": requests, "limits": limits}}


def test_a_pod_without_anything() -> None:
    assert pod_of() == {
        "name": "llama-1",
        "priorityClassName": "",
        "id": "u",
        "workloadId": "id",
        "workloadName": "llama",
        "projectId": "1",
        "projectName": "team-a",
        "clusterId": "cluster",
        "tenantId": 1,
        "createdAt": AT,
        "k8sPhase": "",
        "k8sPhaseUpdatedAt": AT,
        "updatedAt": AT,
        "containers": [],
        "restarts": 0,
        "tolerations": [],
    }


def test_a_pod_in_full() -> None:
    pool = {"key": "runai/node-pool", "operator": "In", "values": ["a100", "h100"]}
    default = {"key": "runai/node-pool", "operator": "DoesNotExist"}
    zone = {"key": "zone", "operator": "Exists"}
    odd = {"key": "zone", "operator": "Like"}
    affinity = {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [pool, zone, odd]}, {"matchExpressions": [default]}]
        },
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "preference": {"matchExpressions": [pool]}},
            {"weight": "x"},
        ],
    }
    toleration = {"key": "gpu", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5, "value": 3}
    spec = {
        "nodeName": "node-1",
        "priorityClassName": "high",
        "containers": [container()],
        "tolerations": [toleration],
        "affinity": {"nodeAffinity": affinity},
    }
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": LATER, "message": "nvapi-key"}}
    status = {
        "phase": "Failed",
        "podIP": "10.0.0.1",
        "conditions": [{"type": "Ready", "lastTransitionTime": LATER}],
        "containerStatuses": [{"name": "c", "restartCount": 2, "state": ended}],
    }

    pod = pod_of(spec, status, labels={"priorityClassName": "very-high"}, deletionTimestamp=LATER)

    assert pod["priorityClassName"] == "very-high"
    assert pod["requestedNodePools"] == ["a100", "h100", "default"]
    assert pod["nodeAffinity"] == {
        "required": {"nodeSelectorTerms": [{"matchExpressions": [pool, zone]}, {"matchExpressions": [default]}]},
        "preferred": {"nodeSelectorTerms": [{"weight": 100, "preference": {"matchExpressions": [pool]}}]},
    }
    assert pod["tolerations"] == [{name: value for name, value in toleration.items() if name != "value"}]
    assert (pod["completedAt"], pod["deletedAt"], pod["updatedAt"]) == (LATER, LATER, LATER)
    assert (pod["restarts"], pod["lastExit"]) == (2, "OOMKilled, exit code 137")
    assert "nvapi-key" not in str(pod)
    assert "completedAt" not in pod_of(spec, {**status, "containerStatuses": []})
    assert pod_of({"priorityClassName": "high"})["priorityClassName"] == "high"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"containerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}}]},
         ("CrashLoopBackOff", "back-off")),
        ({"phase": "Failed", "reason": "Evicted", "message": "disk pressure"}, ("Evicted", "disk pressure")),
        ({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no GPU"}]},
         ("Unschedulable", "no GPU")),
        ({"phase": "Running"}, (None, None)),
    ],
)  # fmt: skip
def test_why_a_pod_does_not_run(status: dict[str, Any], told: tuple[Any, Any]) -> None:
    pod = pod_of({}, status)

    assert (pod.get("reason"), pod.get("message")) == told


def test_resources_are_summed_over_the_containers() -> None:
    first = container("a", {"cpu": "500m", "memory": "1Gi"}, {"cpu": "1", "memory": "2Gi", "nvidia.com/gpu": "2"})
    second = container("b", {"cpu": "1500m", "memory": "512Mi"}, {"memory": "1Gi"})
    broken = container("c", {"cpu": "many", "memory": 3}, "x")

    pod = pod_of({"containers": [first, second], "nodeName": "n"}, {"phase": "Running"})

    assert pod["requestedResources"] == {
        "gpu": {"request": 2, "limit": 2},
        "cpu": {"request": 2},
        "cpuMemory": {"request": "1536Mi", "limit": "3Gi"},
    }
    assert pod["allocatedResources"] == {"gpu": 2, "cpu": 2, "cpuMemory": "1536Mi"}
    assert "requestedResources" not in pod_of({"containers": [broken]})
    assert pod_of({"containers": [first]})["requestedResources"]["cpu"] == {"request": 0.5, "limit": 1}


@pytest.mark.parametrize(
    ("annotations", "settings", "expected"),
    [
        ({"gpu-fraction": "0.5"}, SETTINGS, {"gpuRequestType": "portion", "gpu": {"request": 0.5}}),
        ({"gpu-fraction": "0.5", "gpu-fraction-num-devices": "2", "gpu-fraction-limit": "0.75"}, SETTINGS,
         {"gpuRequestType": "portion", "gpu": {"request": 1, "limit": 1.5}}),
        ({"gpu-memory": "20480"}, SETTINGS, {"gpuRequestType": "memory", "gpuMemory": {"request": "20Gi"}}),
        ({"gpu-memory": "1000", "nvidia.com/container.llama-ctr.gpu-memory.limit": "40Gi",
          "gpu-fraction-container-name": "llama-ctr"}, SHORTHAND,
         {"gpuRequestType": "memory", "gpuMemory": {"request": "1000Mi", "limit": "40Gi"}}),
        ({"gpu-fraction": "half", "gpu-memory": "much"}, SETTINGS, None),
        ({"gpu-memory": "٣"}, SETTINGS, None),
    ],
)  # fmt: skip
def test_gpu_shares(annotations: dict[str, str], settings: Settings, expected: Any) -> None:
    assert pod_of(settings=settings, annotations=annotations).get("requestedResources") == expected


def test_what_a_search_finds() -> None:
    pod = {"metadata": METADATA, "spec": {"nodeName": "Node-7"}, "status": {"phase": "Running"}}

    found = {
        text for text in ("", "llama", "node-7", "run", "pending") if pod_matches(pod, search=text, only_deleted=False)
    }

    assert found == {"", "llama", "node-7", "run"}
    assert not pod_matches(pod, search="", only_deleted=True)
    ending = {"metadata": {**METADATA, "deletionTimestamp": AT}}
    assert pod_matches(ending, search="", only_deleted=True)
    assert pod_matches({}, search="", only_deleted=False)


def test_requests_beyond_64_bits() -> None:
    pod = {"spec": {"containers": [{"resources": {"requests": {"cpu": "9E"}}}] * 3}}

    assert orjson.dumps(requested_resources(pod, SETTINGS))


def test_an_event_without_anything() -> None:
    assert listed_event({}, "cluster") == {
        "createdAt": UNKNOWN_TIME,
        "id": "",
        "type": "",
        "clusterId": "cluster",
        "message": "",
        "involvedObject": {"uid": "", "kind": "", "name": "", "namespace": ""},
    }


def test_the_newest_event_is_first() -> None:
    found = [
        listed_event({"lastTimestamp": at, "metadata": {"uid": uid}}, "")
        for at, uid in ((AT, "b"), (LATER, "a"), (AT, "a"))
    ]

    assert [one["id"] for one in sorted(found, key=newest_first, reverse=True)] == ["a", "b", "a"]


def test_times() -> None:
    assert moment("2026-01-30T10:00:00.123456Z") is not None
    assert [moment(value) for value in ("0000-01-01T00:00:00Z", "2026-01-30T10:00:00", "Z", None, 5)] == [None] * 5
    assert first_time([None, "x", LATER, AT]) == LATER
    assert latest_time([None, "x", AT, "2026-01-30T10:00:00.5Z"]) == "2026-01-30T10:00:00.5Z"
    assert latest_time([]) == UNKNOWN_TIME


def test_times_of_other_zones() -> None:
    """The condition of a status, which a client may write."""
    assert moment("2026-01-30T12:00:00+02:00") == moment("2026-01-30T10:00:00Z")
    assert first_time(["2026-01-30T12:00:00+02:00"]) == "2026-01-30T10:00:00Z"
    assert latest_time(["2026-01-30T11:00:00+02:00", "2026-01-30T10:00:00Z"]) == "2026-01-30T10:00:00Z"
    assert [moment(value) for value in ("0001-01-01T00:00:00+02:00", "2026-01-30T10:00:00Z" + " " * 100)] == [None] * 2


def about(kind: str, name: str, uid: str = "", at: str = LATER) -> dict[str, Any]:
    return {"involvedObject": {"kind": kind, "name": name, "uid": uid}, "lastTimestamp": at}


def test_which_events_are_about_a_workload() -> None:
    lws = Reading(({"metadata": {"name": "llama-lws", "uid": "lws", "resourceVersion": "1"}},))
    problem = Reading(problem="can't be read")
    tree = tree_of(SERVICE, {"NIMService": problem, "LeaderWorkerSet": lws})

    subjects = EventSubjects.of(SERVICE, tree, pods={"pod"}, unread={"NIMService", "ReplicaSet"})

    assert all(
        subjects.include(event)
        for event in (
            about("Pod", "x", "pod"),
            about("LeaderWorkerSet", "x", "lws"),
            about("StatefulSet", "llama-lws"),
            about("NIMService", "llama"),
            about("ReplicaSet", "llama-5b7f"),
        )
    )
    assert not any(
        subjects.include(event)
        for event in (
            about("Pod", "llama-1", "another"),
            about("Deployment", "llama", "another"),  # it could be read, and isn't there
            about("ReplicaSet", "llama-b-5b7f"),
            about("NIMService", "llama", at="2026-01-30T09:00:00Z"),  # of an earlier one
            {},
        )
    )
    known = EventSubjects.of(SERVICE, tree_of(SERVICE, {}), pods=(), unread=())
    assert not known.include(about("ReplicaSet", "llama-5b7f"))
    assert not known.include(about("StatefulSet", "llama-lws"))


def posted(reason: str, at: str, source: str = "runai-nim-operator", uid: str = "cr") -> dict[str, Any]:
    event = about("RunaiNimService", "llama", uid, at)
    return listed_event({**event, "reason": reason, "message": reason, "source": {"component": source}}, "cluster")


def phases(service: dict[str, Any], events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (record["spec"]["phaseUpdate"]["phase"], record["meta"]["creationTimestamp"])
        for record in history_of(service, events)
        if record["meta"]["type"] == "PhaseUpdate"
    ]


def ready(status: str, at: Any, reason: str = "Running", phase: Any = "Running", *others: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": status, "reason": reason, "lastTransitionTime": at, "message": "m"}
    return {**SERVICE, "status": {"phase": phase, "conditions": [condition, *others]}}


def test_phases_of_events_that_have_one() -> None:
    events = [posted("Running", LATER), posted("Unschedulable", LATER), posted("Running", LATER, "somebody"),
              posted("Running", LATER, uid="another")]  # fmt: skip

    assert phases(SERVICE, events) == [("Running", LATER), ("Creating", AT)]


def test_phases_of_the_same_second_are_in_the_order_in_which_they_came() -> None:
    going = {**SERVICE, "metadata": {**SERVICE["metadata"], "deletionTimestamp": LATER}}

    assert phases(SERVICE, [posted("PodsNotReady", AT)]) == [("Initializing", AT), ("Creating", AT)]
    assert phases(ready("True", AT), []) == [("Running", AT), ("Creating", AT)]
    assert phases(going, [posted("Running", LATER)]) == [("Deleting", LATER), ("Running", LATER), ("Creating", AT)]


def test_the_current_phase_by_conditions() -> None:
    assert phases(ready("True", LATER), []) == [("Running", LATER), ("Creating", AT)]
    last = "2026-01-30T12:00:00Z"
    other = {"type": "StorageReady", "status": "True", "lastTransitionTime": last}
    assert phases(ready("True", LATER, "Running", "Running", other), [])[0] == ("Running", LATER)
    waiting = ready("False", LATER, "Unschedulable", "Pending", other)
    assert phases(waiting, [])[0] == ("Pending", last)
    after = "2026-01-30T13:00:00Z"
    assert phases(waiting, [posted("Unschedulable", after)])[0] == ("Pending", after)


def test_a_phase_is_told_once() -> None:
    assert phases(ready("True", LATER), [posted("Running", "2026-01-30T11:00:02Z")]) == [
        ("Running", "2026-01-30T11:00:02Z"),
        ("Creating", AT),
    ]
    assert phases(ready("True", LATER), [posted("Running", "2026-01-30T10:30:00Z")])[:2] == [
        ("Running", LATER),
        ("Running", "2026-01-30T10:30:00Z"),
    ]


def test_a_deleted_workload_is_deleting() -> None:
    deleted = {**ready("True", LATER), "metadata": {**SERVICE["metadata"], "deletionTimestamp": LATER}}

    assert phases(deleted, []) == [("Deleting", LATER), ("Creating", AT)]


@pytest.mark.parametrize("status", ["x", {"phase": "Sleeping"}, {"phase": "Running"}, {"phase": ["Running"]}])
def test_garbage_in_a_status_is_no_phase(status: Any) -> None:
    assert phases({**SERVICE, "status": status}, []) == [("Creating", AT)]
    assert phases(ready("True", "x"), []) == [("Creating", AT)]


def rows_of(reason: Reason) -> list[PhaseRow]:
    return [row for row in ROWS if row.reason == reason]


def test_reasons_with_one_phase_are_those_of_the_phase_table() -> None:
    told = {row.reason for row in ROWS if isinstance(row.reason, Reason)}
    alone = {reason for reason in told if len({row.phase for row in rows_of(reason)}) == 1
             and not any(row.phase_beside_pods for row in rows_of(reason))}  # fmt: skip

    # No event is posted for it.
    assert alone - {Reason.NIM_SERVICE_NOT_SEEN} == PHASE_OF_REASON.keys()
    assert all(rows_of(BY_WORD[reason])[0].phase == phase for reason, phase in PHASE_OF_REASON.items())
    assert set(PHASE_OF_REASON.values()) <= set(get_args(Phase))


ANY_POD = st.fixed_dictionaries({"spec": VALUES | st.dictionaries(
    st.sampled_from(["containers", "affinity", "tolerations", "nodeName", "priorityClassName"]), VALUES),
    "status": VALUES | st.dictionaries(
    st.sampled_from(["phase", "conditions", "containerStatuses", "podIP", "reason"]), VALUES)})  # fmt: skip
ANY_EVENT = st.dictionaries(
    st.sampled_from(["type", "reason", "message", "source", "series", "lastTimestamp", "involvedObject", "count"]),
    VALUES,
)


@given(ANY_POD, VALUES)
def test_any_pod_is_in_the_document_s_types(pod: dict[str, Any], annotations: Any) -> None:
    metadata = {**METADATA, "annotations": annotations, "labels": annotations}

    Pods.model_validate({"pods": [listed_pod({**pod, "metadata": metadata}, OWNER, SETTINGS)]})


@given(st.lists(ANY_EVENT, max_size=3), VALUES)
def test_any_event_and_status_are_in_the_document_s_types(found: list[dict[str, Any]], status: Any) -> None:
    events = [listed_event(event, "cluster") for event in found]
    subjects = EventSubjects.of(SERVICE, tree_of(SERVICE, {}), pods=(), unread=("NIMService", "ReplicaSet"))

    assert not any(subjects.include(event) for event in found)
    Events.model_validate({"events": events})
    History.model_validate({"records": history_of({**SERVICE, "status": status}, events)})


def test_a_query_without_mistakes() -> None:
    given_ = {"offset": "3", "limit": "500", "sortOrder": "ASC", "deleted": "True", "search": "LLaMA"}

    read, issues = read_paging([*given_.items()], given_.keys())
    assert (read, issues) == (Paging(3, 500, newest_first=False, only_deleted=True, search="llama"), [])
    assert read_paging((), ()) == (Paging(), [])


def test_every_mistake_of_a_query_is_found() -> None:
    given_ = [("offset", "-1"), ("limit", "501"), ("sortOrder", "up"), ("deleted", "1"), ("filterBy", "a")]
    given_ += [("search", "a"), ("search", "b")]

    _, issues = read_paging(given_, KNOWN)

    assert {issue["field"]: issue["details"] for issue in issues} == {
        "filterBy": f'unknown parameter "filterBy": this call has the parameters {", ".join(sorted(KNOWN))}',
        "offset": 'offset is "-1" but must be a whole number from 0 to 2147483647: correct it',
        "limit": 'limit is "501" but must be a whole number from 1 to 500: correct it',
        "sortOrder": 'sortOrder is "up" but must be asc or desc: correct it',
        "deleted": 'deleted is "1" but must be true or false: correct it',
        "search": "search must be given once: remove the others",
    }


def test_mistakes_of_a_query_are_cut() -> None:
    (_, (issue,)) = read_paging([("x" * 5000, ""), ("limit", "7")], ("limit",))

    assert len(issue["details"]) < 300


def test_parts() -> None:
    found: list[dict[str, Any]] = [{"number": number} for number in range(5)]

    assert Paging(0, 2).part_of(found) == (found[:2], {"next": 2})
    assert Paging(3, 2).part_of(found) == (found[3:], {})
    assert Paging(9, 2).part_of(found) == ([], {})
