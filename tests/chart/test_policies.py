"""Who may read and write policies with the chart's roles, and which policies its admission policies refuse.

The local control plane doesn't aggregate ClusterRoles. The tests bind what the labels select instead.
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.cluster import OPERATOR_NAMESPACE, OPERATOR_USER, LocalCluster
from local.objects import wait_for
from runai_nim.api import well_known
from runai_nim.api.kinds import KINDS
from tests.chart.conftest import CHART, IMAGE, RELEASE, Helm, Render

pytestmark = pytest.mark.chart
TEAM = "policies-of-team-a"
OTHER = "policies-of-team-b"
PROJECT = "runainimpolicies.runai-nim.io"
CLUSTER = "clusterrunainimpolicies.runai-nim.io"
SERVICES = "runainimservices.runai-nim.io"
READ = ("get", "list", "watch")
WRITE = ("create", "update", "patch", "delete", "deletecollection")
SETTINGS = {
    "external_mode": "ingress",
    "external_domain": "nim.example.com",
    "external_ingress_class": "nginx",
    "external_hosts": ["*.{namespace}.nim.example.com", "llama.example.com"],
    "reserved_hosts": [f"api.{TEAM}.nim.example.com"],
    "queue_label": "example.com/queue",
    "allowed_scheduler_annotations": ["kai.scheduler/topology*"],
}

Release = Callable[..., None]
Send = Callable[..., str]


@pytest.fixture(scope="module")
def release(helm: Helm, bare_cluster: LocalCluster) -> Iterator[Release]:
    """Install or upgrade the release with further values."""
    where = (f"--kubeconfig={bare_cluster.control_plane.kubeconfig}", f"--namespace={OPERATOR_NAMESPACE}")

    def upgrade(*values: str) -> None:
        given = (f"--set-json=settings={json.dumps(SETTINGS)}", "--set=image.repository=registry.example.com/a")
        # A namespace or a kind that an earlier module left is no other release's.
        at = ("--install", "--create-namespace", "--take-ownership", *where)
        helm("upgrade", RELEASE, str(CHART), *at, *given, "--set=admissionPolicy.enabled=true", *values)

    upgrade()
    bare_cluster.kubectl("wait", "--for=condition=Established", "crd", *(kind.crd_name for kind in KINDS))
    yield upgrade
    upgrade("--set=crds.keep=false")
    helm("uninstall", RELEASE, *where, "--wait")


@pytest.fixture(scope="module")
def cluster(bare_cluster: LocalCluster, release: Release) -> Iterator[LocalCluster]:
    """The release, and two namespaces."""
    for namespace in (TEAM, OTHER):
        bare_cluster.kubectl("create", "namespace", namespace)
    yield bare_cluster
    bare_cluster.kubectl("delete", "namespace", TEAM, OTHER, "--timeout=60s")


def bind(cluster: LocalCluster, role: str, user: str) -> None:
    """Give a user what the cluster's own role of this name takes in, in the team's namespace."""
    selector = f"--selector=rbac.authorization.k8s.io/aggregate-to-{role}=true"
    names = cluster.kubectl("get", "clusterrole", selector, "--output=name").split()
    for name in (name.rpartition("/")[2] for name in names if RELEASE in name):
        bind_one(cluster, name, user)


def bind_one(cluster: LocalCluster, name: str, user: str) -> None:
    of = (f"--clusterrole={name}", f"--user={user}", f"--namespace={TEAM}")
    cluster.kubectl("create", "rolebinding", f"{user}-{name}", *of)


def may(cluster: LocalCluster, user: str, verb: str, resource: str, namespace: str) -> bool:
    """Whether `kubectl auth can-i` says yes; it ends with 1 for no. `resource`: with `/status` for a subresource."""
    name, _, subresource = resource.partition("/")
    # In a namespace a RoleBinding seems to be enough for a kind of the cluster.
    where = "--all-namespaces" if name == CLUSTER else f"--namespace={namespace}"
    try:
        answer = cluster.kubectl("auth", "can-i", verb, name, f"--subresource={subresource}", f"--as={user}", where)
    except subprocess.CalledProcessError as error:
        answer = error.stdout
    return {"yes": True, "no": False}[answer.strip()]


def verbs(cluster: LocalCluster, user: str, resource: str, namespace: str = TEAM) -> tuple[str, ...]:
    return tuple(verb for verb in (*READ, *WRITE) if may(cluster, user, verb, resource, namespace))


@pytest.mark.parametrize(
    ("role", "of_services", "of_policies"),
    [("view", READ, READ), ("edit", (*READ, *WRITE), READ), ("admin", (*READ, *WRITE), READ)],
)
def test_the_cluster_s_roles_read_policies_and_write_none(
    role: str, of_services: tuple[str, ...], of_policies: tuple[str, ...], cluster: LocalCluster
) -> None:
    bind(cluster, role, role)

    assert verbs(cluster, role, SERVICES) == of_services
    assert verbs(cluster, role, PROJECT) == of_policies
    assert verbs(cluster, role, CLUSTER) == ()
    assert verbs(cluster, role, PROJECT, OTHER) == ()


def test_a_project_lead_may_write_its_policies_and_nothing_more(cluster: LocalCluster) -> None:
    bind_one(cluster, f"{RELEASE}-policy-editor", "lead")

    assert verbs(cluster, "lead", PROJECT) == (*READ, *WRITE)
    for resource in (SERVICES, CLUSTER, "pods", "secrets", "controllerrevisions.apps", f"{PROJECT}/status"):
        assert verbs(cluster, "lead", resource) == (), resource
    assert verbs(cluster, "lead", PROJECT, OTHER) == ()


@pytest.mark.parametrize("role", ["view", "edit", "admin"])
def test_only_admin_takes_the_editor_in_if_the_values_say_so(role: str, render: Render) -> None:
    def roles(**rbac: Any) -> set[str]:
        label = f"rbac.authorization.k8s.io/aggregate-to-{role}"
        made = render({**IMAGE, "rbac": rbac})
        return {one["metadata"]["name"] for one in made if one["metadata"].get("labels", {}).get(label)}

    editor = f"{RELEASE}-policy-editor"
    assert editor not in roles()
    assert (editor in roles(aggregatePolicies=True)) == (role == "admin")
    assert roles(aggregate=False) == set()


def test_who_reads_a_cluster_s_policies_takes_a_cluster_role_binding(cluster: LocalCluster) -> None:
    cluster.kubectl("create", "clusterrolebinding", "auditor", f"--clusterrole={RELEASE}-view", "--user=auditor")
    try:
        assert verbs(cluster, "auditor", CLUSTER) == READ
    finally:
        cluster.kubectl("delete", "clusterrolebinding", "auditor")


@pytest.fixture
def send(cluster: LocalCluster) -> Send:
    """Apply a policy as a dry run, in the team's namespace, and return what is said against it."""

    def send(spec: dict[str, Any], *arguments: str, kind: str = "RunaiNimPolicy") -> str:
        metadata = {"name": "sent"} | ({"namespace": TEAM} if kind == "RunaiNimPolicy" else {})
        made = {"apiVersion": "runai-nim.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}
        command = ("apply", "--server-side", "--force-conflicts", "--filename=-")
        try:
            cluster.kubectl(*command, *(arguments or ("--dry-run=server",)), stdin=json.dumps(made))
        except subprocess.CalledProcessError as error:
            return str(error.stderr)
        return ""

    # An admission policy is in force a moment after it was made.
    wait_for(lambda: "reserved key" in send(labelled("mps")))
    wait_for(lambda: "has the host" in send(served("https://other.example.com")))
    return send


def labelled(key: str, field: str = "labels", **item: Any) -> dict[str, Any]:
    return {"defaults": {field: {"instances": [{"name": "team", "value": "a"}, {"name": key, "value": "x", **item}]}}}


def served(url: str) -> dict[str, Any]:
    return {"defaults": {"servingPort": {"exposedUrl": url}}}


@pytest.mark.parametrize("kind", ["RunaiNimPolicy", "ClusterRunaiNimPolicy"])
@pytest.mark.parametrize("field", ["labels", "annotations"])
@pytest.mark.parametrize("key", ["runai/queue", "kai.scheduler/queue", "example.com/queue", "gpu-fraction"])
def test_no_policy_sets_a_key_that_schedulers_read(kind: str, field: str, key: str, send: Send) -> None:
    owner = well_known.owner_of(key, {"example.com/queue": "the namespace's project"})
    assert owner is not None

    says = send(labelled(key, field), kind=kind)

    told = f'spec.defaults.{field}.instances has "{key}" but must not have a reserved key: remove it; '
    assert told + well_known.set_by(owner) in says


@pytest.mark.parametrize(
    "spec",
    [
        labelled("runaix"),
        labelled("runai/queue", exclude=True),
        labelled("kai.scheduler/topology-preferred-placement", "annotations"),
        served(f"https://chat.{TEAM}.nim.example.com/v1"),
        served("https://llama.example.com"),
        {"rules": {"servingPort": {"exposedUrl": {"options": [{"value": "https://llama.example.com"}]}}}},
    ],
)
def test_a_policy_of_its_own_project_passes(spec: dict[str, Any], send: Send) -> None:
    assert send(spec) == ""


@pytest.mark.parametrize(
    "url",
    [
        f"https://chat.{OTHER}.nim.example.com",
        "https://www.example.com",
        f"https://api.{TEAM}.nim.example.com/v1",
        f"https://www.example.com:8443/chat.{TEAM}.nim.example.com",
    ],
)
def test_a_project_s_policy_names_no_host_of_others(url: str, send: Send) -> None:
    host = url.split("/")[2].split(":")[0]
    allowed = f"but must have one that the operator's settings allow here (*.{TEAM}.nim.example.com, llama.example.com)"

    assert f"spec.defaults.servingPort.exposedUrl has the host {host} {allowed}" in send(served(url))
    options = {"rules": {"servingPort": {"exposedUrl": {"options": [{"value": url}]}}}}
    assert f"spec.rules.servingPort.exposedUrl.options has the host {host} {allowed}" in send(options)


@pytest.mark.parametrize("field", ["namespaceSelector", "scope", "namespaces"])
def test_a_project_s_policy_selects_no_namespace(field: str, send: Send) -> None:
    """The kind has no field for it, and the API server keeps none."""
    assert "field not declared in schema" in send({field: "x"})


def test_what_was_there_before_stays(send: Send, release: Release, cluster: LocalCluster) -> None:
    release("--set=admissionPolicy.enabled=false")
    wait_for(lambda: send_again(cluster, labelled("mps")) == "")
    release()
    where = ("rnimpol", "sent", f"--namespace={TEAM}")
    wait_for(lambda: "reserved key" in send(labelled("gpu-memory")))

    cluster.kubectl("annotate", *where, "a=b")
    assert "reserved key" in send(labelled("runai/queue"))
    cluster.kubectl("delete", *where)


def send_again(cluster: LocalCluster, spec: dict[str, Any]) -> str:
    metadata = {"name": "sent", "namespace": TEAM}
    made = {"apiVersion": "runai-nim.io/v1alpha1", "kind": "RunaiNimPolicy", "metadata": metadata, "spec": spec}
    try:
        cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(made))
    except subprocess.CalledProcessError as error:
        return str(error.stderr)
    return ""


def test_the_operator_alone_writes_status(cluster: LocalCluster, send: Send) -> None:
    """Even where somebody's role allows everything of the group."""
    everything = ("--verb=*", "--resource=*.runai-nim.io")
    cluster.kubectl("create", "role", "all-of-the-group", *everything, f"--namespace={TEAM}")
    for user in ("owner", OPERATOR_USER):
        name = f"owner-{user.rpartition(':')[2]}"
        of = ("--role=all-of-the-group", f"--user={user}", f"--namespace={TEAM}")
        cluster.kubectl("create", "rolebinding", name, *of)
    assert send({}, "--field-manager=test") == ""
    status = '{"status": {"matched": 7}}'
    where = ("rnimpol", "sent", f"--namespace={TEAM}", "--subresource=status", "--type=merge", f"--patch={status}")

    def refused(*arguments: str) -> str:
        try:
            cluster.kubectl("patch", *where, *arguments)
        except subprocess.CalledProcessError as error:
            return str(error.stderr)
        return ""

    assert "status must be written by the operator alone" in refused("--as=owner")
    assert refused(f"--as={OPERATOR_USER}") == ""
    assert refused() == ""  # an administrator, who restores a backup
    cluster.kubectl("delete", "rnimpol", "sent", f"--namespace={TEAM}")
