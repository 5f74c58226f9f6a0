"""Everything of a fault campaign, put together: control plane, stand-in, proxy, ledger, operator and its kubelet."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Literal, TypeVar

from local.cluster import OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, LocalCluster, Program
from local.control_plane import token_of
from local.loopback import answers, free_ports
from tests.faults.kubelet import Kubelet
from tests.faults.ledger import Ledger
from tests.faults.proxy import Proxy

T = TypeVar("T")
Variety = Literal["usual", "clock", "pod"]


class Rig:
    """A cluster whose operator reaches the API server through the proxy alone."""

    def __init__(self, cluster: LocalCluster) -> None:
        plane = cluster.control_plane
        self.cluster = cluster
        self.directory = plane.directory / "faults"
        self.kubelet = Kubelet()
        self.proxy = Proxy(lambda: plane.url, plane.ca_file, self.directory, self.kubelet.kill)
        self.ledger = Ledger(lambda: plane.url, plane.ca_file, token_of(plane.kubeconfig))
        self.kubeconfig = self.directory / "operator.kubeconfig"
        self.token_file = self.directory / "token"
        as_a_pod = (self.proxy.url, str(self.token_file), str(self.proxy.ca_file))
        self._operators = {
            "usual": self._program("operator-behind-proxy", "runai_nim"),
            "clock": self._program("operator-with-clock", "tests.faults.clock"),
            "pod": self._program("operator-in-pod", "tests.faults.pod", *as_a_pod),
        }
        self._loop = asyncio.new_event_loop()
        self._healthz = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside the block proxy and ledger run, in a thread of their own; the operator may be started."""
        self.write_kubeconfig()
        thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        thread.start()
        try:
            self.call(self.proxy.__aenter__())
            watching = asyncio.run_coroutine_threadsafe(self.ledger.run(), self._loop)
            yield
        finally:
            self.kubelet.stop()
            watching.cancel()
            self.call(self.proxy.__aexit__())
            self.call(asyncio.sleep(0.5))  # TLS connections take a moment to close
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def start_operator(self, environment: dict[str, str], variety: Variety = "usual") -> None:
        """Start the operator, until the kubelet stops it. clock: it can jump. pod: its token is in `token_file`."""
        self.kubelet.start(self._operators[variety], environment)

    def log(self) -> str:
        """All that the operator has said."""
        logs = (operator.log for operator in self._operators.values())
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs if log.exists())

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run something in the thread of the proxy, and wait."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    def write_kubeconfig(self) -> None:
        """The operator's: the proxy, trusted by its own authority, and a token of the ServiceAccount."""
        via = self.proxy.url, self.proxy.ca_file
        self.cluster.control_plane.service_account_kubeconfig(
            OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, self.kubeconfig, via=via
        )

    def _program(self, name: str, *command: str) -> Program:
        return Program(
            self.cluster.control_plane.processes,
            name=name,
            command=[*command],
            environment=self._environment,
            ready=lambda _: answers(self._healthz),
        )

    def _environment(self) -> dict[str, str]:
        port = free_ports(1)[0]
        self._healthz = f"http://127.0.0.1:{port}/healthz"
        return {"KUBECONFIG": str(self.kubeconfig), "RUNAI_NIM_HEALTHZ_PORT": str(port)}
