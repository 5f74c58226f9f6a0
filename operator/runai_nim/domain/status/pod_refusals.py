"""Pods that the API server refuses: what a user can do, by the kind of refusal."""

import re
from typing import Final

_REMEDIES: Final = (
    (
        r"violates PodSecurity",
        "the namespace's Pod Security level refuses these pods; run the service in a namespace with a level that admits"
        " them (label pod-security.kubernetes.io/enforce: baseline)",
    ),
    (
        r"failed quota: .*must specify",
        "a ResourceQuota of the namespace wants requests and limits on every pod; set them in spec.compute",
    ),
    (
        r"exceeded quota",
        "end other workloads of the namespace, request less in spec.compute, or have the ResourceQuota raised",
    ),
    (
        r"(minimum|maximum) \S+ usage per|max limit to request ratio per",
        "a LimitRange of the namespace forbids these values; change spec.compute, or have the LimitRange changed",
    ),
    (
        r"(?i)gpu[ -]?sharing.*disabled",
        "the KAI scheduler's GPU sharing is off: request whole GPUs (spec.compute.gpuDevicesRequest), or have it turned"
        " on (global.gpuSharing: true in the values of KAI's chart)",
    ),
    (
        r'RuntimeClass "[^"]*" not found',
        "install what makes this RuntimeClass (nvidia: the NVIDIA GPU Operator, or the container toolkit)",
    ),
    (r"no PriorityClass with name", "create this PriorityClass, or choose another spec.priorityClass"),
    (
        r"security context constraint",
        "grant the pods' ServiceAccount an SCC that admits them (OpenShift: nonroot), or choose spec.security.runAsUid"
        " and runAsGid in the range of the namespace",
    ),
    (r"(?i)service ?account .*not found", "see whether the NIM Operator runs: it makes the pods' ServiceAccount"),
    (r"failed calling webhook", "see whether the service behind this admission webhook runs"),
    (
        r"denied the request|ValidatingAdmissionPolicy",
        "a policy of this cluster refuses these pods; meet what it asks for, or ask whoever runs it",
    ),
)
"""Patterns of the API server's sentence, and the remedy of each. The first match decides."""
_OTHER: Final = "correct what the API server names; the pods then come by themselves"


def remedy_of(sentence: str) -> str:
    """What to do about a refusal, from the API server's sentence: `exceeded quota: gpu-quota, requested: …`."""
    return next((remedy for pattern, remedy in _REMEDIES if re.search(pattern, sentence)), _OTHER)
