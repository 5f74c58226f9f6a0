"""The chart on a real control plane: installed, used by the real operator, upgraded, uninstalled.

The tests go on from each other, in the order of a release's life. There is no kubelet, so that the operator is a
process of this machine, with the ServiceAccount, the permissions and the settings file that the chart made.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cluster import OPERATOR_NAMESPACE, OPERATOR_USER, LocalCluster
from local.objects import Objects, wait_for
from runai_nim.api import well_known
from runai_nim.api.kinds import KINDS
from runai_nim.config.settings import Settings
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.context import Context
from runai_nim.domain.validate import validate
from runai_nim.domain.validate.resource import check_reserved_labels
from tests.chart.conftest import CHART, RELEASE, Helm
from tests.support.decisions import input_of
from tests.support.services import CR, DEPLOYMENT, NIMSERVICE, present, sample, serve

pytestmark = pytest.mark.chart
SERVICES = "team-a"
CRDS = tuple(kind.crd_name for kind in KINDS)
VALUES = ("--set=image.repository=registry.example.com/runai-nim-operator", "--set=admissionPolicy.enabled=true")

Release = Callable[..., str]


@pytest.fixture(scope="module")
def release(helm: Helm, bare_cluster: LocalCluster) -> Release:
    """Run helm on the release: release("install", "--set=…")."""
    kubeconfig = f"--kubeconfig={bare_cluster.control_plane.kubeconfig}"

    def run(command: str, *arguments: str) -> str:
        chart = () if command == "uninstall" else (str(CHART), *VALUES)
        return helm(command, RELEASE, *chart, kubeconfig, f"--namespace={OPERATOR_NAMESPACE}", *arguments)

    return run


@pytest.fixture(scope="module")
def cluster(bare_cluster: LocalCluster, release: Release, tmp_path_factory: pytest.TempPathFactory) -> LocalCluster:
    """The cluster with the chart installed, where only restricted pods are admitted, and the operator running."""
    kubectl = bare_cluster.kubectl
    kubectl("create", "namespace", OPERATOR_NAMESPACE)
    kubectl("label", "namespace", OPERATOR_NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    kubectl("create", "namespace", SERVICES)
    kubectl("label", "namespace", SERVICES, "runai/queue=research")
    release("install")
    kubectl("wait", "--for=condition=Established", "crd", *CRDS)
    made = json.loads(kubectl("get", "configmap", RELEASE, f"--namespace={OPERATOR_NAMESPACE}", "--output=json"))
    settings = tmp_path_factory.mktemp("settings") / "settings.yaml"
    settings.write_text(made["data"]["settings.yaml"], encoding="utf-8")
    bare_cluster.stand_in.start()
    bare_cluster.operator.start(environment={"RUNAI_NIM_SETTINGS_FILE": str(settings)})
    return bare_cluster


@pytest.fixture
def objects(cluster: LocalCluster) -> Iterator[Objects]:
    with Objects(Path(cluster.control_plane.kubeconfig), SERVICES) as opened:
        yield opened


def test_a_model_runs(cluster: LocalCluster, objects: Objects) -> None:
    serve(objects)

    refused = [request for request in cluster.audit_log.requests(user=OPERATOR_USER) if request.code == 403]
    assert refused == []
    lease = json.loads(cluster.kubectl("get", "lease", RELEASE, f"--namespace={OPERATOR_NAMESPACE}", "--output=json"))
    assert lease["spec"]["holderIdentity"]


def test_restricted_pods_are_admitted(cluster: LocalCluster) -> None:
    """By the API server, which would refuse them in this namespace otherwise."""

    def pods() -> bool:
        found = cluster.kubectl("get", "pods", f"--namespace={OPERATOR_NAMESPACE}", "--output=name")
        return len(found.split()) == 2

    wait_for(pods)


def labelled(**labels: str) -> dict[str, Any]:
    cr = sample("gpu-portion")
    return {**cr, "metadata": {"name": "labelled", "namespace": SERVICES, "labels": labels}}


def apply(cluster: LocalCluster, cr: dict[str, Any], *arguments: str) -> str:
    """Apply as a person does, and return what is said against it."""
    command = ("apply", "--server-side", "--force-conflicts", "--filename=-", *arguments)
    try:
        cluster.kubectl(*command, stdin=json.dumps(cr))
    except subprocess.CalledProcessError as error:
        return str(error.stderr)
    return ""


def policy_acts(cluster: LocalCluster) -> bool:
    """A policy is in force a moment after it was made, and a moment longer than it is there."""
    return "must not be set by hand" in apply(cluster, labelled(mps="other"), "--dry-run=server")


@pytest.mark.parametrize("key", [key.replace("*", "x") for key in well_known.SCHEDULING_KEYS])
def test_the_policy_refuses_what_the_operator_refuses(key: str, cluster: LocalCluster) -> None:
    wait_for(lambda: policy_acts(cluster))
    (finding,) = check_reserved_labels({key: "x"}, Settings.model_validate({}))

    assert str(finding.message) in apply(cluster, labelled(**{key: "x"}))


def test_the_policy_lets_other_labels_pass(cluster: LocalCluster, objects: Objects) -> None:
    wait_for(lambda: policy_acts(cluster))
    labels = {"team": "research", "app": "x", "app.kubernetes.io/part-of": "y", "runaix": "z", "my-run.ai/gpu": "w"}

    assert apply(cluster, labelled(**labels)) == ""
    objects.delete(CR, "labelled")


def test_the_policy_leaves_alone_what_was_there_before(
    cluster: LocalCluster, objects: Objects, release: Release
) -> None:
    release("upgrade", "--set=admissionPolicy.enabled=false")
    wait_for(lambda: not policy_acts(cluster))
    apply(cluster, labelled(mps="x"))
    release("upgrade")
    wait_for(lambda: policy_acts(cluster))

    assert apply(cluster, labelled(mps="x", team="research")) == ""
    cluster.kubectl("delete", "rnim", "labelled", f"--namespace={SERVICES}", "--cascade=foreground", "--timeout=30s")


EXPOSURE = {
    "external_mode": "ingress",
    "external_domain": "nim.example.com",
    "external_ingress_class": "nginx",
    "external_hosts": ["*.{namespace}.nim.example.com", "llama.example.com"],
    "reserved_hosts": ["api.team-a.nim.example.com"],
    "allowed_service_types": ["ClusterIP", "NodePort"],
}


def served(**serving: Any) -> dict[str, Any]:
    cr = sample("gpu-portion", servingPort={"port": 8000, **serving})
    return {**cr, "metadata": {"name": "served", "namespace": SERVICES}}


def test_the_policy_leaves_alone_hosts_that_were_there_before(cluster: LocalCluster, release: Release) -> None:
    """From here on the release has these settings; the operator, which is no pod of it, has not."""

    def acts() -> bool:
        return "must have a host" in apply(cluster, served(exposedUrl="https://evil.com"), "--dry-run=server")

    refused = served(exposedUrl="https://www.example.com", serviceType="LoadBalancer")
    assert apply(cluster, refused) == ""
    release("upgrade", f"--set-json=settings={json.dumps(EXPOSURE)}")
    wait_for(acts)

    refused["metadata"]["labels"] = {"team": "research"}
    assert apply(cluster, refused) == ""
    cluster.kubectl("delete", "rnim", "served", f"--namespace={SERVICES}", "--cascade=foreground", "--timeout=30s")


@pytest.mark.parametrize(
    "serving",
    [
        {"exposedUrl": "https://www.example.com"},
        {"exposedUrl": "https://www.example.com:8443/llama.example.com"},
        {"exposedUrl": "https://chat.team-b.nim.example.com"},
        {"exposedUrl": "https://a.chat.team-a.nim.example.com"},
        {"exposedUrl": "https://chatxteam-a.nim.example.com"},
        {"exposedUrl": "https://api.team-a.nim.example.com/v1"},
        {"serviceType": "LoadBalancer"},
    ],
)
def test_the_policy_refuses_hosts_and_types_that_the_operator_refuses(
    serving: dict[str, Any], cluster: LocalCluster
) -> None:
    (finding,) = [
        one
        for one in validate(input_of(served(**serving), Context(load_settings(EXPOSURE, {}))))[1]
        if one.severity == "error"
    ]

    assert finding.message in apply(cluster, served(**serving))


@pytest.mark.parametrize(
    "serving",
    [
        {},
        {"exposedUrl": "https://chat.team-a.nim.example.com/v1"},
        {"exposedUrl": "http://llama.example.com:8080"},
        {"serviceType": "NodePort"},
    ],
)
def test_the_policy_lets_other_hosts_and_types_pass(serving: dict[str, Any], cluster: LocalCluster) -> None:
    assert (
        validate(input_of(served(**serving), Context(load_settings(EXPOSURE, {}), {"runai/queue": "research"})))[1]
        == ()
    )
    assert apply(cluster, served(**serving), "--dry-run=server") == ""


def test_uninstalling_leaves_the_kind_and_every_model(
    cluster: LocalCluster, objects: Objects, release: Release
) -> None:
    before = {kind: present(objects, kind, "llama-8b")["metadata"]["uid"] for kind in (CR, NIMSERVICE, DEPLOYMENT)}
    cluster.operator.stop()
    release("uninstall", "--wait")

    assert len(cluster.kubectl("get", "crd", *CRDS, "--output=name").split()) == len(CRDS)
    for name in ("clusterrole", "clusterrolebinding", "validatingadmissionpolicy"):
        assert cluster.kubectl("get", name, "--selector=app.kubernetes.io/instance=" + RELEASE, "--output=name") == ""
    assert {kind: present(objects, kind, "llama-8b")["metadata"]["uid"] for kind in before} == before


def test_installing_again_takes_the_kind_and_every_model_up(
    cluster: LocalCluster, objects: Objects, release: Release
) -> None:
    uid = present(objects, NIMSERVICE, "llama-8b")["metadata"]["uid"]
    release("install")

    assert present(objects, NIMSERVICE, "llama-8b")["metadata"]["uid"] == uid
    assert cluster.kubectl("get", "deployment", RELEASE, f"--namespace={OPERATOR_NAMESPACE}", "--output=name")


def test_without_keep_uninstalling_takes_every_model_with_it(
    cluster: LocalCluster, objects: Objects, release: Release
) -> None:
    release("upgrade", "--set=crds.keep=false")
    release("uninstall", "--wait")

    wait_for(lambda: cluster.kubectl("get", "crd", *CRDS, "--ignore-not-found", "--output=name") == "")
    wait_for(lambda: objects.get(NIMSERVICE, "llama-8b") is None)
    wait_for(lambda: objects.get(DEPLOYMENT, "llama-8b") is None)
