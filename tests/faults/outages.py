"""What happens to the cluster around a stage: programs that die, an API server that is away, rights that are taken.

Each is a context manager around what a person does in that stage; after it everything is as it should be again.
"""

import functools
import json
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT
from local.loopback import opened
from tests.faults.rig import Rig

AWAY_SECONDS = 120.0
FORBIDDEN_SECONDS = 10.0
TOKEN_SECONDS = 15.0
"""Longer than the API server remembers a token whose Secret is gone."""
ROLE = OPERATOR_SERVICE_ACCOUNT
_SECRET = "token-of-the-operator"  # noqa: S105  # a name
Outage = Callable[[Rig], AbstractContextManager[None]]


@contextmanager
def _killed(program: str, rig: Rig) -> Iterator[None]:
    yield
    rig.cluster.control_plane.kill_program(program)
    rig.cluster.control_plane.start_program(program)


@contextmanager
def _stopped(program: str, rig: Rig) -> Iterator[None]:
    yield
    rig.cluster.control_plane.stop_program(program)
    rig.cluster.control_plane.start_program(program)


@contextmanager
def _away(rig: Rig) -> Iterator[None]:
    rig.call(rig.proxy.set_away(True))
    yield
    time.sleep(AWAY_SECONDS)
    rig.call(rig.proxy.set_away(False))


@contextmanager
def _compacted(rig: Rig) -> Iterator[None]:
    """The operator is cut off, and what it would go on from is gone when it is back."""
    rig.call(rig.proxy.set_away(True))
    yield
    plane = rig.cluster.control_plane
    revision = int(json.loads(_etcd(rig, "kv/range", {"key": "AA=="}))["header"]["revision"])
    _etcd(rig, "kv/compaction", {"revision": str(revision), "physical": True})
    # The API server has its own memory of what was: without it the old versions are gone for good.
    plane.kill_program("kube-apiserver")
    plane.start_program("kube-apiserver")
    rig.call(rig.proxy.set_away(False))


@contextmanager
def _clock(number: signal.Signals, rig: Rig) -> Iterator[None]:
    yield
    rig.kubelet.signal(number)


@contextmanager
def _revoked(rig: Rig) -> Iterator[None]:
    rig.cluster.kubectl("delete", "secret", _SECRET, f"--namespace={OPERATOR_NAMESPACE}")
    time.sleep(TOKEN_SECONDS)
    yield
    time.sleep(FORBIDDEN_SECONDS)
    bind_token(rig)


def bind_token(rig: Rig) -> None:
    """Give the operator a token that lives as long as a Secret does."""
    where = f"--namespace={OPERATOR_NAMESPACE}"
    rig.cluster.kubectl("create", "secret", "generic", _SECRET, where)
    bound = ("--bound-object-kind=Secret", f"--bound-object-name={_SECRET}")
    token = rig.cluster.kubectl("create", "token", OPERATOR_SERVICE_ACCOUNT, where, *bound).strip()
    rig.token_file.write_text(token, encoding="utf-8")


@contextmanager
def _forbidden(verb: str, resource: str, rig: Rig) -> Iterator[None]:
    role = json.loads(rig.cluster.kubectl("get", "clusterrole", ROLE, "--output=json"))
    role["rules"] = [less for rule in role["rules"] for less in _without(verb, resource, rule)]
    rig.cluster.kubectl("replace", "--filename=-", stdin=json.dumps(role))
    yield
    time.sleep(FORBIDDEN_SECONDS)
    rbac = f"--filename={CHECKOUT / 'deploy' / 'rbac.yaml'}"
    rig.cluster.kubectl("apply", "--server-side", "--force-conflicts", rbac)


def _without(verb: str, resource: str, rule: Mapping[str, list[str]]) -> Iterator[Mapping[str, list[str]]]:
    if resource not in rule["resources"]:
        yield rule
        return
    yield {**rule, "resources": [resource], "verbs": [v for v in rule["verbs"] if v != verb] or ["deletecollection"]}
    if others := [r for r in rule["resources"] if r != resource]:
        yield {**rule, "resources": others}


def _etcd(rig: Rig, path: str, body: Mapping[str, object]) -> bytes:
    url = f"{rig.cluster.control_plane.etcd_url}/v3/{path}"
    request = urllib.request.Request(url, json.dumps(body).encode())  # noqa: S310  # etcd on loopback
    with opened(request, timeout=10) as answer:
        return bytes(answer.read())


OUTAGES: Mapping[str, Outage] = {
    "api-server-killed": functools.partial(_killed, "kube-apiserver"),
    "api-server-stopped": functools.partial(_stopped, "kube-apiserver"),
    "etcd-killed": functools.partial(_killed, "etcd"),
    "away": _away,
    "compaction": _compacted,
    "clock-forward": functools.partial(_clock, signal.SIGUSR1),
    "clock-back": functools.partial(_clock, signal.SIGUSR2),
    "token-revoked": _revoked,
}


def outage(action: str) -> Outage | None:
    """The outage of that name; None for what the proxy does."""
    if action.startswith("forbidden-"):
        _, verb, resource = action.split("-", 2)
        return functools.partial(_forbidden, verb, resource)
    return OUTAGES.get(action)
