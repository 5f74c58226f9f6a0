"""The REST API and `kubectl apply` are of one opinion about what the cluster's NIMService kind has."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import yaml

from local.cluster import CHECKOUT
from local.objects import wait_for
from tests.rest.conftest import Project, body

pytestmark = pytest.mark.usefixtures("rest")

CRD = CHECKOUT / "local" / "crds" / "nimservices.yaml"
PATH = "/api/v2/workloads/nim-services"
SECONDS = 20.0
"""The kind is asked for every 10 s."""
Http = Callable[..., httpx.Response]


@contextmanager
def another_kind(kubectl: Callable[..., str], change: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """The NIMService kind with another schema of its spec while the block runs."""
    crd: dict[str, Any] = yaml.safe_load(CRD.read_text(encoding="utf-8"))
    other = copy.deepcopy(crd)
    change(other["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"])
    apply = ("apply", "--server-side", "--force-conflicts", "--filename=-")
    kubectl(*apply, stdin=yaml.safe_dump(other))
    try:
        yield
    finally:
        kubectl(*apply, stdin=yaml.safe_dump(crd))


def without_required_secret(spec: dict[str, Any]) -> None:
    """As NIM Operator 3.1.3 and newer."""
    spec["required"] = [name for name in spec.get("required", ()) if name != "authSecret"]


def without_affinity(spec: dict[str, Any]) -> None:
    """As before NIM Operator 3.0.2."""
    del spec["properties"]["affinity"]


def test_a_key_is_required_where_the_kind_requires_it(
    http: Http, project: Project, kubectl: Callable[..., str]
) -> None:
    wanted = body(project, ngcAuthSecret=None)
    refused = http("POST", PATH, json=wanted)
    assert refused.status_code == 400, refused.text
    assert "spec.ngcAuthSecret" in refused.text

    with another_kind(kubectl, without_required_secret):
        made = wait_for(
            lambda: answer if (answer := http("POST", PATH, json=wanted)).status_code == 202 else None, SECONDS
        )
        changed = http("PATCH", f"{PATH}/{made.json()['metadata']['id']}", json={"spec": {"replicas": 2}})
        assert changed.status_code == 202, changed.text


def test_what_the_kind_lacks_is_refused_by_name(http: Http, project: Project, kubectl: Callable[..., str]) -> None:
    wanted = body(project, nodePools=["h100"])
    with another_kind(kubectl, without_affinity):
        refused = wait_for(
            lambda: answer if (answer := http("POST", PATH, json=wanted)).status_code == 400 else None, SECONDS
        )
        assert "spec.affinity" in refused.text
        assert "install NIM Operator 3.0.2 or newer" in refused.text
