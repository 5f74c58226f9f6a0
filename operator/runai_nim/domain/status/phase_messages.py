"""Messages of condition Ready that rows of the phase table share or that need more than one expression."""

from runai_nim.api import well_known
from runai_nim.domain.status.facts import Facts


def rollout_message(f: Facts) -> str:
    """How many replicas are available.

    Counts only: the NIM Operator's message changes with every step of a rollout, and each would cost a status write.
    """
    workload = f.workload
    if workload is None:
        return "the NIM Operator has not created the Deployment or LeaderWorkerSet yet"
    if not workload.is_observed:  # its counts are those of an older generation
        return f"the controller of {workload.kind} {workload.name} has not acted on its newest generation yet"
    if workload.is_rolled_out:
        said = f.nim_message or f.nim_state
        return f"all pods are available; the NIM Operator waits until the model answers: {said}"
    return f"{workload.available_replicas} of {workload.spec_replicas} replicas are available"


def refusal_message(f: Facts) -> str:
    """Every reason why nothing may be written."""
    return "; ".join(finding.message for finding in f.errors)


def pending_message(f: Facts) -> str:
    """Who has to act next on the spec: the operator or the NIM Operator."""
    if not f.is_spec_written:
        return f"the operator has not written this spec to NIMService {f.name} yet"
    return f"the operator has written NIMService {f.name}; the NIM Operator has not acted on it yet"


def progress_message(f: Facts) -> str:
    """What is available, and the problem of a pod."""
    problem = f"; {f.pod_problem.message}" if f.pod_problem else ""
    return rollout_message(f) + problem


def stopping_message(f: Facts) -> str:
    """How many pods are left."""
    if f.workload is None or not f.workload.is_observed:
        return rollout_message(f)
    return f"{f.workload.current_replicas} pods are terminating"


def paused_message(f: Facts) -> str:
    """What the annotation keeps, and how to continue."""
    left = (
        f"NIMService {f.name} keeps its previous spec"
        if f.is_nimservice_written
        else f"there is no NIMService {f.name}"
    )
    return (
        f'the annotation {well_known.PAUSED}: "true" keeps the operator from writing this spec, so {left};'
        " remove the annotation to continue"
    )


def pod_problem_message(f: Facts) -> str:
    """The problem of a pod; empty without one."""
    return f.pod_problem.message if f.pod_problem else ""
