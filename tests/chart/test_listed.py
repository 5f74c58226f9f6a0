"""Listed namespaces only: the operator serves them under a Role in each, and asks for nothing elsewhere.

The operator is a process of this machine, with the ServiceAccount, the Roles and the settings that the chart made.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, OPERATOR_USER, LocalCluster
from local.objects import Objects, wait_for
from runai_nim.api.kinds import KINDS
from runai_nim.config.permissions import Access, required_access
from tests.chart.conftest import CHART, RELEASE, Helm, Render, case_values
from tests.support.services import CR, DEPLOYMENT, NIMSERVICE, gone, present, reason, sample, settled

pytestmark = pytest.mark.chart
SERVED = "listed-a"
OTHER = "not-listed"
GOING = "listed-going"
CRD = "runainimservices.runai-nim.io"
LISTED = f"--set-json=settings.namespaces={json.dumps([SERVED, GOING])}"
VALUES = ("--set=image.repository=registry.example.com/runai-nim-operator", "--set=rbac.aggregate=false", LISTED)


def test_the_rules_are_those_of_the_table(render: Render) -> None:
    values = case_values("listed")
    objects = render(values)
    found = {
        Access(verb, group=group, resource=resource, namespace=made["metadata"]["namespace"], name=name)
        for made in objects
        if made["kind"] == "Role"
        for rule in made["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }

    assert found == set(required_access(values["settings"]["namespaces"], OPERATOR_NAMESPACE))
    assert [made["kind"] for made in objects if "namespace" not in made["metadata"]] == [
        "CustomResourceDefinition"
    ] * len(KINDS)


@pytest.fixture(scope="module")
def began(bare_cluster: LocalCluster) -> int:
    """From where on the audit log is about these tests."""
    bare_cluster.operator.stop()
    return bare_cluster.audit_log.mark()


@pytest.fixture(scope="module")
def cluster(
    bare_cluster: LocalCluster, began: int, helm: Helm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalCluster]:
    """The chart with two listed namespaces, and the operator running; our own kind comes after it."""
    kubectl = bare_cluster.kubectl
    for namespace in (SERVED, OTHER, GOING):
        kubectl("create", "namespace", namespace)
        kubectl("label", "namespace", namespace, "runai/queue=research")
    where = (f"--kubeconfig={bare_cluster.control_plane.kubeconfig}", f"--namespace={OPERATOR_NAMESPACE}")
    helm("install", RELEASE, str(CHART), "--create-namespace", "--set=crds.enabled=false", *VALUES, *where)
    made = json.loads(kubectl("get", "configmap", RELEASE, where[1], "--output=json"))
    settings = tmp_path_factory.mktemp("settings") / "settings.yaml"
    settings.write_text(made["data"]["settings.yaml"], encoding="utf-8")
    bare_cluster.stand_in.start()
    bare_cluster.operator.start(environment={"RUNAI_NIM_SETTINGS_FILE": str(settings)})
    yield bare_cluster
    bare_cluster.operator.stop()
    bare_cluster.stand_in.stop()
    helm("uninstall", RELEASE, *where)
    kubectl("delete", "crd", CRD, "--ignore-not-found")


@pytest.fixture
def within(cluster: LocalCluster) -> Iterator[Callable[[str], Objects]]:
    """Objects of a namespace."""
    opened: list[Objects] = []

    def objects(namespace: str) -> Objects:
        opened.append(Objects(Path(cluster.control_plane.kubeconfig), namespace))
        return opened[-1]

    yield objects
    for one in opened:
        one.__exit__()


Within = Callable[[str], Objects]


def readyz(cluster: LocalCluster) -> tuple[int, list[str]]:
    code, text = cluster.ask("/readyz")
    return code, text.splitlines()


def test_our_own_kind_is_waited_for(cluster: LocalCluster) -> None:
    pid = cluster.operator.pid
    wait_for(lambda: readyz(cluster) == (503, ["runainimservices: not listed yet"]))
    crd = CHECKOUT / "crds" / "runai-nim.io_runainimservices.yaml"
    cluster.kubectl("apply", "--server-side", f"--filename={crd}")
    wait_for(lambda: readyz(cluster) == (200, ["ok"]), 30)
    assert cluster.operator.pid == pid


def test_a_model_runs_where_it_is_listed_and_nowhere_else(cluster: LocalCluster, within: Within) -> None:
    for namespace in (SERVED, OTHER):
        within(namespace).apply(sample("gpu-portion"))
    # A kind as new as ours the API server does not let own anything for half a minute, and the operator tries again.
    settled(within(SERVED), "llama-8b", "Running", 90)
    assert present(within(SERVED), CR, "llama-8b")["status"]["project"] == "research"
    pod = within(SERVED).list("v1 Pod")
    assert pod

    assert within(OTHER).get(NIMSERVICE, "llama-8b") is None
    assert reason(within(OTHER), "llama-8b") == ""


def test_a_namespace_s_project_is_taken_up_when_it_changes(cluster: LocalCluster, within: Within) -> None:
    cluster.kubectl("label", "namespace", SERVED, "runai/queue=other", "--overwrite")
    wait_for(lambda: present(within(SERVED), CR, "llama-8b")["status"]["project"] == "other")


def test_it_changes_and_goes(within: Within) -> None:
    objects = within(SERVED)
    objects.apply(sample("gpu-portion", desiredPhase="Stopped"))
    settled(objects, "llama-8b", "Stopped")
    objects.delete(CR, "llama-8b")
    assert gone(objects, NIMSERVICE, "llama-8b", 60)
    assert gone(objects, DEPLOYMENT, "llama-8b", 60)


def test_nothing_was_forbidden_and_nothing_asked_for_elsewhere(cluster: LocalCluster, began: int) -> None:
    requests = list(cluster.audit_log.requests(began, OPERATOR_USER))
    about: set[Any] = {request.namespace for request in requests if request.resource}

    refused = [request for request in requests if request.code in (401, 403)]
    assert [request for request in refused if "no matches for kind" not in request.message] == []
    assert about == {SERVED, GOING, OPERATOR_NAMESPACE}


def test_a_namespace_that_goes_stops_no_other(cluster: LocalCluster, within: Within) -> None:
    cluster.kubectl("delete", "namespace", GOING, "--timeout=60s")
    settings = "RUNAI_NIM_SETTINGS_FILE"
    cluster.operator.start(environment={settings: cluster.control_plane.processes.environment("operator")[settings]})
    within(SERVED).apply(sample("gpu-portion"))
    settled(within(SERVED), "llama-8b", "Running")
    wait_for(lambda: f"may not list pods in namespace {GOING}: the permission is missing" in readyz(cluster)[1])
    code, lines = readyz(cluster)
    assert code == 503
    assert all(GOING in line or line.endswith("not listed yet") for line in lines)
