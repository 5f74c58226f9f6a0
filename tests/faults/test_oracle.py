import json
from typing import Any

import pytest

from runai_nim.api import well_known
from tests.faults.oracle import masked, tracebacks, unlike


def service(uid: str, namespace: str, owner: str, **status: Any) -> dict[str, Any]:
    metadata = {
        "name": "llama-8b",
        "namespace": namespace,
        "uid": uid,
        "resourceVersion": uid,
        "ownerReferences": [{"uid": owner}],
    }
    return {"metadata": metadata, "spec": {"clusterIP": "127.100.3.4"}, "status": status}


def test_two_runs_look_the_same() -> None:
    then = {"nimservices llama-8b": service("u-1", "faults-a", "u-1", since="2026-01-01T00:00:00Z")}
    now = {"nimservices llama-8b": service("u-2", "faults-b", "u-2", since="2026-02-02T02:02:02.5Z")}
    assert unlike(masked(then, "faults-a"), masked(now, "faults-b")) == []


def test_another_owner_is_seen() -> None:
    then = {"nimservices llama-8b": service("u-1", "faults-a", "u-1")}
    now = {"nimservices llama-8b": service("u-1", "faults-a", "u-0")}
    assert unlike(masked(then, "faults-a"), masked(now, "faults-a")) == [
        'nimservices llama-8b.metadata.ownerReferences[0].uid is "u-0", not "uid of nimservices llama-8b"'
    ]


def test_a_claim_is_of_one_that_is_there_or_gone() -> None:
    def claim(uid: str) -> dict[str, Any]:
        return {"metadata": {"name": "weights", "uid": "c-1", "annotations": {well_known.SERVICE_UID: uid}}}

    there = {"runainimservices llama-8b": service("u-1", "faults-a", "u-1")}
    gone, other = (masked({"claims weights": claim(uid)}, "faults-a") for uid in ("u-1", "u-2"))
    assert unlike(gone, other) == []
    assert unlike(masked({**there, "claims weights": claim("u-1")}, "faults-a"), {**there, **gone}) != []


def test_what_is_missing_or_too_much_is_seen() -> None:
    assert unlike({"a": 1}, {"b": [1, 2]}) == ["a is null, not 1", "b is [1, 2], not null"]
    assert unlike([1, 2], [1]) == [" is [1], not [1, 2]"]


LOGIN, JSON = "kopf._cogs.structs.credentials.LoginError", "json.decoder.JSONDecodeError"


@pytest.mark.parametrize(
    ("logger", "why", "seen"),
    [
        ("kopf._core.reactor.running", LOGIN, False),
        ("kopf._core.reactor.running", JSON, True),
        ("asyncio", LOGIN, False),
        ("asyncio", JSON, True),
        ("runai_nim.controller.handlers", LOGIN, True),
        ("kopf._core.reactor.running", "ValueError", True),
    ],
)
def test_a_traceback_is_seen_and_kopfs_farewell_is_not(logger: str, why: str, seen: bool) -> None:
    error = f"Traceback (most recent call last)\n  File …\n{why}: no"
    line = {"logger": logger, "message": "Watcher for x has failed: no", "exc_info": error}
    fine = {"logger": logger, "message": "status updated"}
    assert tracebacks("\n".join(map(json.dumps, (line, fine)))) == [f"{why}: no"] * seen


def test_a_traceback_beside_the_log_is_seen() -> None:
    assert tracebacks("Traceback (most recent call last):\n  File …") == ["Traceback (most recent call last):"]


@pytest.mark.parametrize(("generator", "seen"), [("infinite_watch at 0x7f", False), ("events at 0x7f", True)])
def test_only_kopfs_own_watch_may_fail_to_close(generator: str, seen: bool) -> None:
    message = f"an error occurred during closing of asynchronous generator <async_generator object {generator}>"
    error = "Traceback (most recent call last)\n  File …\nRuntimeError: generator didn't stop after athrow()"
    line = json.dumps({"logger": "asyncio", "message": message, "exc_info": error})
    assert tracebacks(line) == ["RuntimeError: generator didn't stop after athrow()"] * seen
