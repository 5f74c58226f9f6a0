"""Which pods belong to a RunaiNimService: the controllers that are read first lead to the same as the whole tree."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.api.resources import CLAIMS, NIM_CACHES, NIM_SERVICES
from runai_nim.domain.observed.resource_tree import Reading, nodes_below, tree_of
from runai_nim.domain.observed.service_children import child_label, child_names, is_pod_of, pod_owners

SERVICE: dict[str, Any] = {"metadata": {"name": "llama", "namespace": "a", "uid": "cr"}}
PROBLEM = Reading(problem="can't be read")


def an_object(uid: str, owner: str = "", **parts: Any) -> dict[str, Any]:
    owners = [{"controller": True, "uid": owner}] if owner else []
    return {"metadata": {"name": uid, "uid": uid, "resourceVersion": "1", "ownerReferences": owners}, **parts}


NIMSERVICES = st.sampled_from([an_object("nim", "cr"), an_object("nim", "another"), an_object("nim")])
DEPLOYMENTS = st.sampled_from([an_object("deployment", "nim"), an_object("deployment", "another")])
REPLICA_SETS = st.lists(
    st.builds(
        lambda number, owner, replicas: an_object(f"set-{number}", owner, spec={"replicas": replicas}),
        st.integers(0, 3),
        st.sampled_from(["deployment", "another", ""]),
        st.integers(0, 1),
    ),
    max_size=3,
)


def reading_of(one: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[Reading]:
    return st.just(PROBLEM) | st.just(Reading()) | one.map(lambda found: Reading((found,)))


READINGS = st.fixed_dictionaries(
    {
        "NIMService": reading_of(NIMSERVICES),
        "Deployment": reading_of(DEPLOYMENTS),
        "LeaderWorkerSet": reading_of(st.just(an_object("lws", "nim"))),
        "ReplicaSet": st.just(PROBLEM) | REPLICA_SETS.map(lambda found: Reading(tuple(found))),
    }
)
PODS = [an_object(f"pod-{owner}", owner) for owner in ("set-0", "set-1", "set-2", "set-3", "another", "")]


@given(READINGS)
def test_the_owners_lead_to_the_pods_of_the_tree(readings: dict[str, Reading]) -> None:
    tree = tree_of(SERVICE, {**readings, "Pod": Reading(tuple(PODS))})
    owners = pod_owners(tree_of(SERVICE, readings))

    in_tree = {node.name for node in nodes_below(tree) if node.kind == "Pod"}

    assert {pod["metadata"]["name"] for pod in PODS if is_pod_of(pod, owners)} == in_tree


@pytest.mark.parametrize("spec", [None, {}, {"modelStore": []}, {"modelStore": {"nimCache": {"name": ["x"]}}}])
def test_the_names_of_children_without_a_readable_spec(spec: Any) -> None:
    names = child_names({**SERVICE, "spec": spec, "status": "x"})

    assert names[NIM_SERVICES] == "llama"
    assert NIM_CACHES not in names
    assert CLAIMS not in names


def test_the_names_of_children() -> None:
    cached = {"modelStore": {"nimCache": {"name": "weights"}}}

    names = child_names({**SERVICE, "spec": cached, "status": {"claimName": "store"}})

    assert {kind.kind: name for kind, name in names.items()} == {
        "NIMService": "llama",
        "Deployment": "llama",
        "LeaderWorkerSet": "llama-lws",
        "HorizontalPodAutoscaler": "llama",
        "PersistentVolumeClaim": "store",
        "NIMCache": "weights",
        "Ingress": "llama.external",
        "HTTPRoute": "llama.external",
        "GRPCRoute": "llama.external",
    }
    assert child_label(SERVICE) == "runai-nim.io/service=llama"
