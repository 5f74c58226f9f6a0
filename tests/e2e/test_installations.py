"""What a person reads who has made a mistake in an installation: from helm, from `kubectl describe`, from the log.

docs/guide/install.md says where to look, in the same order.
"""

import re

import pytest

from local.objects import Object, Objects, wait_for
from tests.e2e.cluster import Cluster
from tests.e2e.installations import Installation
from tests.e2e.models import SECONDS

IMAGE = Installation("no-image", (), image="localhost/not-there:1")
SETTINGS = Installation("settings", ("settings.backoff_initial_seconds=500",))
SCHEMA = Installation("schema", ("settings.workers=1000",))
SECRET = Installation("no-secret", ("rest.enabled=true", "rest.tls.secretName=not-there"))
RIGHTS = Installation("no-rights", ("rbac.create=false",))
NAMESPACE = Installation("no-namespace", ("settings.namespaces={not-there}",))


@pytest.fixture
def objects(installation: Installation, cluster: Cluster) -> Objects:
    """The objects of the release's namespace."""
    return cluster.objects(cluster.name(installation.key))


def pods(objects: Objects) -> list[Object]:
    return objects.list("v1 Pod", "app.kubernetes.io/managed-by=Helm")


def described(objects: Objects, words: str) -> None:
    """Wait until an Event of a pod has these words."""

    def said() -> bool:
        events = [event for event in objects.list("v1 Event") if event["involvedObject"]["kind"] == "Pod"]
        return any(re.search(words, event.get("message", "")) for event in events)

    wait_for(said, SECONDS, pause=0.25)


def given_up(installation: Installation, deployment: str) -> None:
    """Helm names the Deployment whose pods it has waited for."""
    assert f"/{deployment} not ready. status: InProgress, message: Available: 0/1" in installation.said()


@pytest.mark.parametrize("installation", [IMAGE], ids=["image"])
def test_an_image_that_is_not_there_is_named(installation: Installation, objects: Objects) -> None:
    described(objects, 'ontainer image "localhost/not-there:1"|ailed to pull image "localhost/not-there:1"')
    given_up(installation, installation.name)


@pytest.mark.parametrize("installation", [SETTINGS], ids=["settings"])
def test_a_mistake_in_the_settings_is_what_the_pod_ended_with(installation: Installation, objects: Objects) -> None:
    """`kubectl describe pod` has it as the message of the last state, not only the log."""

    def ended() -> str:
        for pod in pods(objects):
            for container in pod["status"].get("containerStatuses", ()):
                for state in (container["state"], container["lastState"]):
                    if state.get("terminated"):
                        return str(state["terminated"].get("message", ""))
        return ""

    assert "backoff_initial_seconds is above backoff_max_seconds; lower it" in wait_for(ended, SECONDS, pause=0.25)
    given_up(installation, installation.name)


@pytest.mark.parametrize("installation", [SCHEMA], ids=["schema"])
def test_a_setting_out_of_range_is_refused_before_anything_is_installed(
    installation: Installation, objects: Objects
) -> None:
    assert "at '/settings/workers': maximum: got 1,000, want 256" in installation.said()
    assert pods(objects) == []


@pytest.mark.parametrize("installation", [NAMESPACE], ids=["namespace"])
def test_a_listed_namespace_that_is_not_there_is_named(installation: Installation) -> None:
    assert 'namespaces "not-there" not found' in installation.said()


@pytest.mark.parametrize("installation", [SECRET], ids=["secret"])
def test_a_certificate_that_is_not_there_is_named(installation: Installation, objects: Objects) -> None:
    described(objects, r'MountVolume.SetUp failed for volume "tls" : secret "not-there" not found')
    given_up(installation, f"{installation.name}-rest")


@pytest.mark.parametrize("installation", [RIGHTS], ids=["rights"])
def test_what_the_operator_may_not_do_is_in_its_log(
    installation: Installation, objects: Objects, cluster: Cluster
) -> None:
    def logged() -> bool:
        arguments = ("--tail=-1", f"--selector=app.kubernetes.io/instance={installation.key}")
        log = cluster.kubectl("logs", f"--namespace={objects.namespace}", *arguments)
        return '"message":"permission missing","permission":"list nimservices.apps.nvidia.com' in log

    described(objects, "Readiness probe failed: HTTP probe failed with statuscode: 503")
    assert wait_for(logged, SECONDS, pause=1)
    given_up(installation, installation.name)
