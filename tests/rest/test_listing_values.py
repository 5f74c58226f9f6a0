"""What listings make of values: queries, workloads, and pages of them."""

import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from bench.translation import EVERY_FIELD, large_policies
from runai_nim.config.settings import Settings
from runai_nim.domain.policy import effective_spec
from runai_nim.rest.model.listed_workload import ListedProject, ListedWorkload
from runai_nim.rest.model.listing_fields import FIELDS, FieldKind
from runai_nim.rest.model.listing_page import ListingPage
from runai_nim.rest.model.listing_query import RUNAI_PHASES, ListingQuery, read_query
from runai_nim.rest.model.project import ProjectNamespace

PROJECT = ListedProject("17", "team-a", "1", "default", "cluster-uid")
CREATED = "2026-01-01T10:00:00Z"
GARBAGE: tuple[Any, ...] = (None, 0, -1, 2**62, 1.5, True, "", "x" * 5000, [], ["a", 1], {}, {"a": {"b": []}})
SPEC_FIELDS = (
    *("compute", "replicas", "autoscaling", "multiNode", "priorityClass", "preemptibility", "nodePools", "category"),
    *("image", "desiredPhase"),
)
STATUS_FIELDS = ("phase", "conditions", "replicas", "readyReplicas", "url", "gpusInUse")


def cr(name: str = "llama", namespace: str = "team-a", **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "creationTimestamp": CREATED}
    return {"metadata": metadata | more.pop("metadata", {}), **more}


def listed(obj: dict[str, Any], project: ListedProject = PROJECT) -> ListedWorkload:
    return ListedWorkload(obj, project, lambda cr: cr.get("spec"), lambda cr: cr["metadata"]["uid"])


def query_of(*parameters: tuple[str, str]) -> ListingQuery:
    query, issues = read_query(parameters)
    assert issues == []
    return query


def mistakes(*parameters: tuple[str, str]) -> list[tuple[str, str]]:
    return [(issue["field"], issue["details"]) for issue in read_query(parameters)[1]]


def test_an_unknown_parameter_is_named() -> None:
    _, issues = read_query([("sortby", "name"), ("filterBy", "a"), ("filterBy", "name==b")], ("sortBy", "filterBy"))

    assert [(issue["field"], issue["details"]) for issue in issues] == [
        ("sortby", 'unknown parameter "sortby": this call has the parameters filterBy, sortBy'),
        ("filterBy[0]", issues[1]["details"]),
    ]


def names(query: ListingQuery, *workloads: ListedWorkload) -> list[str]:
    page = ListingPage(query)
    page.add(workloads)
    return [json.loads(row)["name"] for row in page.rows]


def test_an_empty_query_has_defaults() -> None:
    assert query_of() == ListingQuery(offset=0, limit=50, sort_by="name", is_descending=False)


def test_a_query_as_the_client_sends_it() -> None:
    query = query_of(
        *(("deleted", "True"), ("offset", "100"), ("limit", "500"), ("sortOrder", "desc"), ("sortBy", "createdAt")),
        *(("filterBy", "name!=a, projectId==17"), ("filterBy", "allocatedGPU>=0.5"), ("filterBy", "")),
        *(("search", "LLama"), ("another", "one")),
    )

    assert (query.offset, query.limit, query.sort_by, query.is_descending) == (100, 500, "createdAt", True)
    assert (query.is_deleted, query.search) == (True, "llama")
    assert [(one.operator, one.value) for one in query.filters] == [("!=", "a"), ("==", "17"), (">=", 0.5)]


@pytest.mark.parametrize(
    "text", ["-1", "0", "501", "", "x", "1.5", "1e3", " 1", "\u0661", "1" + "0" * 30, "\0", "0x10"]
)
def test_a_limit_is_within_its_bounds(text: str) -> None:
    details = f'limit is "{text}" but must be a whole number from 1 to 500: correct it'
    assert mistakes(("limit", text)) == [("limit", details)]


@pytest.mark.parametrize("text", ["-1", "2147483648", "1" + "0" * 30, "x"])
def test_an_offset_is_within_its_bounds(text: str) -> None:
    assert [field for field, _ in mistakes(("offset", text))] == ["offset"]
    assert query_of(("offset", "2147483647")).offset == 2**31 - 1


def test_words_are_among_the_known_ones() -> None:
    found = dict(mistakes(("sortBy", "color"), ("sortOrder", "up"), ("deleted", "yes")))

    assert found["sortBy"].startswith('sortBy is "color" but must be type, name, clusterId, projectId, ')
    assert found["sortOrder"] == 'sortOrder is "up" but must be asc or desc: correct it'
    assert found["deleted"] == 'deleted is "yes" but must be true or false: correct it'
    assert {issue["rule"] for issue in read_query([("sortBy", "color")])[1]} == {"options"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("color==red", "must compare type, name, clusterId, "),
        ("name", "must be a field, an operator (==, <=, >=, =@, =^, =$, !=, !@) and a value, without commas"),
        ("name~a", "must be a field, an operator"),
        ("name==", "must be a field, an operator"),
        ("==a", "must be a field, an operator"),
        ("name== ", "must be a field, an operator"),
        (".*(a+)+$==a", "must be a field, an operator"),
        ("name<=a", "must compare name by ==, !=, =@, !@, =^ or =$: choose one of these operators"),
        ("phase=@Run", "must compare phase by == or !=: choose one of these operators"),
        ("phase==running", "must have as value a phase (Creating, Initializing, "),
        ("allocatedGPU>=many", "must have as value a number such as 2 or 0.5: correct it"),
        ("allocatedGPU>=1e400", "must have as value a number"),
        (
            "createdAt>=2026-01-31T12:00:00 02:00",
            "must have as value a time in ISO 8601 with its zone, such as 2026-01-31T12:00:00Z; in a URL a + is %2B",
        ),
        ("createdAt>=yesterday", "must have as value a time in ISO 8601 with its zone, such as 2026-01-31T12:00:00Z"),
        ("createdAt>=2026-01-31T12:00:00", "must have as value a time in ISO 8601 with its zone"),
        ("createdAt==\0", "must have as value a time"),
    ],
)
def test_a_filter_that_is_none_says_what_is_allowed(text: str, expected: str) -> None:
    ((field, details),) = mistakes(("filterBy", f"name==a,{text}"))

    assert field == "filterBy[1]"
    assert details.startswith(f'the filter "{text.strip()}" {expected}')


def test_text_of_any_length_and_script_is_a_value() -> None:
    for text in ("x" * 10_000, "ラマ", "\0", "(a+)+$", "%00", "=="):
        assert names(query_of(("filterBy", f"name=@{text}")), listed(cr())) == []
        assert names(query_of(("search", text)), listed(cr())) == []


def test_filters_are_bounded_and_mistakes_are_cut() -> None:
    many = ",".join(["name==a"] * 1000)
    assert mistakes(("filterBy", many)) == [
        ("filterBy", "filterBy has 1000 filters but must have at most 10: remove some")
    ]
    ((_, details),) = mistakes(("filterBy", "color==" + "x" * 10_000))
    assert len(details) < 1000


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("name==llama", True),
        ("name==Llama", False),
        ("name!=llama", False),
        ("name=@lam", True),
        ("name!@lam", False),
        ("name=^lla", True),
        ("name=$lla", False),
        ("type==NIMService", True),
        ("clusterId==cluster-uid", True),
        ("projectId==17", True),
        ("projectName==17", False),
        ("departmentId==1", True),
        ("departmentName!=default", False),
        ("submittedBy==unknown", True),
        ("phase==Running", True),
        ("phase!=Running", False),
        ("phaseUpdatedAt>=2026-01-01T12:00:00+01:00", True),
        ("phaseUpdatedAt<=2026-01-01T12:00:00+01:00", False),
        ("createdAt==2026-01-01T11:00:00+01:00", True),
        ("deletedAt>=2026-01-01T11:00:00Z", False),
        ("deletedAt!=2026-01-01T11:00:00Z", True),
        ("nodepool==b", True),
        ("nodepool!=b", False),
        ("nodepool!=c", True),
        ("allocatedGPU>=1.5", True),
        ("allocatedGPU<=-1", False),
        ("category==chat", True),
        ("priority==125", True),
        ("priority!=125", False),
        ("priorityClassName==high", True),
    ],
)
def test_a_filter_compares_a_field(text: str, holds: bool) -> None:
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T11:30:00Z"}
    status = {"phase": "Running", "gpusInUse": "1.5", "conditions": [condition, {"type": "x"}]}
    spec = {"nodePools": ["a", "b"], "category": "chat", "priorityClass": "high"}
    query = query_of(("filterBy", text))

    found = names(query, listed(cr(spec=spec, status=status))) if query.keeps_project(PROJECT) else []

    assert found == (["llama"] if holds else [])


def test_a_workload_without_the_value_equals_none() -> None:
    workload = listed(cr())
    for field in ("nodepool", "allocatedGPU", "category", "priority", "priorityClassName", "deletedAt"):
        value = {FieldKind.NUMBER: "0", FieldKind.TIME: CREATED}.get(FIELDS[field].kind, "a")
        assert names(query_of(("filterBy", f"{field}=={value}")), workload) == []
        assert names(query_of(("filterBy", f"{field}!={value}")), workload) == ["llama"]


def test_all_filters_hold() -> None:
    workloads = [listed(cr(name)) for name in ("a1", "a2", "b1")]

    assert names(query_of(("filterBy", "name=^a"), ("filterBy", "name=$1")), *workloads) == ["a1"]
    query = query_of(("filterBy", "projectName==team-a,departmentId!=1,name==a1"))
    assert query.has_project_filters
    assert not query.keeps_project(PROJECT)
    assert not query_of(("filterBy", "name==a1")).has_project_filters


@pytest.mark.parametrize("text", ["LLAM", "team-A", "running", "nimservice", "Unknown", "cluster-uid", "default"])
def test_a_search_looks_into_all_text_fields(text: str) -> None:
    workloads = listed(cr(status={"phase": "Running"})), listed(cr("other", status={"phase": "Running"}))

    assert "llama" in names(query_of(("search", text)), *workloads)
    assert names(query_of(("search", "lam")), *workloads) == ["llama"]


def test_deleted_leaves_those_being_deleted() -> None:
    going = listed(cr("going", metadata={"deletionTimestamp": CREATED}))

    assert names(query_of(("deleted", "true")), listed(cr()), going) == ["going"]
    assert names(query_of(("deleted", "false")), listed(cr()), going) == ["going", "llama"]


def test_the_order_is_total_and_absent_values_come_last() -> None:
    def workload(name: str, namespace: str, **spec: Any) -> ListedWorkload:
        return listed(cr(name, namespace, spec=spec))

    workloads = [
        workload("d", "y"),
        workload("c", "y", priorityClass="high"),
        workload("b", "x", priorityClass="low"),
        workload("a", "y", priorityClass="high"),
        workload("e", "x", priorityClass="high"),
        workload("f", "x"),
    ]
    ascending = names(query_of(("sortBy", "priority")), *workloads)
    descending = names(query_of(("sortBy", "priority"), ("sortOrder", "desc")), *reversed(workloads))

    assert ascending == ["b", "e", "a", "c", "f", "d"]
    assert descending == ["e", "a", "c", "b", "f", "d"]
    assert names(query_of(("sortBy", "nodepool")), *workloads) == ["b", "e", "f", "a", "c", "d"]
    assert names(query_of(("sortOrder", "desc")), *workloads) == ["f", "e", "d", "c", "b", "a"]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("offset", range(0, 12, 3))
def test_a_page_is_the_same_however_it_is_read(size: int, offset: int) -> None:
    workloads = [listed(cr(f"n{number * 7 % 10}")) for number in range(10)]
    page = ListingPage(query_of(("offset", str(offset)), ("limit", "4")))
    other = ListingPage(query_of(("offset", str(offset)), ("limit", "4")))
    for start in range(0, 10, size):
        (page, other)[start % 2].add(workloads[start : start + size])
    page.merge(other)

    assert [json.loads(row)["name"] for row in page.rows] == [f"n{number}" for number in range(10)][offset : offset + 4]
    assert (page.total, page.next_offset) == (10, offset + 4 if offset + 4 < 10 else None)


def test_a_count_keeps_nothing() -> None:
    page = ListingPage(query_of(("filterBy", "name=@a"), ("limit", "1")), is_counted=True)
    page.add([listed(cr("a")), listed(cr("b")), listed(cr("ab"))])
    page.merge(page)

    assert (page.total, page.rows) == (4, [])


def test_a_workload_in_full() -> None:
    spec = {
        "image": "nvcr.io/nim/meta/llama:1",
        "replicas": 3,
        "multiNode": {"workers": 1},
        "compute": {
            "cpuCoreRequest": 0.1,
            "cpuCoreLimit": 2,
            "cpuMemoryRequest": "10GB",
            "cpuMemoryLimit": "20Gi",
            "gpuDevicesRequest": 2,
        },
        "priorityClass": "very-high",
        "preemptibility": "non-preemptible",
        "category": "chat",
        "nodePools": ["a"],
    }
    ready = {"type": "Ready", "status": "False", "reason": "Starting", "message": "m" * 2000}
    status = {
        "phase": "Initializing",
        "readyReplicas": 1,
        "url": "https://llama.example.com",
        "gpusInUse": "4",
        "conditions": [{**ready, "lastTransitionTime": "2026-01-01T12:00:00+01:00"}, {"type": "", "status": "True"}],
    }
    metadata = {"annotations": {"runai-nim.io/created-by": "anna"}}

    assert listed(cr(spec=spec, status=status, metadata=metadata)).answer() == {
        "tenantId": 1,
        "clusterId": "cluster-uid",
        "departmentId": "1",
        "departmentName": "default",
        "projectId": "17",
        "projectName": "team-a",
        "namespace": "team-a",
        "type": "NIMService",
        "name": "llama",
        "id": "uid-llama",
        "source": "Control-plane",
        "submittedBy": "anna",
        "createdAt": CREATED,
        "updatedAt": CREATED,
        "deletedAt": None,
        "desiredPhase": "Running",
        "phase": "Initializing",
        "phaseMessage": "m" * 1024,
        "phaseUpdatedAt": "2026-01-01T11:00:00Z",
        "k8sPhaseUpdatedAt": "2026-01-01T11:00:00Z",
        "k8sPhase": "Initializing",
        "conditions": [{**ready, "message": "m" * 1024, "lastTransitionTime": "2026-01-01T11:00:00Z"}],
        "priority": 150,
        "priorityClassName": "very-high",
        "category": "chat",
        "preemptible": False,
        "runningPods": 2,
        "requestedPods": {"number": 6},
        "podsRequestedResources": {
            "gpu": {"request": 2, "limit": 2},
            "cpu": {"request": 0.1, "limit": 2},
            "cpuMemory": {"request": "10G", "limit": "20Gi"},
        },
        "workloadRequestedResources": {
            "gpu": {"request": 12, "limit": 12},
            "cpu": {"request": 0.6, "limit": 12},
            "cpuMemory": {"request": "60G", "limit": "120Gi"},
        },
        "allocatedResources": {"gpu": 4},
        "requestedNodePools": ["a"],
        "images": ["nvcr.io/nim/meta/llama:1"],
        "urls": ["https://llama.example.com"],
        "actionsSupport": {"delete": True, "suspend": True},
    }


@pytest.mark.parametrize(
    ("compute", "expected"),
    [
        (
            {"gpuRequestType": "portion", "gpuPortionRequest": 0.5, "gpuPortionLimit": 1, "gpuDevicesRequest": 2},
            {"gpuRequestType": "portion", "gpu": {"request": 2, "limit": 4}},
        ),
        (
            {"gpuRequestType": "portion", "gpuPortionRequest": 0.1},
            {"gpuRequestType": "portion", "gpu": {"request": 0.2}},
        ),
        (
            {"gpuRequestType": "memory", "gpuMemoryRequest": "20Gi", "gpuMemoryLimit": "20GiB"},
            {"gpuRequestType": "memory", "gpuMemory": {"request": "40Gi", "limit": "40Gi"}},
        ),
        ({"gpuDevicesRequest": 0}, {"gpu": {"request": 0, "limit": 0}}),
        ({"gpuRequestType": "other", "gpuDevicesRequest": 1, "cpuCoreRequest": float("inf")}, {}),
    ],
)
def test_gpus_of_two_pods(compute: dict[str, Any], expected: dict[str, Any]) -> None:
    assert listed(cr(spec={"compute": compute, "replicas": 2})).answer()["workloadRequestedResources"] == expected


@pytest.mark.parametrize(
    ("spec", "status", "pods", "wanted"),
    [
        ({}, {}, {"number": 1}, 1),
        ({"replicas": 0}, {}, {"number": 0}, 0),
        ({"desiredPhase": "Stopped", "replicas": 3}, {}, {"number": 0}, 0),
        ({"autoscaling": {"minReplicas": 2, "maxReplicas": 5}}, {"replicas": 4}, {"min": 2, "max": 5}, 4),
        ({"autoscaling": {"minReplicas": 2}}, {}, {"min": 2, "max": 2}, 2),
        ({"autoscaling": {"metric": "cpu"}, "desiredPhase": "Stopped"}, {"replicas": 4}, {"number": 0}, 0),
    ],
)
def test_numbers_of_pods(spec: dict[str, Any], status: dict[str, Any], pods: dict[str, int], wanted: int) -> None:
    answer = listed(cr(spec={**spec, "compute": {"gpuDevicesRequest": 1}}, status=status)).answer()

    assert answer["requestedPods"] == pods
    assert answer["workloadRequestedResources"]["gpu"]["request"] == wanted
    is_stopped = answer["requestedPods"] == {"number": 0}
    assert answer["desiredPhase"] == ("Stopped" if is_stopped else "Running")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1.5", {"gpu": 1.5}), ("3", {"gpu": 3}), ("40Gi", {"gpuMemory": "40Gi"}), ("2x0.5", {}), (None, {}), ("x", {})],
)
def test_allocated_gpus(text: str | None, expected: dict[str, Any]) -> None:
    assert listed(cr(status={"gpusInUse": text})).answer()["allocatedResources"] == expected


@pytest.mark.parametrize(
    ("status", "phase"),
    [(None, "Creating"), ({}, "Creating"), ({"phase": "Pending"}, "Pending"), ({"phase": "Odd"}, "Unknown")],
)
def test_phases(status: Any, phase: str) -> None:
    assert listed(cr(status=status)).phase == phase
    answer = listed(cr(status=status, metadata={"deletionTimestamp": "2026-01-01T12:00:00Z"})).answer()
    assert (answer["phase"], answer["desiredPhase"]) == ("Deleting", "Deleted")
    assert answer["phaseUpdatedAt"] == answer["deletedAt"] == "2026-01-01T12:00:00Z"


@pytest.mark.parametrize(("word", "expected"), [("preemptible", True), ("semi-preemptible", None), (None, None)])
def test_preemptible_is_left_out_where_it_is_neither(word: str | None, expected: bool | None) -> None:
    answer = listed(cr(spec={"preemptibility": word})).answer()
    assert answer.get("preemptible") is expected
    assert ("preemptible" in answer) is (expected is not None)


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda value: str(value)[:20])
def test_no_garbage_breaks_a_listing(garbage: Any) -> None:
    everywhere = cr(
        spec=dict.fromkeys(SPEC_FIELDS, garbage),
        status=dict.fromkeys(STATUS_FIELDS, garbage),
    )
    deeper = cr(
        spec={
            "compute": dict.fromkeys(
                ("gpuRequestType", "gpuDevicesRequest", "cpuCoreRequest", "cpuMemoryLimit"), garbage
            ),
            "multiNode": {"workers": garbage},
            "autoscaling": {"minReplicas": garbage, "maxReplicas": garbage},
        },
        status={"conditions": [dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime"), garbage)]},
    )
    shares = cr(spec={"compute": {"gpuRequestType": "portion", "gpuPortionRequest": garbage}, "replicas": 2**40})
    for obj in (everywhere, deeper, shares, cr(spec=garbage, status=garbage), cr()):
        for field in FIELDS:
            for order in ("asc", "desc"):
                assert names(query_of(("sortBy", field), ("sortOrder", order)), listed(obj)) == ["llama"]
        assert orjson.loads(listed(obj).rendered())["phase"] in RUNAI_PHASES
        assert len(listed(obj).rendered()) < 20_000


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda value: str(value)[:20])
def test_no_garbage_breaks_the_defaults_of_policies(garbage: Any) -> None:
    spec = yaml.safe_load(EVERY_FIELD.read_text(encoding="utf-8"))["spec"]
    policies = large_policies(spec)
    for field in spec:
        obj = cr(spec={**spec, field: garbage}, status={"phase": "Running"})
        workload = ListedWorkload(obj, PROJECT, lambda cr: effective_spec(cr, policies).spec, lambda cr: "id")
        assert workload.answer()["phase"] == "Running"


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-23:00", "2026-01-01T12:00:00", "yesterday"])
def test_a_time_that_is_none_is_left_out(time: str) -> None:
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": time}
    answer = listed(cr(status={"conditions": [condition]})).answer()

    assert answer["conditions"] == [{"type": "Ready", "status": "True", "reason": "", "message": ""}]
    assert answer["phaseUpdatedAt"] == CREATED


def test_a_project_is_what_the_namespace_says() -> None:
    labels = {"runai/queue": "team", "runai-nim.io/project-id": "17", "example.com/department": "science"}
    namespace = ProjectNamespace("runai-team", "uid", labels, "1")
    settings = Settings.model_validate({"department_label": "example.com/department"})

    found = ListedProject.of_namespace(namespace, settings, "cluster")
    assert found == ListedProject("17", "team", "science", "science", "cluster")
    plain = ListedProject.of_namespace(ProjectNamespace("a", "uid", {}, "1"), Settings.model_validate({}), "cluster")
    assert plain == ListedProject("a", "a", "1", "default", "cluster")


def test_times_have_a_zone() -> None:
    assert listed(cr()).created_at == datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory from /proc")
def test_a_page_behind_many_workloads_keeps_little_more_than_their_answers() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()

    page = ListingPage(query_of(("offset", "20000")))
    before = resident()
    for chunk in range(100):
        page.add([listed(cr(f"llama-{chunk}-{number}")) for number in range(100)])

    assert (page.total, page.rows) == (10_000, [])
    assert resident() - before < 40 * 2**20  # 80 MiB more if each answer keeps the buffer that it was written to
