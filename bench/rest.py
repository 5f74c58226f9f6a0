"""The REST API compared with the API server: added latency per call, maximum rate, and growth of memory."""

import asyncio
from collections.abc import Mapping

from bench.calls import STOCK, VERBS, ApiServer, RestApi, Target
from bench.cluster import NAMESPACE, empty_cluster
from bench.crowd import in_parallel
from bench.figures import Figures, percentile
from bench.load import open_loop, saturate
from bench.process import rss_mib
from local.cluster import OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, LocalCluster, Program
from local.rest import Rest, rest_process

ROUNDS = 4
"""They alternate, so that other load of the machine affects both."""
OPEN_LOOP = 2000
"""Calls of each, at most, whose latency is taken."""
WARM_UP = 400
CALLER = "caller"
RIGHTS = (
    ("serviceaccount", CALLER),
    ("role", CALLER, "--verb=create,get,patch,delete", "--resource=runainimservices.runai-nim.io"),
    ("rolebinding", CALLER, f"--role={CALLER}", f"--serviceaccount={NAMESPACE}:{CALLER}"),
)

Times = Mapping[str, list[float]]
"""Milliseconds of calls by verb."""


def measure(calls: int) -> Figures:
    """Figures of so many calls of the REST API."""
    with empty_cluster() as cluster:
        for right in RIGHTS:
            cluster.kubectl("create", *right, f"--namespace={NAMESPACE}")
        token = cluster.kubectl("create", "token", CALLER, f"--namespace={NAMESPACE}").strip()
        rest = rest_of(cluster)
        rest.program.start()
        direct = ApiServer(cluster.control_plane.url, token, NAMESPACE, cluster.control_plane.ca_file)
        return asyncio.run(_measured(direct, RestApi(rest.url, token, NAMESPACE), rest.program, calls))


def added(direct: Times, rest: Times) -> Figures:
    """What the REST API adds to each verb's percentiles, in ms, and the most of the four."""
    more = {
        (verb, percent): round(percentile(rest[verb], percent) - percentile(direct[verb], percent), 2)
        for verb in VERBS
        for percent in (50, 99)
    }
    most = {
        f"rest_added_p{percent}_ms": max(value for (_, found), value in more.items() if found == percent)
        for percent in (50, 99)
    }
    return most | {f"rest_added_{verb}_p{percent}_ms": value for (verb, percent), value in more.items()}


async def _measured(direct: Target, rest: Target, program: Program, calls: int) -> Figures:
    async with direct, rest:
        for target in (direct, rest):
            await in_parallel(["post"] * STOCK, target.call)
            await saturate(target, WARM_UP)
        began = rss_mib(program)
        most = [(await saturate(direct, calls // 16), await saturate(rest, calls // 16)) for _ in range(2)]
        direct_most, rest_most = (sum(found) / len(most) for found in zip(*most, strict=True))
        half, quarter = [
            await _in_turn(direct, rest, min(calls // 2, OPEN_LOOP), min(direct_most, rest_most) / part)
            for part in (2, 4)
        ]
        await saturate(rest, calls - rest.calls)
        at_quarter = added(*quarter)
        return {
            **added(*half),
            **{f"rest_added_p{percent}_quarter_ms": at_quarter[f"rest_added_p{percent}_ms"] for percent in (50, 99)},
            **_percentiles("direct", half[0]),
            "rest_per_s": round(rest_most, 1),
            "rest_direct_per_s": round(direct_most, 1),
            "rest_throughput_ratio": round(rest_most / direct_most, 3),
            "rest_rss_mib": rss_mib(program),
            "rest_rss_growth_mib": round(rss_mib(program) - began, 1),
        }


async def _in_turn(direct: Target, rest: Target, calls: int, per_second: float) -> tuple[Times, Times]:
    """So many calls of each, a round of the one after a round of the other."""
    took: tuple[Times, Times] = ({verb: [] for verb in VERBS}, {verb: [] for verb in VERBS})
    for _ in range(ROUNDS):
        for target, times in zip((direct, rest), took, strict=True):
            found = await open_loop(target, calls // ROUNDS, per_second)
            for verb in VERBS:
                times[verb] += found[verb]
    return took


def _percentiles(name: str, times: Times) -> Figures:
    return {
        f"rest_{name}_{verb}_p{percent}_ms": round(percentile(times[verb], percent), 2)
        for verb in VERBS
        for percent in (50, 99)
    }


def rest_of(cluster: LocalCluster) -> Rest:
    """The REST API's process, not started yet. The operator's rights are more than it needs and reads with."""
    control_plane = cluster.control_plane
    kubeconfig = control_plane.service_account_kubeconfig(
        OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT, control_plane.directory / "rest.kubeconfig"
    )
    return rest_process(control_plane, "rest", kubeconfig, log_level="info")
