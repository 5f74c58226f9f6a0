"""A page of the REST API's list of workloads compared with the API server's own LIST of the same objects."""

import asyncio
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from statistics import median
from typing import Final

import aiohttp

from bench.cluster import NAMESPACE, empty_cluster
from bench.crowd import RUNAI_NIM_SERVICE, create_services, in_parallel, names_of
from bench.figures import Figures
from bench.process import rss_mib
from bench.rest import rest_of
from local.cluster import LocalCluster
from local.nim_operator.client import Client
from local.rest import Rest
from runai_nim.kube.bounded_reader import LIST_PAGE_SIZE

ROUNDS: Final = 7
"""They alternate, so that other load of the machine affects both."""
CALLER: Final = "lister"
RIGHTS: Final = (
    ("serviceaccount", CALLER, f"--namespace={NAMESPACE}"),
    ("clusterrole", CALLER, "--verb=list", "--resource=runainimservices.runai-nim.io"),
    ("clusterrolebinding", CALLER, f"--clusterrole={CALLER}", f"--serviceaccount={NAMESPACE}:{CALLER}"),
)
PAGES: Final = {
    "rest_list": "limit=50",
    "rest_list_sorted": "limit=50&sortBy=submittedBy&sortOrder=desc&search=nim-",
}
_CONTINUE: Final = re.compile(rb'"continue":"([^"]+)"')
_PROBE_SECONDS: Final = 0.01


def measure(services: int) -> Figures:
    """Figures of listings among so many RunaiNimServices."""
    with empty_cluster() as cluster:
        kubeconfig = cluster.control_plane.kubeconfig
        create_services(kubeconfig, NAMESPACE, names_of(0, services))
        asyncio.run(_write_statuses(cluster, services))
        for right in RIGHTS:
            cluster.kubectl("create", *right)
        token = cluster.kubectl("create", "token", CALLER, f"--namespace={NAMESPACE}").strip()
        rest = rest_of(cluster)
        rest.program.start()
        return asyncio.run(_measured(cluster, rest, token, services))


async def _write_statuses(cluster: LocalCluster, services: int) -> None:
    """What the operator says of a service that runs."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    conditions = [
        {
            "type": type_,
            "status": "True",
            "reason": "Running",
            "observedGeneration": 1,
            "message": "every replica is available and the model answers",
            "lastTransitionTime": now,
        }
        for type_ in ("Ready", "Translated", "StorageReady", "NIMServiceReady", "Reconciling", "Stalled")
    ]
    counts = {"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "gpusInUse": "0.5", "gpu": "0.5"}
    status = {**counts, "phase": "Running", "conditions": conditions, "project": "team-a"}
    async with Client(cluster.control_plane.kubeconfig) as client:

        async def write(name: str) -> None:
            await client.merge_status(RUNAI_NIM_SERVICE, {"namespace": NAMESPACE, "name": name}, status)

        await in_parallel(names_of(0, services), write)


async def _measured(cluster: LocalCluster, rest: Rest, token: str, services: int) -> Figures:
    tls = ssl.create_default_context(cafile=cluster.control_plane.ca_file)
    headers = {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=300)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def direct() -> None:
            await _list_directly(session, cluster.control_plane.url + RUNAI_NIM_SERVICE.path(None), tls, services)

        def page(query: str) -> Callable[[], Awaitable[None]]:
            return lambda: _get_page(session, f"{rest.url}/api/v1/workloads?{query}", min(services, 50))

        calls = {"rest_list_direct": direct} | {name: page(query) for name, query in PAGES.items()}
        began = rss_mib(rest.program)
        for call in calls.values():
            await call()
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                before = time.perf_counter()
                await call()
                seconds[name].append(time.perf_counter() - before)
        grown = rss_mib(rest.program) - began
        stall = await _longest_stall(session, rest.url, calls["rest_list_sorted"])
    middle = {name: median(found) for name, found in seconds.items()}
    return {
        **{f"{name}_s": round(found, 3) for name, found in middle.items()},
        **{f"{name}_ratio": round(middle[name] / middle["rest_list_direct"], 3) for name in PAGES},
        "rest_list_stall_ms": round(stall * 1000, 1),
        "rest_list_rss_growth_mib": round(grown, 1),
    }


async def _list_directly(session: aiohttp.ClientSession, url: str, tls: ssl.SSLContext, services: int) -> None:
    """Read all objects in the chunks that the REST API reads, without parsing them."""
    query = {"limit": str(LIST_PAGE_SIZE)}
    found = 0
    while True:
        async with session.get(url, params=query, ssl=tls) as answer:
            body = await answer.read()
        found += body.count(b'"kind":"RunaiNimService"')
        if (more := _CONTINUE.search(body)) is None:
            break
        query["continue"] = more[1].decode()
    if found < services:
        raise RuntimeError(f"the API server listed {found} of {services} RunaiNimServices")


async def _get_page(session: aiohttp.ClientSession, url: str, expected: int) -> None:
    async with session.get(url) as answer:
        body = await answer.json()
    if answer.status != 200 or len(body["workloads"]) != expected:
        raise RuntimeError(f"GET {url} was answered {answer.status}: {body.get('message')}")


async def _longest_stall(session: aiohttp.ClientSession, url: str, call: Callable[[], Awaitable[None]]) -> float:
    """The longest time in which /healthz is answered while two listings run, in seconds."""
    listings = asyncio.gather(call(), call())
    longest = 0.0
    while not listings.done():
        before = time.perf_counter()
        async with session.get(f"{url}/healthz") as answer:
            await answer.read()
        longest = max(longest, time.perf_counter() - before)
        await asyncio.sleep(_PROBE_SECONDS)
    await listings
    return longest
