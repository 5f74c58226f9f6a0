"""The REST API while somebody means harm: how soon /healthz answers, what it needs, what honest callers feel."""

import http.client
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, LocalCluster
from local.rest import Rest, rest_process
from tests.faults.hostile import PATH
from tests.rest.conftest import OWN_RIGHTS, SERVICE_ACCOUNT, Project, body

ALIVE_SECONDS = 1.0
MOST_MIB = 160.0
MOST_SLOWER = 3.0
_CALLERS = 2
_PAUSE_SECONDS = 0.01
"""After each call of a caller, who has something else to do."""


@dataclass(slots=True)
class Felt:
    """What happened within some time. times_ms: of honest calls; alive_s: of each answer of /healthz; rss_mib."""

    times_ms: list[float] = field(default_factory=list)
    alive_s: list[float] = field(default_factory=list)
    rss_mib: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def p99_ms(self) -> float:
        """Of honest calls."""
        return sorted(self.times_ms)[math.ceil(0.99 * len(self.times_ms)) - 1]


@dataclass(frozen=True, slots=True)
class Siege:
    """An attack, and the time before and after it."""

    attack: str
    peace: Felt
    war: Felt

    @property
    def slower(self) -> float:
        """How many times an honest call's p99 is what it was."""
        return self.war.p99_ms / self.peace.p99_ms

    @property
    def figures(self) -> str:
        """For people."""
        war = self.war
        return (
            f"/healthz {max(war.alive_s) * 1000:.0f} ms at most, {max(war.rss_mib):.0f} MiB,"
            f" p99 {war.p99_ms:.1f} ms of {len(war.times_ms)} calls ({self.peace.p99_ms:.1f} ms in peace)"
        )

    @property
    def problems(self) -> list[str]:
        """What is not as it should be."""
        war = self.war
        found = [f"{len(war.wrong)} wrong answers, such as {war.wrong[0]}"] if war.wrong else []
        if max(war.alive_s) > ALIVE_SECONDS:
            found.append(f"/healthz took {max(war.alive_s):.2f} s, more than {ALIVE_SECONDS:g} s")
        if max(war.rss_mib) > MOST_MIB:
            found.append(f"{max(war.rss_mib):.0f} MiB, more than {MOST_MIB:g}")
        if self.slower > MOST_SLOWER:
            found.append(f"honest calls are {self.slower:.1f} times as slow, more than {MOST_SLOWER:g}")
        return found


class Caller:
    """An honest client: it keeps its connection, and asks once more where that was closed meanwhile."""

    def __init__(self, url: str, token: str) -> None:
        self._address = urlsplit(url)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection = self._opened()

    def _opened(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)

    def call(self, method: str, path: str, content: object = None) -> tuple[int, bytes]:
        """Status and body. Raises OSError or HTTPException where twice there is no answer."""
        for last in (False, True):
            try:
                self._connection.request(
                    method, path, None if content is None else json.dumps(content), headers=self._headers
                )
                answer = self._connection.getresponse()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError):
                self.close()
                self._connection = self._opened()
                if last:
                    raise
        raise AssertionError

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


class Besieged:
    """The REST API of a cluster, its own process, with somebody honest and somebody hostile in one project."""

    def __init__(self, cluster: LocalCluster) -> None:
        self._plane = cluster.control_plane
        self._tokens: dict[str, str] = {}
        self._project = Project("siege", "team-siege")
        self._rest: Rest

    @contextmanager
    def running(self) -> Iterator["Besieged"]:
        """While it runs."""
        kubectl, namespace = self._plane.kubectl, self._project.namespace
        kubectl("apply", "--filename=-", stdin=OWN_RIGHTS)
        kubectl("create", "namespace", namespace)
        kubectl("label", "namespace", namespace, f"runai/queue={self._project.id}")
        for who in ("honest", "hostile"):
            where = f"--namespace={namespace}"
            kubectl("create", "serviceaccount", who, where)
            account = f"--serviceaccount={namespace}:{who}"
            kubectl("create", "rolebinding", who, "--clusterrole=cluster-admin", account, where)
            self._tokens[who] = kubectl("create", "token", who, where).strip()
        path = self._plane.directory / "rest-besieged.kubeconfig"
        self._plane.service_account_kubeconfig(OPERATOR_NAMESPACE, SERVICE_ACCOUNT, path)
        self._rest = rest_process(self._plane, "rest-besieged", path, log_level="info")
        try:
            yield self
        finally:
            self._rest.program.stop()

    def under(self, attack: str, seconds: float) -> Siege:
        """A new process for as many seconds under attack as in peace, half of which is before and half after."""
        self._rest.program.start()
        rest = self._rest
        token = self._tokens["honest"]
        peace, war = Felt(), Felt()
        names = [f"{attack.replace(',', '').lower()}-{number}" for number in range(_CALLERS)]
        ids = [_made(rest, token, self._project, name) for name in names]
        _watch(rest, token=token, ids=ids, seconds=seconds / 2, felt=peace)
        with _attacking(attack, rest.url, self._project, self._tokens["hostile"]):
            time.sleep(1.0)
            _watch(rest, token=token, ids=ids, seconds=seconds, felt=war)
        time.sleep(1.0)
        _watch(rest, token=token, ids=ids, seconds=seconds / 2, felt=peace)
        return Siege(attack, peace, war)


def _made(rest: Rest, token: str, project: Project, name: str) -> str:
    caller = Caller(rest.url, token)
    status, answer = caller.call("POST", PATH, body(project, f"h-{name.lower()}"))
    caller.close()
    assert status == 202, answer
    return str(json.loads(answer)["metadata"]["id"])


@contextmanager
def _attacking(attack: str, url: str, project: Project, token: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tests.faults.hostile", attack, url, project.id]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=CHECKOUT, text=True) as client:
        assert client.stdin
        client.stdin.write(token + "\n")
        client.stdin.close()
        try:
            yield
            assert client.poll() is None, f"{attack} has ended by itself"
        finally:
            client.kill()


def _watch(rest: Rest, token: str, ids: list[str], seconds: float, felt: Felt) -> None:
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=_probe, args=(rest, until, felt))]
    threads += [threading.Thread(target=_call, args=(rest, token, id_, until, felt)) for id_ in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _probe(rest: Rest, until: float, felt: Felt) -> None:
    """As the kubelet does, on a new connection each time."""
    while time.monotonic() < until:
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(rest.url).port, timeout=10)
        try:
            connection.request("GET", "/healthz")
            if (status := connection.getresponse().status) != 200:
                felt.wrong.append(f"/healthz {status}")
        except (http.client.HTTPException, OSError) as error:
            felt.wrong.append(f"/healthz {type(error).__name__}")
        finally:
            connection.close()
        felt.alive_s.append(time.monotonic() - began)
        felt.rss_mib.append(_rss_mib(rest))
        time.sleep(0.1)


def _call(rest: Rest, token: str, id_: str, until: float, felt: Felt) -> None:
    caller = Caller(rest.url, token)
    number = 0
    while time.monotonic() < until:
        number += 1
        method, content = ("PATCH", {"spec": {"category": str(number % 7)}}) if number % 3 == 0 else ("GET", None)
        began = time.monotonic()
        try:
            status, answer = caller.call(method, f"{PATH}/{id_}", content)
            if status not in (200, 202):
                felt.wrong.append(f"{method} {status} {answer[:200].decode()}")
        except (http.client.HTTPException, OSError) as error:
            felt.wrong.append(f"{method} {type(error).__name__}")
        felt.times_ms.append((time.monotonic() - began) * 1000)
        time.sleep(_PAUSE_SECONDS)
    caller.close()


def _rss_mib(rest: Rest) -> float:
    pages = int(Path("/proc", str(rest.program.pid), "statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20
