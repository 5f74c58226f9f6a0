"""Why a model does not run, in the words of those who know: what is really wrong, and what the status says of it.

Kubelet, controllers and scheduler speak for themselves here. Where the status says less than they do, the expected
message shows what it says today.
"""

from dataclasses import dataclass

import pytest

from tests.e2e.models import COMPUTE, Case, Model

PROVISIONER = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass"}
STARTING = r"^0 of 1 replicas are available$"


@dataclass(frozen=True)
class Cause:
    """What somebody says of which kind of object, as reason and words."""

    kind: str
    reason: str
    words: str


def volume(name: str) -> dict[str, object]:
    """A volume of the node's disk whose folder isn't there."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "persistentVolumeReclaimPolicy": "Delete",
            "hostPath": {"path": "/not/there", "type": "Directory"},
        },
    }


@dataclass(frozen=True)
class Told:
    """What is wrong, and the status: phase, Ready's reason, and a pattern of its message."""

    cause: Cause
    phase: str
    reason: str
    message: str


TOLD = [
    (
        Case("image", spec={"image": "registry.invalid/nim:1"}),
        Told(
            Cause("Pod", "Failed", r'failed to resolve reference "registry.invalid/nim:1"'),
            "Initializing", "ImagePullFailed",
            r"^pod nim-\S+ can't pull its image .*registry\.invalid.*; check spec.image and spec.imagePullSecrets$",
        ),
    ),
    (
        Case("crash", {"NIM_TEST_CRASH_AFTER": "1", "NIM_TEST_EXIT_CODE": "3"}),
        Told(
            Cause("Pod", "BackOff", "Back-off restarting failed container nim-ctr"),
            "Failed", "CrashLooping",
            r"^pod (nim-\S+) exits again and again \(last: Error, exit code 3\); see kubectl logs \1 --previous; if",
        ),
    ),
    (
        Case("memory", {"NIM_TEST_MEMORY_MB": "512"}),
        Told(
            Cause("Pod", "BackOff", "Back-off restarting failed container nim-ctr"),
            "Failed", "CrashLooping", r"\(last: OOMKilled, exit code 137\).*raise spec.compute.cpuMemoryLimit",
        ),
    ),
    (
        Case("secret", auth="another-one"),
        Told(
            Cause("Pod", "Failed", 'secret "ngc" not found'),
            "Initializing", "ContainerNotCreated",
            r"can't start its container \(CreateContainerConfigError\): secret \"ngc\" not found$",
        ),
    ),
    (
        # The probe's words are in the pod's Events alone: no field of the pod has them.
        Case("startup", {"NIM_TEST_NEVER_READY": "1"}),
        Told(
            Cause("Pod", "Unhealthy", "^Startup probe failed: HTTP probe failed with statuscode: 503$"),
            "Initializing", "PodsNotReady", STARTING,
        ),
    ),
    (
        Case("readiness", {"NIM_TEST_READY_SECONDS": "25"}),
        Told(
            Cause("Pod", "Unhealthy", "^Readiness probe failed: HTTP probe failed with statuscode: 503$"),
            "Degraded", "ProbeFailing", "container nim-ctr of pod nim-.* runs, and its readiness probe fails$",
        ),
    ),
    (
        Case("gpus", spec={"compute": COMPUTE | {"gpuDevicesRequest": 9}}),
        Told(
            Cause("Pod", "Unschedulable", "Insufficient nvidia.com/gpu"),
            "Pending", "Unschedulable",
            r"^default-scheduler can't place pod nim-\S+: 0/\d+ nodes are available: .*Insufficient nvidia.com/gpu",
        ),
    ),
    (
        # There is no pod: the Deployment has the API server's words.
        Case(
            "quota",
            others=(
                {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-pods"},
                 "spec": {"hard": {"pods": "0"}}},
            ),
        ),
        Told(
            Cause("ReplicaSet", "FailedCreate", "exceeded quota: no-pods, requested: pods=1, used: pods=0, limited"),
            "Pending", "PodsRefused", "exceeded quota: no-pods, requested: pods=1.*have the ResourceQuota raised$",
        ),
    ),
    (
        Case("restricted", labels={"pod-security.kubernetes.io/enforce": "restricted"}),
        Told(
            Cause("ReplicaSet", "FailedCreate", r'violates PodSecurity "restricted:latest".*"nim-ctr" must set'),
            "Pending", "PodsRefused", r'violates PodSecurity "restricted:latest".*"nim-ctr" must set',
        ),
    ),
    (
        # The pod has its node, and the kubelet speaks in Events alone.
        Case(
            "volume",
            others=(volume("{namespace}"),),
            spec={"modelStore": {"pvc": {"claimInfo": {"size": "1Gi", "storageClass": "{namespace}"}}}},
        ),
        Told(
            Cause("Pod", "FailedMount", "hostPath type check failed: /not/there is not a directory"),
            "Initializing", "PodNotStarted", "FailedMount: .*hostPath type check failed: /not/there is not a directory",
        ),
    ),
    (
        Case(
            "claim",
            others=({**PROVISIONER, "metadata": {"name": "{namespace}"}, "provisioner": "runai-nim.io/nobody"},),
            spec={"modelStore": {"pvc": {"claimInfo": {"size": "1Gi", "storageClass": "{namespace}"}}}},
        ),
        Told(
            Cause("PersistentVolumeClaim", "ExternalProvisioning", "by the external provisioner 'runai-nim.io/nobody'"),
            "Pending", "Unschedulable", "pod has unbound immediate PersistentVolumeClaims",
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("case", "told"), [pytest.param(case, told, id=case.key) for case, told in TOLD])
def test_the_status_says_what_is_wrong(model: Model, told: Told) -> None:
    model.said(told.cause.kind, told.cause.reason, told.cause.words)
    model.becomes(told.phase, told.reason, told.message)


CLAIM = next(case for case, _ in TOLD if case.key == "claim")


@pytest.mark.parametrize("case", [CLAIM], ids=["claim"])
def test_a_claim_that_nobody_serves_is_told_in_a_condition_of_its_own(model: Model) -> None:
    def pending() -> bool:
        return any(
            (found["type"], found["status"], found["reason"]) == ("StorageReady", "Unknown", "ClaimPending")
            for found in model.cr["status"]["conditions"]
        )

    assert model.wait(pending)
