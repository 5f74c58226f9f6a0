"""Which logs a service's pods have, by pods as kubelet and scheduler leave them."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.cli import terminal
from runai_nim.cli.cluster.followed_logs import LogFollower
from runai_nim.cli.cluster.pod_logs import ContainerLog, container_logs, service_pods
from runai_nim.cli.cluster.service_logs import LogsQuery
from runai_nim.domain.observed.resource_tree import tree_of
from tests.cli.conftest import Run
from tests.cli.test_list import VALUES
from tests.cli.test_status import READINGS, SERVICE

RUNNING: dict[str, Any] = {"state": {"running": {}}}
WAITING: dict[str, Any] = {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}
CRASHED: dict[str, Any] = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"x": 1}}}


def a_pod(state: dict[str, Any] | None, *containers: str, node: str = "node-1", **status: Any) -> dict[str, Any]:
    names = containers or ("llama-ctr",)
    told = [] if state is None else [{"name": names[0], **state}]
    spec = {"containers": [{"name": name} for name in names], "initContainers": [{"name": "prepare"}]}
    known = {"phase": "Pending", "containerStatuses": told} | status
    metadata = {"name": "llama-1", "uid": "u", "resourceVersion": "1"}
    return {"metadata": metadata, "spec": spec | ({"nodeName": node} if node else {}), "status": known}


def absence(pod: dict[str, Any], container: str | None = None, *, previous: bool = False) -> str:
    (log,) = container_logs("llama", [pod], container, previous=previous)
    return log.absence


UNSCHEDULABLE = [
    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}
]


@pytest.mark.parametrize(
    ("pod", "told"),
    [
        (a_pod(RUNNING), ""),
        (a_pod({"state": {"terminated": {"exitCode": 0}}}), ""),
        (a_pod(CRASHED), ""),
        (
            a_pod(WAITING),
            "has no log, container llama-ctr has not started: ImagePullBackOff: Back-off pulling image",
        ),
        (a_pod(None), "has no log, container llama-ctr has not started: Pending"),
        (
            a_pod(None, phase="Failed", reason="Evicted", message="low on memory"),
            "has no log, container llama-ctr has not started: Evicted: low on memory",
        ),
        (a_pod(None, node="", conditions=UNSCHEDULABLE), "has no log, it has no node: 0/3 nodes are available"),
        (a_pod(None, node=""), "has no log, it has no node: no scheduler has said why"),
    ],
)
def test_a_pod_that_has_not_started_is_said_by_its_status(pod: dict[str, Any], told: str) -> None:
    assert absence(pod) == told


def test_an_earlier_log_needs_a_restart() -> None:
    assert absence(a_pod(CRASHED), previous=True) == ""
    assert absence(a_pod(RUNNING), previous=True) == "has no earlier log: container llama-ctr has not been restarted"


@pytest.mark.parametrize(
    ("containers", "asked", "found"),
    [
        (("sidecar", "llama-ctr"), None, "llama-ctr"),
        (("nim-leader", "sidecar"), None, "nim-leader"),
        (("llama-ctr", "sidecar"), "sidecar", "sidecar"),
        (("llama-ctr",), "prepare", "prepare"),
    ],
)
def test_the_container_is_the_model_s_unless_another_is_asked_for(
    containers: tuple[str, ...], asked: str | None, found: str
) -> None:
    (log,) = container_logs("llama", [a_pod(RUNNING, *containers)], asked, previous=False)

    assert log.container == found


def test_an_unknown_container_is_said_with_those_that_there_are() -> None:
    assert absence(a_pod(RUNNING), "other") == "has no container other; it has llama-ctr, prepare"


def test_pods_are_those_of_the_tree_only() -> None:
    pods = READINGS["Pod"].objects

    assert [pod["metadata"]["name"] for pod in service_pods(tree_of(SERVICE, READINGS), pods)] == ["llama-1"]
    assert len(pods) > 1


def test_the_query_of_the_api_server() -> None:
    assert LogsQuery("llama").of_container("c") == {"container": "c"}
    assert LogsQuery("llama", tail=0, follow=True, previous=True).of_container("c") == {
        "container": "c",
        "follow": "true",
        "previous": "true",
        "tailLines": "0",
    }


def test_what_began_meanwhile_is_read_from_its_beginning() -> None:
    query = LogsQuery("llama", tail=5, follow=True)

    assert query.of_container("c", is_late=True) == {"container": "c", "follow": "true"}


def test_a_restart_begins_another_run() -> None:
    runs = [
        next(container_logs("llama", [a_pod({**RUNNING, "restartCount": count})], None, previous=False)).run
        for count in (0, 0, 1)
    ]

    assert runs == ["u/0", "u/0", "u/1"]


def followed(looks: list[list[ContainerLog] | None], fails: str = "") -> tuple[int, list[str]]:
    """Follow what is found at each look; the exit code, and a line for each log with its prefix at its end."""
    written: list[str] = []
    remaining = iter(looks)

    async def read() -> list[ContainerLog] | None:
        return next(remaining)

    async def write(log: ContainerLog, is_late: bool) -> int:
        if log.pod == fails:
            raise OSError("the pipe is closed")
        await asyncio.sleep(0.05)
        written.append(f"{follower.prefix(log)}{log.run}{' late' * is_late}")
        return 0

    follower = LogFollower(read, write, pause=0.01)
    return asyncio.run(follower.follow()), written


FIRST = ContainerLog("llama-1", "c", run="1/0")
SECOND = ContainerLog("llama-2", "c", run="2/0")


def test_each_run_is_followed_once(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = SECOND._replace(absence="has no log, it has no node: full")
    restarted = FIRST._replace(run="1/1")

    code, written = followed([[FIRST], [FIRST, waiting], [FIRST, waiting], [FIRST, SECOND], [restarted, SECOND], None])

    assert (code, written) == (0, ["[llama-1] 1/0", "[llama-2] 2/0 late", "[llama-1] 1/1 late"])
    assert capsys.readouterr().err == "llama-2 has no log, it has no node: full\n"


def test_the_lines_of_one_pod_have_no_prefix() -> None:
    assert followed([[], [FIRST], [], None]) == (0, ["1/0 late"])
    assert followed([[], None]) == (1, [])


def test_following_ends_with_an_error_of_a_log() -> None:
    with pytest.raises(OSError, match="the pipe is closed"):
        followed([[FIRST, SECOND], [FIRST, SECOND], [FIRST, SECOND]], fails="llama-2")


@given(st.dictionaries(st.sampled_from(["phase", "containerStatuses", "conditions", "reason", "message"]), VALUES))
def test_no_status_is_trusted(status: dict[str, Any]) -> None:
    pod = a_pod(None, node="") | {"status": status}

    assert isinstance(next(iter(container_logs("llama", [pod], None, previous=False))), ContainerLog)


def test_a_line_of_a_log_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.write_log_line("[llama-1] ", "a\tb\x1b[31mred\x9b\r\u202e é")

    assert capsys.readouterr().out == "[llama-1] a\tb\\x1b[31mred\\x9b\\r\\u202e é\n"


def test_wrong_use_is_short(run: Run) -> None:
    answer = run("logs", "llama", "--tail", "-1")

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith('--tail is "-1" but must be')
