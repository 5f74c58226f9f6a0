"""Fixtures of tests of the whole: CRDs and RBAC in place, the stand-in and the operator as real processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from local.audit import AuditLog
from local.cluster import CHECKOUT, LocalCluster, Program
from local.control_plane import ControlPlane
from local.objects import Objects
from tests.support.audited_tests import AuditedTests, Spans
from tests.support.external_cluster import external_kubeconfig
from tests.support.permissions import Permission, taken_away
from tests.support.policies import CLUSTER_POLICY, Policy

Without = Callable[..., AbstractContextManager[None]]
Configured = Callable[[dict[str, str]], None]
Command = Callable[..., tuple[int, str, str]]
Shell = Callable[..., str]

INTERRUPTIBLE = ("env", "--default-signal=INT", str(Path(sys.executable).parent / "runai-nim"))
"""The command line with SIGINT as a terminal has it: a shell that runs the tests in the background ignores it."""


AUDITED = pytest.StashKey[AuditedTests]()


@pytest.fixture(scope="session", autouse=True)
def audited_tests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AuditedTests:
    """The tests of the cluster that ran, in this process and those beside it."""
    process = os.environ.get("PYTEST_XDIST_WORKER")
    directory = tmp_path_factory.getbasetemp()
    shared = directory.parent if process else directory
    audited = AuditedTests(shared / "audited-tests", process or "alone")
    request.config.stash[AUDITED] = audited
    return audited


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """Record the end of a test once its fixtures have recorded the rest."""
    try:
        yield
    finally:
        if (audited := item.config.stash.get(AUDITED, None)) is not None:
            audited.finish(item.nodeid)


@pytest.fixture(autouse=True)
def _in_the_audit_log(
    cluster: LocalCluster, audited_tests: AuditedTests, forbidden_on_purpose: Spans
) -> Iterator[None]:
    if external_kubeconfig():
        yield
        return
    mark = cluster.audit_log.mark()
    yield
    left_out = [*forbidden_on_purpose, *cluster.control_plane.starts]
    audited_tests.add(cluster.control_plane.audit_log, ran=(mark, cluster.audit_log.mark()), left_out=left_out)


@pytest.fixture(scope="session")
def forbidden_on_purpose() -> Spans:
    """From where to where in the audit log the operator had fewer permissions than it needs."""
    return []


@pytest.fixture
def without(cluster: LocalCluster, forbidden_on_purpose: Spans) -> Without:
    """Take permissions away: with without(Permission(…), …): …."""

    @contextmanager
    def taken(*permissions: Permission) -> Iterator[None]:
        mark = cluster.audit_log.mark()
        try:
            with taken_away(cluster, *permissions):
                yield
        finally:
            forbidden_on_purpose.append((mark, cluster.audit_log.mark()))

    return taken


@pytest.fixture(scope="session")
def cluster(local_cluster: LocalCluster) -> LocalCluster:
    """The control plane with our CRDs, the stand-in's and the operator's RBAC."""
    local_cluster.apply_manifests()
    return local_cluster


@pytest.fixture
def stand_in(cluster: LocalCluster) -> Iterator[Program]:
    """The running stand-in of the NIM Operator; it goes on into the next test unless started in another way."""
    yield from _running(cluster.stand_in)


@pytest.fixture
def operator_process(cluster: LocalCluster) -> Iterator[Program]:
    """The running operator, alive by its own account; it goes on into the next test unless started in another way."""
    yield from _running(cluster.operator)


@pytest.fixture
def audit_log(cluster: LocalCluster) -> AuditLog:
    """Requests that the API server answered: mark = audit_log.mark(); ...; audit_log.count(mark, OPERATOR_USER)."""
    return cluster.audit_log


def _running(program: Program) -> Iterator[Program]:
    if not program.alive:
        program.start()
    yield program
    if not program.as_usual:
        program.stop()


@pytest.fixture
def configured(operator_process: Program) -> Iterator[Configured]:
    """Start the operator anew with these settings."""
    yield lambda environment: operator_process.start(environment=environment)
    operator_process.start()


@pytest.fixture
def administrator(control_plane: ControlPlane) -> dict[str, str]:
    """The environment of an administrator's shell, with `runai-nim` and `kubectl` in PATH."""
    programs = (str(Path(sys.executable).parent), str(control_plane.kubectl_program().parent), os.environ["PATH"])
    return {**os.environ, "KUBECONFIG": str(control_plane.kubeconfig), "PATH": os.pathsep.join(programs)}


@pytest.fixture
def shell_directory() -> Path:
    """Where `shell` runs: the checkout, unless a module has a fixture of its own."""
    return CHECKOUT


@pytest.fixture
def shell(administrator: dict[str, str], shell_directory: Path) -> Shell:
    """Run lines of a shell as administrator; they end with the first command that fails."""

    def run(lines: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["sh", "-ec", lines],
            input=stdin,
            env=administrator,
            cwd=shell_directory,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def command(administrator: dict[str, str]) -> Command:
    """Run the command line as administrator, unless it names a kubeconfig: exit code, stdout, stderr."""

    def command(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        named = () if "--kubeconfig" in arguments else ("--kubeconfig", administrator["KUBECONFIG"])
        answer = subprocess.run(
            [str(Path(sys.executable).parent / "runai-nim"), *arguments, *named],
            input=stdin,
            env={**administrator, "KUBECONFIG": "/nonexistent"},
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.returncode, answer.stdout, answer.stderr

    return command


@pytest.fixture
def cluster_policies(objects: Objects) -> Iterator[Callable[[Policy], None]]:
    """Apply policies of the cluster, which are deleted afterwards."""
    names: list[str] = []

    def apply(obj: Policy) -> None:
        names.append(obj["metadata"]["name"])
        objects.apply(obj)

    yield apply
    for name in names:
        objects.delete(CLUSTER_POLICY, name)


@pytest.fixture
def reader(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Callable[..., Path]:
    """Make a ServiceAccount with these verbs on the namespace's RunaiNimServices, and on other kinds if named; the path
    of its kubeconfig.
    """

    def made(verbs: str, *kinds: str) -> Path:
        where = f"--namespace={namespace}"
        kubectl = control_plane.kubectl
        kubectl("create", "serviceaccount", "reader", where)
        resources = [f"--resource={kind}" for kind in ("runainimservices.runai-nim.io", *kinds)]
        kubectl("create", "role", "reader", where, f"--verb={verbs}", *resources)
        kubectl("create", "rolebinding", "reader", where, "--role=reader", f"--serviceaccount={namespace}:reader")
        kubeconfig = tmp_path / "kubeconfig"
        control_plane.service_account_kubeconfig(namespace, "reader", kubeconfig)
        return kubeconfig

    return made
