"""Whatever the objects of a cluster hold, reading them raises nothing: values of any type and size in any place."""

import copy
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from runai_nim.api import well_known
from runai_nim.api.v1alpha1.status import Phase
from runai_nim.config.settings_loader import load_settings
from runai_nim.controller.limits.field_conflict import managers_of
from runai_nim.controller.metrics import ServiceMetrics
from runai_nim.domain.context import Context
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.observed import (
    ObservedAutoscaler,
    ObservedClaim,
    ObservedNamespace,
    ObservedNimCache,
    ObservedPod,
    ObservedService,
    ObservedState,
    ObservedWorkload,
    StoredObject,
    newest_by_reason,
)
from runai_nim.domain.plan import check_names, plan, take_over_fields
from runai_nim.domain.status import Deadlines, Outcome, event_queries, facts_of, status_of, time_to_ready, transitions
from runai_nim.domain.translate import translate
from runai_nim.kube.api_error import api_error
from runai_nim.kube.bounded_reader import name_in
from runai_nim.kube.discovery import schema_of
from runai_nim.kube.leader_election import LeaseRecord
from tests.support.decisions import input_of

Object = dict[str, Any]
Place = tuple[str | int, ...]

NAME = "nim"
UID = "u-1"
HASH = "0123456789abcdef"
IDENTITY = {"name": NAME, "namespace": "ns", "uid": UID, "resourceVersion": "5"}
MARKED = {
    "labels": {well_known.SERVICE_LABEL: NAME},
    "annotations": {well_known.SPEC_HASH: HASH, well_known.POD_HASH: HASH},
}
OWNER = {"apiVersion": well_known.API_VERSION, "kind": well_known.KIND, "name": NAME, "uid": UID, "controller": True}
ENTRY = {
    "manager": well_known.FIELD_MANAGER,
    "operation": "Apply",
    "time": "2026-01-01T00:00:00Z",
    "fieldsV1": {"f:spec": {"f:replicas": {}}},
}
METADATA = {
    **IDENTITY,
    **MARKED,
    "generation": 1,
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "ownerReferences": [OWNER],
    "managedFields": [ENTRY],
}
CONDITION = {
    "type": "Ready",
    "status": "False",
    "reason": "R",
    "message": "m",
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
CONTAINER = {
    "name": "c",
    "started": True,
    "ready": False,
    "state": {"waiting": {"reason": "ErrImagePull", "message": "m"}},
    "lastState": {"terminated": {"reason": "Error", "exitCode": 1}},
}
POD = {
    "metadata": METADATA,
    "spec": {"schedulerName": "s", "nodeName": ""},
    "status": {
        "conditions": [{"type": "PodScheduled", "status": "False", "message": "m"}],
        "initContainerStatuses": [CONTAINER],
        "containerStatuses": [CONTAINER],
    },
}
KILLED = {
    "exitCode": 137,
    "reason": "Error",
    "message": "HTTP 401",
    "startedAt": "2026-01-01T00:00:00Z",
    "finishedAt": "2026-01-01T00:20:00Z",
}
STUCK_POD = {
    "metadata": METADATA,
    "spec": {
        "schedulerName": "s",
        "nodeName": "n",
        "containers": [{"name": "c", "startupProbe": {"failureThreshold": 120, "periodSeconds": 10}}],
    },
    "status": {
        "phase": "Pending",
        "reason": "NodeLost",
        "conditions": [
            {"type": "PodReadyToStartContainers", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z"},
            {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "m"},
        ],
        "containerStatuses": [{"name": "c", "started": False, "restartCount": 2, "lastState": {"terminated": KILLED}}],
    },
}
AUTOSCALER: Object = {
    "metadata": METADATA,
    "status": {"conditions": [{"type": "ScalingActive", "status": "False", "reason": "R", "message": "m"}]},
}
EVENT: Object = {
    "metadata": METADATA,
    "reason": "FailedMount",
    "message": "m",
    "lastTimestamp": "2026-01-01T00:00:00Z",
    "series": {"lastObservedTime": "2026-01-01T00:00:00.000000Z"},
}
COUNTS = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
DEPLOYMENT = {"kind": "Deployment", "metadata": METADATA, "spec": {"replicas": 1}, "status": COUNTS}
CLAIM: Object = {
    "metadata": METADATA,
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": "10Gi"}},
    },
    "status": {"phase": "Bound"},
}
CACHE = {"metadata": METADATA, "status": {"state": "Failed", "conditions": [CONDITION]}}
SCHEMA = {
    "x-kubernetes-group-version-kind": [
        {"group": well_known.NIM_GROUP, "version": well_known.NIM_VERSION, "kind": well_known.NIMSERVICE_KIND}
    ],
    "properties": {
        "spec": {
            "required": ["authSecret"],
            "properties": {
                "replicas": {"minimum": 1},
                "env": {"items": {"properties": {"name": {}}}},
                "labels": {"additionalProperties": {}},
            },
        }
    },
}

EXTERNAL = {
    "RUNAI_NIM_EXTERNAL_MODE": "ingress",
    "RUNAI_NIM_EXTERNAL_DOMAIN": "example.com",
    "RUNAI_NIM_EXTERNAL_INGRESS_CLASS": "nginx",
    "RUNAI_NIM_EXTERNAL_HOSTS": '["nim.example.com"]',
}
CONTEXT = Context(load_settings(None, EXTERNAL), {})
SPECS: tuple[Object, ...] = (
    {"modelStore": {"pvc": {"claimInfo": {"size": "10Gi"}}}},
    {"modelStore": {"pvc": {"existingPvc": True, "claimName": "c"}}},
    {"modelStore": {"nimCache": {"name": "c"}}},
    {
        "modelStore": {"nimCache": {"name": "c"}},
        "multiNode": {"workers": 1},
        "compute": {"gpuDevicesRequest": 1},
        "replicas": 2,
    },
    {
        "modelStore": {"nimCache": {"name": "c"}},
        "compute": {"cpuCoreRequest": 1},
        "autoscaling": {"minReplicas": 1, "maxReplicas": 2, "metric": "cpu", "metricThreshold": 50},
    },
    {
        "modelStore": {"nimCache": {"name": "c"}},
        "servingPort": {"port": 8000, "exposedUrl": "https://nim.example.com"},
    },
)
"""Of resources that read what is there in different ways."""


def cr(spec: Object, status: Object | None = None) -> Object:
    common = {"image": "r/nim:1", "ngcAuthSecret": "ngc", "servingPort": {"port": 8000}}
    metadata = {**IDENTITY, "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": common | spec, **({"status": status} if status else {})}


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 2**31, 2**63, 0.5, 1e308]),
    st.sampled_from(
        ("", "²", "٣", "9" * 5000, "-1", "1e400", "True", "\x00", "é" * 5000, "x" * 300),
    ),
    st.sampled_from(
        ("0000-01-01T00:00:00Z", "2026-12-31T23:59:60Z", "2026-01-01T00:00:00", "9999-12-31T23:59:59.999999999Z")
    ),
    st.text(max_size=5),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, above: Place = ()) -> Iterator[Place]:
    """Every place in a value, but for those of an object's identity."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        place = (*above, name)
        if not (above == ("metadata",) and name in IDENTITY) and place != ("metadata",):
            yield place
        yield from places(part, place)


def spoiled(obj: Mapping[str, Any]) -> st.SearchStrategy[Object]:
    """The object with other values in some places."""
    where = list(places(obj))

    def put(changes: list[tuple[Place, Any]]) -> Object:
        made = copy.deepcopy(dict(obj))
        for place, value in changes:
            at: Any = made
            try:
                for name in place[:-1]:
                    at = at[name]
                if isinstance(at, dict) and not isinstance(place[-1], str):
                    continue  # JSON has no such key
                at[place[-1]] = value
            except (KeyError, IndexError, TypeError):  # something above is another value already
                continue
        return made

    return st.lists(st.tuples(st.sampled_from(where), VALUES), min_size=1, max_size=4).map(put)


def with_groups(noted: Any) -> Object:
    """A NIMService of several nodes, with that note of how many replicas it was made with."""
    live = nimservice(SPECS[3])
    live["metadata"]["annotations"] = {well_known.MULTI_NODE_REPLICAS: noted}
    return live


def nimservice(spec: Object) -> Object:
    """What is made of such a resource, as the API server has it."""
    made = translate(input_of(cr(spec), CONTEXT)).nimservice
    assert made is not None
    status = {"state": "Failed", "conditions": [CONDITION, {**CONDITION, "type": "Failed", "status": "True"}]}
    return {**copy.deepcopy(made), "metadata": {**made["metadata"], **copy.deepcopy(METADATA)}, "status": status}


@pytest.mark.parametrize(
    ("read", "obj"),
    [
        (ObservedPod.from_object, POD),
        (ObservedPod.from_object, STUCK_POD),
        (ObservedAutoscaler.from_object, AUTOSCALER),
        (ObservedWorkload.from_object, DEPLOYMENT),
        (ObservedWorkload.from_object, {**DEPLOYMENT, "kind": well_known.LWS_KIND}),
        (ObservedService.from_object, {"metadata": METADATA}),
        (ObservedClaim.from_object, CLAIM),
        (ObservedNimCache.from_object, CACHE),
        (ObservedNamespace.from_object, {"metadata": METADATA}),
        (StoredObject.from_object, DEPLOYMENT),
        (StoredObject.of_route, DEPLOYMENT),
    ],
)
@given(data=st.data())
def test_any_object_is_read_and_stays_small(read: Callable[[Object], Any], obj: Object, data: st.DataObject) -> None:
    found = read(data.draw(spoiled(obj)))
    assert found.resource_version == "5"
    hash(found)
    if not isinstance(found, StoredObject):
        assert len(repr(found)) < 40_000


@given(spoiled(CLAIM), st.sampled_from(["x", "<"]))
def test_nothing_of_a_large_object_is_kept(claim: Object, filling: str) -> None:
    claim["spec"] = {**CLAIM["spec"], "dataSource": {"name": filling * 100_000}}
    claim["metadata"]["annotations"] = {f"k{index}": filling * 10_000 for index in range(25)}
    assert len(repr(ObservedClaim.from_object(claim))) < 10_000
    assert StoredObject.from_object(claim).body == b""


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=40)
@given(data=st.data())
def test_any_neighbours_are_planned_and_reported(spec: Object, data: st.DataObject) -> None:
    live = data.draw(st.none() | spoiled(nimservice(spec)))
    desired = translate(input_of(cr(spec), CONTEXT))
    route = desired.route and {**desired.route, "metadata": {**desired.route["metadata"], **METADATA}}
    observed = ObservedState(
        nimservice=live,
        applied_at=StoredObject.from_object(live).applied_at if live else "",
        service=ObservedService.from_object(data.draw(spoiled({"metadata": METADATA}))),
        workload=ObservedWorkload.from_object(data.draw(spoiled(DEPLOYMENT))),
        claim=data.draw(st.none() | spoiled(CLAIM).map(ObservedClaim.from_object)),
        nim_cache=ObservedNimCache.from_object(data.draw(spoiled(CACHE))),
        pods=tuple(ObservedPod.from_object(data.draw(spoiled(pod))) for pod in (POD, STUCK_POD)),
        autoscaler=ObservedAutoscaler.from_object(data.draw(spoiled(AUTOSCALER))),
        events=dict.fromkeys(("", str(METADATA["uid"])), newest_by_reason([data.draw(spoiled(EVENT))])),
        routes={route["kind"]: data.draw(spoiled(route))} if route else {},
    )
    judge(cr(spec), observed)


@pytest.mark.parametrize("noted", ["²", "٣", "9" * 5000, "", "1", 1, None, [], {"a": 1}])
def test_any_note_of_how_many_replicas(noted: Any) -> None:
    judge(cr(SPECS[3]), ObservedState(nimservice=with_groups(noted)))


def judge(resource: Object, observed: ObservedState) -> None:
    """All that a pass reads of what is there."""
    desired = translate(input_of(resource, CONTEXT))
    planned = plan(resource, desired, observed)
    for write in planned.writes:
        orjson.dumps(write.manifest)
    deadlines = Deadlines(datetime.now(UTC), 60, 60)
    list(event_queries(desired, observed, deadlines.now))
    facts = facts_of(resource, desired=desired, plan=planned, observed=observed, outcome=Outcome(), deadlines=deadlines)
    status = status_of(resource, desired, facts, "2026-01-02T00:00:00Z")
    orjson.dumps(status)
    list(transitions(resource.get("status") or {}, status))
    if observed.nimservice:
        fields = observed.nimservice.get("metadata", {}).get("managedFields") or ()
        managers_of(fields, [("spec", "replicas")])
        orjson.dumps(take_over_fields(fields, ("spec",)))
        check_names(NAME, [("Service", {"metadata": {**observed.nimservice.get("metadata", {}), "name": NAME}})])


@given(spoiled(SCHEMA))
def test_any_schema_of_the_kind_is_read(schema: Object) -> None:
    found = schema_of({"components": {"schemas": {"a": {}, "b": schema}}})
    kind = NIMServiceSchema.of_schema(schema if found is None else found)
    list(kind.missing_fields(nimservice(SPECS[0])))


@given(spoiled({"components": {"schemas": {"b": SCHEMA}}}))
def test_any_openapi_document_is_searched(document: Object) -> None:
    schema_of(document)


LEASE = {
    "metadata": {"resourceVersion": "5"},
    "spec": {
        "holderIdentity": "them",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 1,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:00.000000Z",
    },
}


@given(spoiled(LEASE))
def test_any_lease_is_read(lease: Object) -> None:
    lease["metadata"] = LEASE["metadata"]
    seen = LeaseRecord()
    seen.observe(lease, now=1.0)
    assert seen.seconds_held("us", now=1.0) >= 0
    orjson.dumps([seen.acquire_spec("us", 15, datetime.now(UTC)), seen.release_spec()])


@given(st.binary(max_size=100) | VALUES.map(orjson.dumps), st.none() | st.text(max_size=5) | st.just("9" * 400))
def test_any_refusal_is_understood(body: bytes, retry_after: str | None) -> None:
    assert 0 <= api_error(500, body, retry_after).retry_after <= 300


@given(st.binary(max_size=100))
def test_any_body_may_hold_a_name(body: bytes) -> None:
    assert name_in(body)


TIMES = st.sampled_from(
    ["2026-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2026-12-31T23:59:60Z", "2026-01-01t00:00:00z"]
)
CONDITIONS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["Ready", "Translated", "Stalled", "x"]),
            "status": st.sampled_from(["True", "False", "Unknown"]),
            "reason": st.sampled_from(["Running", "x" * 253]),
            "message": st.text(max_size=5),
            "lastTransitionTime": TIMES,
        }
    ),
    max_size=4,
    unique_by=lambda condition: condition["type"],
)


@given(CONDITIONS, CONDITIONS, st.sampled_from(get_args(Phase)))
def test_any_status_that_the_api_server_stores_is_read(before: list[Object], after: list[Object], phase: str) -> None:
    then, now = (cr(SPECS[0], {"phase": phase, "conditions": conditions}) for conditions in (before, after))
    judge(then, ObservedState())
    time_to_ready(then, now)
    ServiceMetrics(CollectorRegistry()).record_resource(("ns", "key"), then)
