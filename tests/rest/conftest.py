"""The REST API as a real process on the real control plane, and people who may this or that."""

import json
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import httpx
import pytest
import yaml

from local.cluster import OPERATOR_NAMESPACE, LocalCluster
from local.control_plane import ControlPlane
from local.rest import Rest, rest_process
from scripts.permissions import rest_rules_text

SERVICE_ACCOUNT = "runai-nim-rest"
PEOPLE = "people"
# All that the process itself may do, as the chart has it.
OWN_RIGHTS = f"""
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {SERVICE_ACCOUNT}, namespace: {OPERATOR_NAMESPACE}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {SERVICE_ACCOUNT}}}
rules:
{textwrap.indent(rest_rules_text(), "  ")}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {SERVICE_ACCOUNT}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {SERVICE_ACCOUNT}}}
subjects: [{{kind: ServiceAccount, name: {SERVICE_ACCOUNT}, namespace: {OPERATOR_NAMESPACE}}}]
"""
RIGHTS = {
    "editor": ["get", "list", "create", "patch", "delete"],
    "reader": ["get", "list"],
    "deleter": ["delete"],
}
SPEC: dict[str, Any] = {
    "image": "nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.5",
    "ngcAuthSecret": "ngc-api",
    "modelStore": {"nimCache": {"name": "llama"}},
    "servingPort": {"port": 8000},
    "replicas": 1,
}


@dataclass(frozen=True)
class Project:
    """A namespace, and the id of its project."""

    namespace: str
    id: str


def body(project: Project, name: str = "llama", **spec: Any) -> dict[str, Any]:
    """A body for POST; None takes a field of the spec away."""
    fields = {field: value for field, value in (SPEC | spec).items() if value is not None}
    return {"metadata": {"name": name, "projectId": project.id}, "spec": fields}


@pytest.fixture(scope="session")
def rest(local_cluster: LocalCluster) -> Rest:
    """The running process, with rights of its own that allow nothing but to list and watch three kinds."""
    local_cluster.apply_manifests()
    control_plane = local_cluster.control_plane
    control_plane.kubectl("apply", "--filename=-", stdin=OWN_RIGHTS)
    kubeconfig = control_plane.service_account_kubeconfig(
        OPERATOR_NAMESPACE, SERVICE_ACCOUNT, control_plane.directory / "rest.kubeconfig"
    )
    found = rest_process(control_plane, "rest", kubeconfig)
    found.program.start()
    return found


@pytest.fixture(scope="session")
def blind(control_plane: ControlPlane, rest: Rest) -> Iterator[Rest]:
    """A process that may list and watch namespaces only, as the chart of an earlier version installed it."""
    name = "rest-blind"
    kubectl = control_plane.kubectl
    kubectl("create", "serviceaccount", name, f"--namespace={OPERATOR_NAMESPACE}")
    kubectl("create", "clusterrole", name, "--verb=list,watch", "--resource=namespaces")
    user = f"{OPERATOR_NAMESPACE}:{name}"
    kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", f"--serviceaccount={user}")
    kubeconfig = control_plane.service_account_kubeconfig(
        OPERATOR_NAMESPACE, name, control_plane.directory / f"{name}.kubeconfig"
    )
    found = rest_process(control_plane, name, kubeconfig)
    found.program.start()
    yield found
    found.program.stop()


@pytest.fixture(scope="session")
def tokens(control_plane: ControlPlane) -> dict[str, str]:
    """A token of each ServiceAccount in the namespace `people`."""
    names = (*RIGHTS, "nobody")
    control_plane.kubectl("create", "namespace", PEOPLE)
    for name in names:
        control_plane.kubectl("create", "serviceaccount", name, f"--namespace={PEOPLE}")
    return {name: control_plane.kubectl("create", "token", name, f"--namespace={PEOPLE}").strip() for name in names}


def make_project(control_plane: ControlPlane, namespace: str) -> Project:
    """A namespace, made if need be, where editor and reader may do what they are called after."""
    group = "rbac.authorization.k8s.io"
    labels = {"runai/queue": f"team-{namespace}"}
    manifests: list[Any] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    ]
    for person, verbs in RIGHTS.items():
        metadata = {"name": person, "namespace": namespace}
        rule = {"apiGroups": ["runai-nim.io"], "resources": ["runainimservices"], "verbs": verbs}
        subject = {"kind": "ServiceAccount", "name": person, "namespace": PEOPLE}
        reference = {"apiGroup": group, "kind": "Role", "name": person}
        manifests += (
            {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": [rule]},
            {
                "apiVersion": f"{group}/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": reference,
                "subjects": [subject],
            },
        )
    control_plane.kubectl(
        "apply", "--server-side", "--force-conflicts", "--filename=-", stdin=yaml.safe_dump_all(manifests)
    )
    return Project(namespace, labels["runai/queue"])


@pytest.fixture(scope="module")
def quiet_plane(local_cluster: LocalCluster) -> ControlPlane:
    """The control plane, on which nobody else acts: operators of other tests are stopped."""
    for program in (local_cluster.operator, local_cluster.stand_in):
        if program.alive:
            program.stop()
    return local_cluster.control_plane


@pytest.fixture
def project(quiet_plane: ControlPlane, namespace: str, tokens: dict[str, str]) -> Project:
    """The test's namespace as a project."""
    return make_project(quiet_plane, namespace)


@pytest.fixture
def team(project: Project, control_plane: ControlPlane) -> Iterator[Project]:
    """A project in which editor may write policies, and reader may read them. No policy is left of it."""
    verbs = {"editor": ["get", "create", "patch", "delete"], "reader": ["get"]}
    for person, allowed in verbs.items():
        metadata = {"name": f"policy-{person}", "namespace": project.namespace}
        rule = {"apiGroups": ["runai-nim.io"], "resources": ["runainimpolicies"], "verbs": allowed}
        binding = {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": metadata["name"]},
            "subjects": [{"kind": "ServiceAccount", "name": person, "namespace": PEOPLE}],
        }
        kind = "rbac.authorization.k8s.io/v1"
        manifests = [
            {"apiVersion": kind, "kind": "Role", "metadata": metadata, "rules": [rule]},
            {"apiVersion": kind, "kind": "RoleBinding", "metadata": metadata, **binding},
        ]
        control_plane.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(manifests))
    yield project
    control_plane.kubectl("delete", "rnimpol", "--all", f"--namespace={project.namespace}")
    control_plane.kubectl("delete", "crnimpol", "--all")


@pytest.fixture
def http(rest: Rest, tokens: dict[str, str]) -> Iterator[Callable[..., httpx.Response]]:
    """Call it: http("GET", path, who="editor", json=…) -> Response; `who` None has no token, `token` is any."""
    # The pool of connections fails with EBADF now and then where many threads make it close those above its limit.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    with httpx.Client(base_url=rest.url, timeout=30, trust_env=False, limits=limits) as client:

        def call(method: str, path: str, who: str | None = "editor", token: str = "", **more: Any) -> httpx.Response:
            known = token or (tokens[who] if who else "")
            headers = {**({"Authorization": f"Bearer {known}"} if known else {}), **more.pop("headers", {})}
            return client.request(method, path, headers=headers, **more)

        yield call


def logged_in(rest: Rest, app_id: str, secret: str) -> Any:
    """Run:ai's client with that name and secret; it raises what it raises."""
    configuration = import_module("runai.configuration").Configuration(
        client_id=app_id, client_secret=secret, runai_base_url=rest.url, retry_enabled=False
    )
    return import_module("runai.api_client").ApiClient(configuration)


@pytest.fixture
def runapy(rest: Rest, tokens: dict[str, str]) -> Iterator[Any]:
    """Run:ai's client, unmodified: runapy("editor").create_nim_service(…)."""
    api = pytest.importorskip("runai.api", reason="runapy, Run:ai's Python client, is not installed")
    clients: list[Any] = []

    def client(who: str) -> Any:
        clients.append(logged_in(rest, f"{PEOPLE}/{who}", tokens[who]))
        return api.NVIDIANIMApi(clients[-1])

    yield client
    for opened in clients:
        opened.close()


def spec_of(kubectl: Callable[..., str], project: Project, name: str = "llama") -> dict[str, Any]:
    """The spec as it is stored."""
    stored = json.loads(kubectl("get", "rnim", name, f"--namespace={project.namespace}", "--output=json"))
    spec: dict[str, Any] = stored["spec"]
    return spec
