"""The operator has the permissions that it uses, and no others; one that is taken away is missed, and named."""

from collections.abc import Callable

import pytest

from local.audit import Request
from local.cluster import OPERATOR_USER, LocalCluster, Program
from local.objects import Objects, wait_for
from runai_nim.api import well_known
from runai_nim.config.permissions import PERMISSIONS
from tests.cluster.conftest import Without
from tests.support.permission_probes import SCENARIOS
from tests.support.permissions import TABLE, Permission, denied, may
from tests.support.prometheus import scrape
from tests.support.services import condition, sample, settled

pytestmark = pytest.mark.usefixtures("stand_in")

CREATE = Permission("create", well_known.NIM_GROUP, well_known.NIMSERVICE_PLURAL)


def missing(cluster: LocalCluster) -> set[tuple[str, str, str]]:
    """What the metric says is missing, as verb, group and resource."""
    (family,) = (one for one in scrape(cluster).families if one.name == "runai_nim_permission_missing")
    labels = [sample_.labels for sample_ in family.samples if sample_.value]
    return {(found["verb"], found["group"], found["resource"]) for found in labels}


def written(operator: Program) -> Callable[[], str]:
    """What the operator writes to its log from now on."""
    size = operator.log.stat().st_size
    return lambda: operator.log.read_bytes()[size:].decode(errors="replace")


@pytest.mark.long
def test_what_is_taken_away_is_named_and_what_is_given_back_taken_up(
    cluster: LocalCluster, operator_process: Program, objects: Objects, without: Without
) -> None:
    wait_for(lambda: cluster.ask("/readyz") == (200, "ok"))
    assert missing(cluster) == set()
    log = written(operator_process)
    with without(CREATE):
        objects.apply(sample("gpu-portion"))
        wait_for(lambda: missing(cluster) == {CREATE})
        assert cluster.ask("/readyz") == (503, "may not create nimservices.apps.nvidia.com: the permission is missing")
        wait_for(lambda: 'cannot create resource "nimservices"' in condition(objects, "llama-8b", "Stalled")["message"])
        assert '"message":"permission missing","permission":"create nimservices.apps.nvidia.com"' in log()
    settled(objects, "llama-8b", "Running", 30)
    assert '"message":"permission granted","permission":"create nimservices.apps.nvidia.com"' in log()
    assert missing(cluster) == set()
    assert cluster.ask("/readyz") == (200, "ok")


SAID_OF_A_CHILD = ("nimservices", "persistentvolumeclaims", "controllerrevisions", f"{well_known.PLURAL}/finalizers")
LOGGED = Permission("delete", "apps", "controllerrevisions")
"""An obsolete one that stays does no harm, so no status says it."""


@pytest.mark.long
@pytest.mark.parametrize("permission", TABLE, ids=str)
def test_each_permission_is_missed(
    permission: Permission, cluster: LocalCluster, objects: Objects, without: Without
) -> None:
    operator = cluster.operator
    stage = SCENARIOS[permission](cluster, objects)
    operator.start(environment=stage.settings)
    stage.before()
    with without(permission):
        mark = cluster.audit_log.mark()
        log = written(operator)
        operator.start(environment=stage.settings)
        wait_for(lambda: missing(cluster) == {permission})
        code, text = cluster.ask("/readyz")
        named = f"{permission.verb} {permission.resource}" in text
        assert (code, named) == ((200, False) if permission in OPTIONAL else (503, True))
        stage.act()
        refused = wait_for(lambda: refusals(cluster, mark), 30)
        assert {denied(request) for request in refused} == {permission}
        wait_for(lambda: is_told(permission, refused[0], objects, log))
    stage.after()
    operator.stop()


def refusals(cluster: LocalCluster, mark: int) -> list[Request]:
    return [request for request in cluster.audit_log.requests(mark, OPERATOR_USER) if denied(request)]


OPTIONAL = {Permission(verb, one.group, one.resource) for one in PERMISSIONS for verb in one.optional}


def is_told(permission: Permission, refused: Request, objects: Objects, log: Callable[[], str]) -> bool:
    """By the status, where it is about a child that can't be written, else by the log: in the API server's words.

    One that is optional is named by the log, and the model runs.
    """
    if permission in OPTIONAL:
        group = f".{permission.group}" if permission.group else ""
        named = f'"permission missing","permission":"{permission.verb} {permission.resource}{group}"'
        return named in log() and condition(objects, "llama-8b", "Ready").get("reason") == "Running"
    is_write = permission.verb in ("create", "patch", "delete", "update") and permission != LOGGED
    if is_write and permission.resource in SAID_OF_A_CHILD:
        return refused.message in condition(objects, "llama-8b", "Stalled").get("message", "")
    return any(word in log() for word in (refused.message.replace('"', '\\"'), "Forbidden"))


def test_every_permission_has_its_scenario() -> None:
    assert set(SCENARIOS) == set(TABLE)


@pytest.mark.parametrize("verb", ["get", "create", "patch", "update", "delete", "list", "watch"])
def test_of_leases_it_may_touch_its_own_alone(verb: str, cluster: LocalCluster) -> None:
    permission = Permission(verb, "coordination.k8s.io", "leases")
    names = [name for name in (well_known.FIELD_MANAGER, "other", "") if may(cluster, permission, name)]
    assert names == ([well_known.FIELD_MANAGER] if permission in TABLE else [])
