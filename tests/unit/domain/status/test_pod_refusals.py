"""Refusals of pods, in the API server's own words, and what is advised."""

import pytest

from runai_nim.domain.status.pod_refusals import remedy_of

PODS = 'pods "llama-8b-6d5c9cd4c5-x2x7k" is forbidden: '


@pytest.mark.parametrize(
    ("sentence", "remedy"),
    [
        (
            f'{PODS}violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set'
            " securityContext.allowPrivilegeEscalation=false)",
            "pod-security.kubernetes.io/enforce: baseline",
        ),
        (
            f"{PODS}exceeded quota: gpu-quota, requested: requests.nvidia.com/gpu=1, used: requests.nvidia.com/gpu=4,"
            " limited: requests.nvidia.com/gpu=4",
            "have the ResourceQuota raised",
        ),
        (
            f"{PODS}failed quota: compute: must specify limits.cpu for: c; limits.memory for: c",
            "set them in spec.compute",
        ),
        (f"{PODS}maximum memory usage per Container is 16Gi, but limit is 64Gi", "LimitRange"),
        (f"{PODS}minimum cpu usage per Pod is 100m, but request is 10m", "LimitRange"),
        (f"{PODS}cpu max limit to request ratio per Container is 2, but provided ratio is 4.000000", "LimitRange"),
        (
            'admission webhook "vpod.kb.io" denied the request: attempting to create a pod a/b with gpu sharing'
            " request, while GPU sharing is disabled",
            "global.gpuSharing: true",
        ),
        (f'{PODS}pod rejected: RuntimeClass "nvidia" not found', "NVIDIA GPU Operator"),
        (f"{PODS}no PriorityClass with name train was found", "spec.priorityClass"),
        (f"{PODS}unable to validate against any security context constraint: [provider nonroot: …]", "SCC"),
        (f'{PODS}error looking up service account a/b: serviceaccount "b" not found', "NIM Operator"),
        (
            'Internal error occurred: failed calling webhook "v.kb.io": Post "https://a.b.svc": EOF',
            "behind this admission webhook",
        ),
        (
            'admission webhook "validate.kyverno.svc-fail" denied the request: labels are missing',
            "meet what it asks for",
        ),
        (f"{PODS}ValidatingAdmissionPolicy 'x' with binding 'y' denied request: no", "meet what it asks for"),
        ('Pod "x" is invalid: spec.containers[0].image: Required value', "what the API server names"),
    ],
)
def test_each_kind_of_refusal_has_its_remedy(sentence: str, remedy: str) -> None:
    assert remedy in remedy_of(sentence)
