"""A real API server takes every object of the golden cases, with strict field validation, and keeps what was asked for.

CRDs are installed under groups of their own, so that ours and the real ones fit beside whatever else the session has.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from runai_nim.domain.diff import differences
from tests.support.golden import golden_cases

ROOT = Path(__file__).parents[2]
LOCAL_CRDS = ROOT / "local" / "crds"
REAL_CRDS = Path(os.environ.get("NIM_OPERATOR_CRDS") or ROOT.parent / "shared" / "nim-operator-crds")
OTHER_CRDS = Path(os.environ.get("OTHER_CRDS") or ROOT.parent / "shared" / "other-crds")
CRDS = {
    "local": {
        "nimservices": LOCAL_CRDS / "nimservices.yaml",
        "httproutes": LOCAL_CRDS / "httproutes.yaml",
        "grpcroutes": LOCAL_CRDS / "grpcroutes.yaml",
    },
    "real": {
        "nimservices": REAL_CRDS / "apps.nvidia.com_nimservices.yaml",
        "httproutes": OTHER_CRDS / "gateway.networking.k8s.io_httproutes.yaml",
        "grpcroutes": OTHER_CRDS / "gateway.networking.k8s.io_grpcroutes.yaml",
    },
}
# Those of another version of the NIM Operator are not for the CRD of this one.
CASES = [case for case in golden_cases() if not case.refused and "nimOperator" not in case.context]
Kubectl = Callable[..., str]


def rendered(kind: str, namespace: str) -> list[dict[str, Any]]:
    """The objects of this kind from all cases, each named after its case."""
    return [
        {**manifest, "metadata": {**manifest["metadata"], "name": case.name, "namespace": namespace}}
        for case in CASES
        if (manifest := case.expected[kind]) is not None
    ]


def apply(kubectl: Kubectl, *manifests: dict[str, Any]) -> list[dict[str, Any]]:
    """Server-side apply; what the API server then has."""
    arguments = ("apply", "--server-side", "--validate=strict", "-o", "json", "-f", "-")
    given = "\n---\n".join(json.dumps(manifest) for manifest in manifests)  # YAML's own syntax takes seconds
    try:
        answer = json.loads(kubectl(*arguments, stdin=given))
    except subprocess.CalledProcessError as error:
        error.add_note(error.stderr)
        raise
    items: list[dict[str, Any]] = answer["items"] if answer["kind"] == "List" else [answer]
    return items


@pytest.fixture(scope="module", params=CRDS)
def group(request: pytest.FixtureRequest, kubectl: Kubectl) -> str:
    """The API group under which the CRDs of one origin are installed."""
    group = f"{request.param}.example.com"
    for plural, path in CRDS[request.param].items():
        if not path.exists():
            pytest.skip(f"there is no {path}: name the folders of the CRDs in NIM_OPERATOR_CRDS and OTHER_CRDS")
        crd = yaml.safe_load(path.read_text())
        crd["metadata"] = {"name": f"{plural}.{group}"}
        crd["spec"]["group"] = group
        apply(kubectl, crd)
        wait_served(kubectl, crd["metadata"]["name"])
    return group


def wait_served(kubectl: Kubectl, resource: str) -> None:
    """A new kind is established, answered for and found by discovery a moment later only."""
    deadline = time.monotonic() + 20
    while True:
        try:
            kubectl("get", resource, "--all-namespaces")
        except subprocess.CalledProcessError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def test_every_nimservice_is_accepted_and_kept(kubectl: Kubectl, namespace: str, group: str) -> None:
    wanted = [{**one, "apiVersion": f"{group}/v1alpha1"} for one in rendered("nimservice", namespace)]

    live = apply(kubectl, *wanted)

    assert len(live) == len(wanted) > 0
    assert [list(differences(one["spec"], other["spec"])) for one, other in zip(wanted, live, strict=True)] == [
        [] for _ in wanted
    ]


def test_every_route_is_accepted_and_kept(kubectl: Kubectl, namespace: str, group: str) -> None:
    wanted = rendered("route", namespace)
    for one in wanted:
        if one["kind"] != "Ingress":
            one["apiVersion"] = f"{group}/v1"

    live = apply(kubectl, *wanted)

    assert {one["kind"] for one in wanted} == {"Ingress", "HTTPRoute", "GRPCRoute"}
    assert [list(differences(one["spec"], other["spec"])) for one, other in zip(wanted, live, strict=True)] == [
        [] for _ in wanted
    ]


def test_a_field_that_the_crd_lacks_is_refused(kubectl: Kubectl, namespace: str, group: str) -> None:
    manifest = rendered("nimservice", namespace)[0]
    wanted = {**manifest, "apiVersion": f"{group}/v1alpha1", "spec": {**manifest["spec"], "replica": 1}}

    with pytest.raises(subprocess.CalledProcessError) as error:
        apply(kubectl, wanted)

    assert "spec.replica: field not declared in schema" in error.value.stderr


def test_every_claim_is_accepted_and_kept(kubectl: Kubectl, namespace: str) -> None:
    wanted = rendered("claim", namespace)

    live = apply(kubectl, *wanted)

    assert len(live) == len(wanted) > 0
    assert [list(differences(one["spec"], other["spec"])) for one, other in zip(wanted, live, strict=True)] == [
        [] for _ in wanted
    ]
