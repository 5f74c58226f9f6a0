"""Two replicas of the operator on a real API server: who writes when one of them dies, ends, freezes or is cut off.

The audit log is the witness. Each replica has a token of its own, by which its requests are told apart.
"""

import asyncio
import base64
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
from kubernetes.aio import client, config

from local.audit import REVIEWS, WRITES
from local.cluster import OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, OPERATOR_USER, LocalCluster, Program
from local.control_plane import token_of
from local.loopback import answers, fetch, free_ports
from local.objects import Objects, wait_for
from runai_nim.api.resources import NIM_SERVICES, RUNAI_NIM_SERVICES
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from runai_nim.kube.leader_election import LeaderElection
from runai_nim.kube.transport import Transport
from tests.support.prometheus import scrape_of
from tests.support.services import CR, NIMSERVICE, present, sample, serve

pytestmark = pytest.mark.usefixtures("stand_in")

LEASE = "coordination.k8s.io/v1 Lease"
LEASE_SECONDS = 3
LONG_LEASE_SECONDS = 60
SLACK_SECONDS = 3
"""What a machine that others use too may take longer."""


class Replica:
    """An operator process that takes part in the election; `token` names its requests in the audit log."""

    def __init__(self, cluster: LocalCluster, name: str, lease_seconds: int) -> None:
        plane = cluster.control_plane
        self._lease_seconds = lease_seconds
        self.port = free_ports(1)[0]
        self.token = ""
        self._kubeconfig = plane.directory / f"{name}.kubeconfig"
        self._plane = plane
        self.program = Program(
            plane.processes,
            name=name,
            command=["runai_nim"],
            environment=self._environment,
            ready=lambda _: answers(self._url("readyz")),
        )

    def leads(self) -> bool:
        """What it says of itself."""
        return scrape_of(fetch(self._url("metrics")))("leader_election_master_status") == 1

    def send(self, number: signal.Signals) -> None:
        assert self.program.pid is not None
        os.kill(self.program.pid, number)

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def _environment(self) -> dict[str, str]:
        self._plane.service_account_kubeconfig(OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, self._kubeconfig)
        token = token_of(self._kubeconfig)
        claims = token.split(".")[1]
        self.token = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["jti"]
        return {
            "KUBECONFIG": str(self._kubeconfig),
            "RUNAI_NIM_HEALTHZ_PORT": str(self.port),
            "RUNAI_NIM_LEADER_ELECTION": "true",
            "RUNAI_NIM_LEASE_NAMESPACE": OPERATOR_NAMESPACE,
            "RUNAI_NIM_LEASE_SECONDS": str(self._lease_seconds),
        }


class Sent(NamedTuple):
    """A write that the API server got from a replica."""

    token: str
    resource: str
    received: datetime
    code: int

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        return cls(
            token=event["user"]["extra"]["authentication.kubernetes.io/credential-id"][0].removeprefix("JTI="),
            resource=event["objectRef"]["resource"],
            received=datetime.fromisoformat(event["requestReceivedTimestamp"]),
            code=event["responseStatus"]["code"],
        )

    @property
    def renews(self) -> bool:
        return self.resource == "leases"


class Writes:
    """The replicas' writes since this was made, in the order in which they came in."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._start = log.stat().st_size

    def __iter__(self) -> Iterator[Sent]:
        with self._log.open("rb") as log:
            log.seek(self._start)
            events = [json.loads(line) for line in log if line.endswith(b"\n")]
        ours = [event for event in events if event["user"].get("username") == OPERATOR_USER and event["verb"] in WRITES]
        sent = (Sent.from_event(event) for event in ours if event["objectRef"].get("apiGroup") != REVIEWS)
        return iter(sorted(sent, key=lambda write: write.received))

    def of(self, replica: Replica) -> list[Sent]:
        """What a replica wrote, but for the Lease."""
        return [write for write in self if write.token == replica.token and not write.renews]

    def are_fenced(self, lease_seconds: int = LEASE_SECONDS) -> bool:
        """Did only that replica write which had renewed the Lease last, and not long ago?"""
        holder = ""
        since = datetime.min
        for write in self:
            if write.renews and write.code < 300:
                holder, since = write.token, write.received
            elif not write.renews:
                assert write.token == holder, write
                assert write.received - since < timedelta(seconds=lease_seconds), write
        return True


@pytest.fixture
def writes(cluster: LocalCluster) -> Writes:
    return Writes(cluster.control_plane.audit_log)


@pytest.fixture
def lease_seconds() -> int:
    return LEASE_SECONDS


@pytest.fixture
def replicas(
    cluster: LocalCluster, objects: Objects, writes: Writes, lease_seconds: int
) -> Iterator[tuple[Replica, Replica]]:
    """Two replicas, the first of which leads; nothing else writes. There is a service that is running."""
    cluster.operator.stop()
    cluster.kubectl("delete", "lease", "--all", f"--namespace={OPERATOR_NAMESPACE}")
    cluster.kubectl("delete", "runainimservices", "--all", "--all-namespaces")
    first, second = (Replica(cluster, f"replica-{number}", lease_seconds) for number in (1, 2))
    first.program.start()
    wait_for(first.leads)
    second.program.start()
    serve(objects)
    yield first, second
    for replica in (first, second):
        replica.program.kill()


def _change(objects: Objects, replicas: int) -> None:
    """Something that needs a write of the NIMService."""
    objects.apply(sample("gpu-portion", replicas=replicas))


def _written(objects: Objects, replicas: int) -> None:
    wait_for(lambda: present(objects, NIMSERVICE, "llama-8b")["spec"].get("replicas") == replicas)


def _change_and_wait(objects: Objects, *replicas: int) -> None:
    for count in replicas:
        _change(objects, count)
        _written(objects, count)


def test_one_writes_and_the_other_is_ready(replicas: tuple[Replica, Replica], writes: Writes) -> None:
    first, second = replicas
    assert (first.leads(), second.leads()) == (True, False)
    assert len(writes.of(first)) >= 4
    assert [write for write in writes if write.token == second.token] == []


def test_killed(objects: Objects, replicas: tuple[Replica, Replica], writes: Writes) -> None:
    first, second = replicas
    first.program.kill()
    start = time.monotonic()
    _change_and_wait(objects, 2)
    assert time.monotonic() - start < LEASE_SECONDS + 2 + SLACK_SECONDS
    assert second.leads()
    assert writes.are_fenced()


@pytest.mark.parametrize("lease_seconds", [LONG_LEASE_SECONDS])
def test_stopped(objects: Objects, replicas: tuple[Replica, Replica], writes: Writes) -> None:
    first, second = replicas
    start = time.monotonic()
    first.program.stop()
    _change_and_wait(objects, 2)
    assert time.monotonic() - start < 2 + SLACK_SECONDS
    assert second.leads()
    assert writes.are_fenced(LONG_LEASE_SECONDS)


def test_frozen(objects: Objects, replicas: tuple[Replica, Replica], writes: Writes) -> None:
    first, second = replicas
    first.send(signal.SIGSTOP)
    try:
        _change_and_wait(objects, 2)
        assert second.leads()
        _change(objects, 3)  # news for the frozen one, too
    finally:
        first.send(signal.SIGCONT)
    _written(objects, 3)
    second.program.kill()
    _change_and_wait(objects, 4)
    assert first.leads()
    assert writes.are_fenced()


@pytest.mark.long
def test_api_server_away(
    cluster: LocalCluster, objects: Objects, replicas: tuple[Replica, Replica], writes: Writes
) -> None:
    first, second = replicas
    cluster.control_plane.kill_program("kube-apiserver")
    try:
        wait_for(lambda: not first.leads())
        time.sleep(LEASE_SECONDS)
        assert not second.leads()
    finally:
        cluster.control_plane.start_program("kube-apiserver")
    _change_and_wait(objects, 2, 3, 4)
    assert first.leads() != second.leads()
    assert writes.are_fenced()


@pytest.mark.long
def test_a_lease_that_was_deleted_is_still_its_holders(
    cluster: LocalCluster, objects: Objects, replicas: tuple[Replica, Replica], writes: Writes
) -> None:
    first, second = replicas
    lease = "lease", "runai-nim-operator", f"--namespace={OPERATOR_NAMESPACE}", "--ignore-not-found"
    for count in range(2, 5):
        wait_for(lambda: cluster.kubectl("get", *lease))
        cluster.kubectl("delete", *lease)
        _change_and_wait(objects, count)
    assert (first.leads(), second.leads()) == (True, False)
    assert writes.are_fenced()


@pytest.mark.long
def test_a_blocked_event_loop_loses_no_lease(
    cluster: LocalCluster, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = str(cluster.control_plane.kubeconfig)
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", location)

    async def run() -> None:
        elected = threading.Event()
        election = LeaderElection(
            "pod",
            namespace=objects.namespace,
            seconds=LEASE_SECONDS,
            on_granted=elected.set,
            observe_response=lambda method, code, host: None,
        )
        standing = asyncio.create_task(election.run())
        assert await asyncio.to_thread(elected.wait, 20)
        taken = present(objects, LEASE, "runai-nim-operator")["spec"]
        time.sleep(2 * LEASE_SECONDS)  # noqa: ASYNC251  # as a call would that blocks
        led = election.is_leader
        await election.resign()
        await standing
        assert (led, election.is_leader) == (True, False)
        left = present(objects, LEASE, "runai-nim-operator")["spec"]
        assert (left["holderIdentity"], left["acquireTime"]) == ("", taken["acquireTime"])

    asyncio.run(run())


def test_what_was_under_way_fails_when_another_wrote_since(
    cluster: LocalCluster, objects: Objects, operator_process: Program
) -> None:
    serve(objects)
    operator_process.stop()
    annotated = {"metadata": {"annotations": {"example.com/by": "another"}}}
    seen = {kind: present(objects, kind, "llama-8b") for kind in (CR, NIMSERVICE)}
    for kind in seen:
        objects.patch(kind, "llama-8b", annotated)

    async def late() -> list[int]:
        configuration = client.Configuration()
        await config.load_kube_config(str(cluster.control_plane.kubeconfig), client_configuration=configuration)
        connection = client.ApiClient(configuration)
        api = KubeClient(Transport(connection, lambda method, code, host: None, lambda: None, in_pod=False))
        nimservice = {field: seen[NIMSERVICE][field] for field in ("apiVersion", "kind", "spec")}
        metadata = seen[NIMSERVICE]["metadata"]
        namespace = metadata["namespace"]
        name = metadata["name"]
        version = metadata["resourceVersion"]
        wanted = {**nimservice, "metadata": {"namespace": namespace, "name": name}}
        applied = api.apply(NIM_SERVICES, wanted, resource_version=version)
        deleted = api.delete(NIM_SERVICES, namespace, name, uid=metadata["uid"], resource_version=version)
        reported = api.merge_status(RUNAI_NIM_SERVICES, seen[CR]["metadata"], {"phase": "Failed"})
        said = await asyncio.gather(applied, deleted, reported, return_exceptions=True)
        await api.close()
        return [answer.status for answer in said if isinstance(answer, ApiError)]

    assert asyncio.run(late()) == [409, 409, 409]
    assert present(objects, CR, "llama-8b")["status"]["phase"] == "Running"
