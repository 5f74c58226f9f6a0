"""The operator's own pods: which of them leads, and that another takes over whatever ends it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from kubernetes.dynamic.exceptions import DynamicApiError

from local.cluster import OPERATOR_NAMESPACE
from local.e2e.installation import RELEASE
from local.objects import Object, Objects, wait_for
from tests.e2e.cluster import Cluster
from tests.e2e.conftest import NOTE
from tests.e2e.models import NAME, NIMSERVICE, SECONDS, Case

OF_THE_OPERATOR = f"app.kubernetes.io/name={RELEASE}"
Note = Callable[[str, object], None]


@pytest.fixture
def objects(cluster: Cluster) -> Objects:
    """The objects of the operator's namespace."""
    return cluster.objects(OPERATOR_NAMESPACE)


def is_ready(pod: Object) -> bool:
    conditions = {found["type"]: found["status"] for found in pod["status"].get("conditions", ())}
    return "deletionTimestamp" not in pod["metadata"] and conditions.get("Ready") == "True"


def ready(objects: Objects) -> dict[str, Object]:
    """The operator's ready pods, by name."""
    return {pod["metadata"]["name"]: pod for pod in objects.list("v1 Pod", OF_THE_OPERATOR) if is_ready(pod)}


def two_ready(objects: Objects) -> dict[str, Object]:
    """Both, once they are."""
    return wait_for(lambda: found if len(found := ready(objects)) == 2 else None, SECONDS, pause=0.25)


def leader(objects: Objects) -> str:
    """Who holds the Lease: its pod's name and some characters of its own."""
    found = objects.get("coordination.k8s.io/v1 Lease", "runai-nim-operator")
    return str((found or {}).get("spec", {}).get("holderIdentity") or "")


def leading_pod(objects: Objects) -> str:
    """The name of the pod that leads."""
    names = list(ready(objects))
    return wait_for(lambda: next((name for name in names if leader(objects).startswith(name)), None), SECONDS)


class Write:
    """A RunaiNimService that can be made at once, since all else that it needs is there."""

    def __init__(self, cluster: Cluster, key: str) -> None:
        self._objects = cluster.make_namespace(key, {})
        # Stopped: what is tried is the write, and no pod is needed for that.
        case = Case(key, spec={"desiredPhase": "Stopped"})
        *others, self._resource = case.manifests(cluster.installed.nim_image, self._objects.namespace)
        for manifest in others:
            self._objects.apply(manifest)

    def seconds(self) -> float:
        """Make it, wait until the operator has written its NIMService, and return the seconds that it took."""
        begun = time.monotonic()
        self._objects.apply(self._resource)
        wait_for(lambda: self._objects.get(NIMSERVICE, NAME), SECONDS)
        return time.monotonic() - begun


def test_both_pods_run_unprivileged_and_the_lease_names_the_one_that_leads(objects: Objects) -> None:
    pods = two_ready(objects)

    assert leading_pod(objects) in pods
    for name, pod in pods.items():
        (container,) = pod["spec"]["containers"]
        sources = {variable["name"]: variable.get("valueFrom", {}) for variable in container["env"]}
        assert sources["POD_ID"]["fieldRef"]["fieldPath"] == "metadata.name"
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["spec"]["securityContext"]["runAsUser"] == 65532
        (status,) = pod["status"]["containerStatuses"]
        assert status["restartCount"] == 0, name
    namespace = objects.get("v1 Namespace", OPERATOR_NAMESPACE)
    assert namespace is not None
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    ("key", "how"), [("killed", ("--force", "--grace-period=0")), ("deleted", ())], ids=["killed", "deleted"]
)
def test_another_pod_writes_at_once_when_the_leader_is(
    key: str, how: tuple[str, ...], cluster: Cluster, objects: Objects, record_property: Note
) -> None:
    two_ready(objects)
    write = Write(cluster, key)
    gone = leading_pod(objects)
    cluster.kubectl("delete", "pod", gone, f"--namespace={OPERATOR_NAMESPACE}", "--wait=false", *how)
    seconds = write.seconds()

    assert seconds < 16 + 5  # the Lease holds 15 s when it was not given back
    record_property(NOTE, f"next write after {seconds:.1f} s")
    two_ready(objects)
    assert leading_pod(objects) != gone


@contextmanager
def counted(objects: Objects) -> Iterator[list[int]]:
    """How many pods of the operator are ready, again and again while the block runs."""
    found: list[int] = []
    ended = threading.Event()

    def count() -> None:
        while not ended.is_set():
            found.append(len(ready(objects)))
            time.sleep(0.1)

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def test_a_rolling_update_leaves_no_gap(cluster: Cluster, objects: Objects, record_property: Note) -> None:
    write = Write(cluster, "rolled")
    before = two_ready(objects)
    where = f"--namespace={OPERATOR_NAMESPACE}"
    begun = time.monotonic()
    with counted(objects) as numbers:
        cluster.kubectl("rollout", "restart", f"deployment/{RELEASE}", where)
        wait_for(lambda: not before.keys() <= ready(objects).keys(), SECONDS)
        written = write.seconds()
        cluster.kubectl("rollout", "status", f"deployment/{RELEASE}", where, "--timeout=180s")

    assert min(numbers) >= 1
    assert not before.keys() & two_ready(objects).keys()
    record_property(NOTE, f"rolled out in {time.monotonic() - begun:.0f} s, a write in its middle took {written:.1f} s")


def test_a_drain_takes_one_pod_at_a_time(objects: Objects) -> None:
    first, second = two_ready(objects)
    objects.evict(first)
    with pytest.raises(DynamicApiError) as refused:
        objects.evict(second)

    assert refused.value.status == 429
    assert "disruption budget" in str(refused.value.body)
    assert first not in two_ready(objects)
    assert objects.get("v1 Pod", second) is not None


def test_no_pod_of_the_operator_has_ended_by_itself(objects: Objects) -> None:
    assert {
        pod["metadata"]["name"]: status["restartCount"]
        for pod in objects.list("v1 Pod")
        for status in pod["status"].get("containerStatuses", ())
        if status["restartCount"]
    } == {}
