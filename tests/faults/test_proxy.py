"""The proxy itself, asked as the operator asks it, with the real API server behind it."""

import json
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, nullcontext
from http.client import HTTPResponse
from urllib.parse import urlsplit

import pytest

from local.control_plane import token_of
from local.loopback import opened
from local.objects import Objects
from tests.faults.plan import Fault
from tests.faults.rig import Rig

CLAIMS = "/api/v1/persistentvolumeclaims"


def test_an_answer_passes_as_it_is(rig: Rig, namespace: str) -> None:
    with asked(rig, f"/api/v1/namespaces/{namespace}/persistentvolumeclaims") as answer:
        assert json.load(answer)["kind"] == "PersistentVolumeClaimList"


def test_only_its_own_authority_vouches_for_it(rig: Rig) -> None:
    tls = ssl.create_default_context(cafile=rig.cluster.control_plane.ca_file)
    with pytest.raises(ssl.SSLCertVerificationError), connected(rig, tls):
        pass


@pytest.mark.parametrize(("action", "end"), [("reset", ConnectionResetError), ("close", None)])
def test_a_cut_is_a_reset_or_an_orderly_end(rig: Rig, action: str, end: type[Exception] | None, plan: None) -> None:
    rig.proxy.plan.arm(Fault(action, "list", "persistentvolumeclaims"), "anywhere")
    with connected(rig, ssl.create_default_context(cafile=rig.proxy.ca_file)) as connection:
        connection.sendall(f"GET {CLAIMS} HTTP/1.1\r\nHost: proxy\r\n\r\n".encode())
        # Below TLS, which tells both in the same way.
        with socket.socket(fileno=connection.detach()) as below, pytest.raises(end) if end else nullcontext():
            below.settimeout(10)
            while below.recv(4096):
                pass


def test_a_refusal_comes_once_and_the_next_request_passes(rig: Rig, plan: None) -> None:
    rig.proxy.plan.arm(Fault("429", "list", "persistentvolumeclaims"), "anywhere")
    with pytest.raises(urllib.error.HTTPError) as refused:
        asked(rig, CLAIMS)
    assert (refused.value.code, refused.value.headers["Retry-After"]) == (429, "1")
    refused.value.close()
    asked(rig, CLAIMS).close()


def test_a_watch_is_told_at_once(rig: Rig, objects: Objects) -> None:
    with asked(rig, f"/api/v1/namespaces/{objects.namespace}/persistentvolumeclaims?watch=true") as watch:
        began = time.monotonic()
        objects.apply(claim("first"))
        assert json.loads(watch.readline())["object"]["metadata"]["name"] == "first"
        assert time.monotonic() - began < 2


def test_a_change_and_its_undoing_are_told_as_one(rig: Rig, objects: Objects, plan: None) -> None:
    rig.proxy.plan.arm(Fault("coalesced", "watch", "persistentvolumeclaims"), objects.namespace)
    with asked(rig, CLAIMS + "?watch=true&resourceVersion=0") as watch:
        objects.apply(claim("flipped"))
        for value in ("b", "a"):
            objects.patch("v1 PersistentVolumeClaim", "flipped", {"metadata": {"labels": {"turn": value}}})
        told = next(event for event in events(watch) if event["metadata"]["namespace"] == objects.namespace)
        assert told["metadata"]["labels"] == {"turn": "a"}


def test_a_truncated_line_ends_a_watch(rig: Rig, objects: Objects, plan: None) -> None:
    rig.proxy.plan.arm(Fault("truncated", "watch", "persistentvolumeclaims"), objects.namespace)
    with asked(rig, f"/api/v1/namespaces/{objects.namespace}/persistentvolumeclaims?watch=true") as watch:
        objects.apply(claim("cut"))
        half = watch.readline()
        assert (half[:1], half[-1:] != b"\n", watch.read()) == (b"{", True, b"")


@pytest.fixture
def plan(rig: Rig) -> Iterator[None]:
    """A plan that is empty again after the test."""
    yield
    rig.proxy.plan.disarm()


def claim(name: str) -> dict[str, object]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": spec}


def events(watch: HTTPResponse) -> Iterator[dict[str, dict[str, object]]]:
    while line := watch.readline():
        yield json.loads(line)["object"]


def asked(rig: Rig, path: str) -> HTTPResponse:
    headers = {"Authorization": f"Bearer {token_of(rig.kubeconfig)}"}
    request = urllib.request.Request(rig.proxy.url + path, headers=headers)  # noqa: S310  # the proxy on loopback
    return opened(request, ssl.create_default_context(cafile=rig.proxy.ca_file), timeout=10)


def connected(rig: Rig, tls: ssl.SSLContext) -> closing[ssl.SSLSocket]:
    where = urlsplit(rig.proxy.url)
    raw = socket.create_connection((where.hostname, where.port), timeout=10)
    try:
        return closing(tls.wrap_socket(raw, server_hostname=where.hostname))
    except ssl.SSLError:
        raw.close()
        raise
