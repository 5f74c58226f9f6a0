"""What Ready says when the NIM Operator does not act: the known cause, and which NIMService probably causes it."""

from typing import Final

from runai_nim.domain.observed import ObservedPod
from runai_nim.domain.status.facts import Facts

_PULL_FAILURES: Final = frozenset({"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"})

_CAUSE: Final = (
    "a known cause is an image whose registry doesn't answer: the NIM Operator waits for it in its only worker and"
    " starves every other NIMService"
)
_WAY_ROUND: Final = "use spec.modelStore.nimCache there, with which the NIM Operator doesn't ask the registry"


def silence_message(f: Facts) -> str:
    """The message of NIMOperatorNotResponding."""
    pods = f"; of the pods: {f.pod_problem.message}" if f.pod_problem else ""
    return (
        f"the NIM Operator has not acted on NIMService {f.name} within nim_operator_deadline_seconds; check that it"
        f" runs, and its log; {_CAUSE}; {_suspects(f)}{_WAY_ROUND}{pods}"
    )


def _suspects(f: Facts) -> str:
    """Who probably causes it. Names of other namespaces are left out: users may not see them."""
    names = [name for namespace, name in f.image_pull_failures if namespace == f.namespace]
    if names:
        return f"NIMService {names[0]} can't pull its image and is the probable cause; "
    if f.image_pull_failures:
        return "a NIMService in another namespace can't pull its image and is the probable cause; "
    return ""


def has_image_pull_failure(pod: ObservedPod) -> bool:
    """Whether the kubelet can't pull an image of the pod, for which its registry may be the reason."""
    return pod.waiting_state[0] in _PULL_FAILURES
