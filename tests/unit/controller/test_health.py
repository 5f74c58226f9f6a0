import asyncio
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from local.loopback import fetch, free_ports
from runai_nim.config.permissions import Access
from runai_nim.controller.health import KopfWatch, serve_health
from runai_nim.kube.access_review import PermissionMonitor
from runai_nim.kube.discovery import Discovery

OWN = "/apis/runai-nim.io/v1alpha1/runainimservices"


class Served:
    """/healthz and /readyz in an event loop of their own, and what they look at."""

    def __init__(self) -> None:
        self.own = KopfWatch()
        self.discovery = Discovery(cast(Any, None), lambda: None)
        self.permitted = PermissionMonitor(())
        self.loop = asyncio.new_event_loop()
        self._port = free_ports(1)[0]

    def get(self, path: str) -> tuple[int, str]:
        return fetch(f"http://127.0.0.1:{self._port}/{path}", timeout=1)

    def run(self) -> None:
        self.task = self.loop.create_task(
            serve_health(
                self._port,
                watches=(self.own,),
                discovery=self.discovery,
                permissions=self.permitted,
                exposition=lambda _: (b"", ""),
            )
        )
        with pytest.raises(asyncio.CancelledError):
            self.loop.run_until_complete(self.task)
        self.loop.close()


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    thread = threading.Thread(target=served.run)
    thread.start()
    deadline = time.monotonic() + 10
    while True:
        try:
            served.get("healthz")
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        else:
            break
    yield served
    served.loop.call_soon_threadsafe(served.task.cancel)
    thread.join()


def test_a_blocked_event_loop_gives_no_answer(served: Served) -> None:
    assert served.get("healthz") == (200, "ok")
    served.loop.call_soon_threadsafe(time.sleep, 1.5)
    with pytest.raises(TimeoutError):
        served.get("healthz")
    time.sleep(0.7)
    assert served.get("healthz") == (200, "ok")


def test_a_dead_watch_is_named(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runai_nim.controller.health.DEAD_WATCH_SECONDS", -1)
    assert served.get("healthz") == (503, "runainimservices: silent for 0 s")


def test_ready_when_all_was_read_once(served: Served) -> None:
    assert served.get("readyz") == (503, "runainimservices: not listed yet\nschema of NIMService: not read yet")
    served.own.synced.set()
    served.discovery.synced.set()
    assert served.get("readyz") == (200, "ok")


def test_not_ready_while_a_permission_is_missing(served: Served) -> None:
    served.own.synced.set()
    served.discovery.synced.set()
    served.permitted.missing = frozenset({Access("list", "", "pods", ""), Access("get", "a.b", "cs", "team-a")})
    said = (
        "may not get cs.a.b in namespace team-a: the permission is missing\n"
        "may not list pods: the permission is missing"
    )
    assert served.get("readyz") == (503, said)


def test_ready_without_a_permission_that_is_optional(served: Served) -> None:
    served.own.synced.set()
    served.discovery.synced.set()
    served.permitted.missing = frozenset({Access("get", "", "serviceaccounts", "team-a")})
    assert served.get("readyz") == (200, "ok")


def test_answers_to_requests_are_the_signs_of_life_of_kopfs_watch() -> None:
    """The API server's part is played by a server that answers as the path says."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.query.get("status", "200")))

    async def run() -> None:
        app = web.Application()
        port = free_ports(1)[0]
        app.router.add_get("/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        own = KopfWatch()
        async with ClientSession(f"http://127.0.0.1:{port}", trace_configs=[own.trace]) as session:

            async def age_after(path: str) -> float:
                await asyncio.sleep(0.1)
                async with session.get(path):
                    return own.age

            assert await age_after("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?watch=true") >= 0.1
            assert await age_after(f"{OWN}?watch=true&status=500") >= 0.2
            assert await age_after(f"{OWN}?watch=true&status=403") < 0.1
            assert not own.synced.is_set()
            assert await age_after(OWN) < 0.1
            assert not own.synced.is_set()  # objects come after the headers
            assert await age_after(f"{OWN}?watch=true") < 0.1
            assert own.synced.is_set()
            own.reset()
            assert own.age < 0.1
        await runner.cleanup()

    asyncio.run(run())


def test_every_listed_namespace_has_to_be_watched() -> None:
    async def run() -> None:
        own = KopfWatch(("a", "b"))
        for namespace in ("a", "b"):
            assert not own.synced.is_set()
            address = URL(f"https://host/prefix/apis/runai-nim.io/v1alpha1/namespaces/{namespace}/runainimservices")
            request = SimpleNamespace(url=address % {"watch": "true"}, response=SimpleNamespace(status=200))
            await own._on_request_end(None, None, cast(Any, request))
        assert own.synced.is_set()

    asyncio.run(run())
