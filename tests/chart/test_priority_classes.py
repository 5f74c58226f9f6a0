"""The PriorityClasses of dialect kai: which ones the chart makes, on a real API server, and whose it leaves alone."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.cluster import LocalCluster
from runai_nim.api import well_known
from tests.chart.conftest import CHART, IMAGE, Helm, Render

pytestmark = pytest.mark.chart
RELEASE, NAMESPACE = "priorities", "priorities"
VALUES = (
    "--set=image.repository=registry.example.com/runai-nim-operator",
    "--set=settings.dialect=kai",
    *("--set=crds.enabled=false", "--set=rbac.aggregate=false", "--set=admissionPolicy.enabled=false"),
)


def names(rendered: list[dict[str, Any]]) -> set[str]:
    return {made["metadata"]["name"] for made in rendered if made["kind"] == "PriorityClass"}


def test_with_kai_all_are_made_and_with_runai_none(render: Render) -> None:
    assert names(render({**IMAGE, "settings": {"dialect": "kai"}})) == set(well_known.PRIORITIES)
    assert names(render(IMAGE)) == set()
    off = {"settings": {"dialect": "kai"}, "priorityClasses": {"create": False}}
    assert names(render({**IMAGE, **off})) == set()


def test_one_that_is_mapped_elsewhere_is_made_on_demand_and_once(render: Render) -> None:
    mapped = {"dialect": "kai", "priority_classes": {"high": "inference", "very-high": "inference"}}
    others = set(well_known.PRIORITIES) - {"high", "very-high"}
    assert names(render({**IMAGE, "settings": mapped})) == others

    made = render({**IMAGE, "settings": mapped, "priorityClasses": {"create": True}})
    assert names(made) == {*others, "inference"}
    assert len([one for one in made if one["metadata"]["name"] == "inference"]) == 1


@pytest.fixture
def cluster(bare_cluster: LocalCluster, helm: Helm) -> Iterator[LocalCluster]:
    """Where somebody else has made a PriorityClass `low`."""
    foreign = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "low"}, "value": 7}
    bare_cluster.kubectl("create", "--filename=-", stdin=json.dumps(foreign))
    bare_cluster.kubectl("create", "namespace", NAMESPACE)
    yield bare_cluster
    bare_cluster.kubectl("delete", "priorityclass", *well_known.PRIORITIES, "--ignore-not-found")
    bare_cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def values(cluster: LocalCluster) -> dict[str, int]:
    found = json.loads(cluster.kubectl("get", "priorityclasses", "--output=json"))["items"]
    return {one["metadata"]["name"]: one["value"] for one in found if not one["metadata"]["name"].startswith("system-")}


def owner(cluster: LocalCluster, name: str) -> str:
    found = json.loads(cluster.kubectl("get", "priorityclass", name, "--output=json"))["metadata"]
    said: str = found.get("annotations", {}).get("meta.helm.sh/release-name", "")
    return said


def test_a_foreign_one_is_left_alone_and_ours_outlive_the_release(cluster: LocalCluster, helm: Helm) -> None:
    def release(command: str, *arguments: str) -> None:
        chart = () if command == "uninstall" else (str(CHART), *VALUES)
        where = f"--kubeconfig={cluster.control_plane.kubeconfig}", f"--namespace={NAMESPACE}"
        helm(command, RELEASE, *chart, *where, *arguments)

    release("install")
    expected = {"very-low": 25, "low": 7, "medium-low": 65, "medium": 80, "medium-high": 90, "high": 125}
    expected["very-high"] = 150
    assert values(cluster) == expected
    assert (owner(cluster, "low"), owner(cluster, "high")) == ("", RELEASE)

    release("upgrade", "--set=replicas=1")
    assert values(cluster) == expected
    release("upgrade", "--set=priorityClasses.create=false")
    assert values(cluster) == expected
    release("uninstall")
    assert values(cluster) == expected

    release("install")
    assert values(cluster) == expected
    release("uninstall")
