"""How long `runai-nim list` takes over thousands of RunaiNimServices, beside `kubectl get` for the same."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.cluster import NAMESPACE, empty_cluster, start_operator
from bench.crowd import (
    RUNAI_NIM_SERVICE,
    create_children,
    create_services,
    in_parallel,
    names_of,
    say_ready,
)
from bench.figures import Figures, percentile
from bench.process import Queue
from local.cluster import LocalCluster
from local.nim_operator.client import Client

ROUNDS = 5
RESOURCE = "runainimservices.runai-nim.io"


def measure(services: int) -> Figures:
    """Medians of both commands, in turn, after one call of each. All statuses are that of a service that runs."""
    with empty_cluster() as cluster:
        first, *others = names_of(0, services)
        start_operator(cluster)
        _serve(cluster, first)
        cluster.operator.stop()
        kubeconfig = cluster.control_plane.kubeconfig
        create_services(kubeconfig, NAMESPACE, others)
        asyncio.run(_copy_status(kubeconfig, first, others))
        commands = {
            "cli_list_5000_s": [str(Path(sys.executable).parent / "runai-nim"), "list"],
            "cli_list_5000_kubectl_s": [
                *(str(cluster.control_plane.kubectl_program()), "get", RESOURCE),
                "--all-namespaces",
            ],
        }
        rounds = [
            {name: _seconds(command, kubeconfig, services) for name, command in commands.items()}
            for _ in range(ROUNDS + 1)
        ]
    return {name: round(percentile([one[name] for one in rounds[1:]], 50), 2) for name in commands}


def _serve(cluster: LocalCluster, name: str) -> None:
    kubeconfig = cluster.control_plane.kubeconfig
    create_services(kubeconfig, NAMESPACE, [name])
    Queue(cluster).wait_idle(1, "Creating")
    create_children(kubeconfig, NAMESPACE, [name])
    say_ready(kubeconfig, NAMESPACE, [name])
    Queue(cluster).wait_idle(1, "Running")


async def _copy_status(kubeconfig: Path, first: str, others: Sequence[str]) -> None:
    async with Client(kubeconfig) as client:
        status: dict[str, Any] = (await client.get(RUNAI_NIM_SERVICE.path(NAMESPACE, first)))["status"]

        async def copy(name: str) -> None:
            await client.merge_status(RUNAI_NIM_SERVICE, {"namespace": NAMESPACE, "name": name}, status)

        await in_parallel(others, copy)


def _seconds(command: Sequence[str], kubeconfig: Path, services: int) -> float:
    """From the start of the process to its end. Raises RuntimeError where it doesn't print a line for each."""
    began = time.perf_counter()
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    answer = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)  # noqa: S603 # ours
    took = time.perf_counter() - began
    if (printed := len(answer.stdout.splitlines())) != services + 1:
        raise RuntimeError(f"{command[0]} printed {printed} lines for {services} services")
    return took
