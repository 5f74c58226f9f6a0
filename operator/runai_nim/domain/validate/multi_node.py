"""Rules for spec.multiNode: fields that the NIM Operator drops or breaks for leader and workers.

`plan.multi_node` checks that multiNode doesn't change.
"""

from collections.abc import Iterator
from typing import Final

from runai_nim.api.v1alpha1 import Compute, ServingPort
from runai_nim.domain.finding import Finding
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.launcher import has_ray, image_launcher, launcher_of, named_launcher
from runai_nim.domain.validate.subject import ValidationSubject

MAX_MULTI_NODE_NAME_LENGTH: Final = 44
"""`<name>-lws-<group>` names a StatefulSet, which fails above 52 characters."""
_INCOMPATIBLE_RULE: Final = "beside multiNode"


def check_workers(candidate: ValidationSubject) -> Iterator[Finding]:
    """workers is required and doesn't count the leader."""
    multi_node = candidate.spec.multi_node
    if multi_node is not None and multi_node.workers is None:
        remedy = "give the number of worker pods beside the leader, or remove multiNode"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="spec.multiNode.workers", must="be set", remedy=remedy)


def check_multi_node_name(candidate: ValidationSubject) -> Iterator[Finding]:
    """The name is at most MAX_MULTI_NODE_NAME_LENGTH characters long."""
    name = candidate.name
    if candidate.spec.multi_node is not None and len(name) > MAX_MULTI_NODE_NAME_LENGTH:
        rule = f"have at most {MAX_MULTI_NODE_NAME_LENGTH} characters with multiNode (it has {len(name)})"
        remedy = "choose another name and create the RunaiNimService again"
        yield Finding(reason=Reason.INVALID_NAME, path="metadata.name", value=name, must=rule, remedy=remedy)


def check_multi_node_or_autoscaling(candidate: ValidationSubject) -> Iterator[Finding]:
    """multiNode excludes autoscaling: an HPA doesn't scale groups of pods."""
    if candidate.spec.multi_node is not None and candidate.spec.autoscaling is not None:
        yield _conflict("spec.autoscaling", None, f"be absent {_INCOMPATIBLE_RULE}", "remove it, or remove multiNode")


def check_multi_node_shares(candidate: ValidationSubject) -> Iterator[Finding]:
    """Leader and workers need whole GPUs; a portion of 0 or 1 is no share."""
    compute = candidate.spec.compute or Compute()
    whole = compute.gpu_request_type == "portion" and compute.gpu_portion_request in (None, 0, 1)
    if candidate.spec.multi_node is not None and compute.gpu_request_type is not None and not whole:
        rule = f"not ask for a share of a GPU {_INCOMPATIBLE_RULE}"
        remedy = "ask for whole GPUs with gpuDevicesRequest alone, or remove multiNode"
        yield _conflict("spec.compute.gpuRequestType", compute.gpu_request_type, rule, remedy)


def check_multi_node_gpus(candidate: ValidationSubject) -> Iterator[Finding]:
    """The model is spread over the GPUs of each pod, so at least one is required."""
    compute = candidate.spec.compute or Compute()
    if candidate.spec.multi_node is None:
        return
    devices = compute.gpu_devices_request
    path = "spec.compute.gpuDevicesRequest"
    rule = f"be at least 1 {_INCOMPATIBLE_RULE}"
    remedy = "give the number of GPUs of each pod, or remove multiNode"
    if devices is None:
        yield Finding(reason=Reason.REQUIRED_FIELD, path=path, must=rule, remedy=remedy)
    elif devices == 0:
        yield _conflict(path, "0", rule, remedy)
    elif compute.gpu_portion_request == 0:
        rule = f"not be 0 {_INCOMPATIBLE_RULE}"
        remedy = "remove it and gpuRequestType for whole GPUs, or remove multiNode"
        yield _conflict("spec.compute.gpuPortionRequest", "0", rule, remedy)


def check_multi_node_pools(candidate: ValidationSubject) -> Iterator[Finding]:
    """nodePools is rejected: the NIM Operator sets no affinity on leader and workers."""
    if candidate.spec.multi_node is not None and candidate.spec.node_pools:
        rule = f"be absent {_INCOMPATIBLE_RULE}, the NIM Operator drops it and the pods would run in any pool"
        yield _conflict("spec.nodePools", " ".join(candidate.spec.node_pools), rule, "remove it, or remove multiNode")


def check_multi_node_ports(candidate: ValidationSubject) -> Iterator[Finding]:
    """Pods have one port; metricsPort equal to port counts as absent."""
    serving = candidate.spec.serving_port or ServingPort()
    if candidate.spec.multi_node is None:
        return
    metrics = None if serving.metrics_port == serving.port else serving.metrics_port
    for field, port in (("grpcPort", serving.grpc_port), ("metricsPort", metrics)):
        if port is not None:
            rule = f"be absent {_INCOMPATIBLE_RULE}, the NIM Operator opens no such port on the pods"
            yield _conflict(f"spec.servingPort.{field}", str(port), rule, "remove it, or remove multiNode")


def check_multi_node_pull_policy(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: the NIM Operator drops imagePullPolicy, so Kubernetes' default applies."""
    policy = candidate.spec.image_pull_policy
    if candidate.spec.multi_node is not None and policy is not None:
        rule = f"be absent {_INCOMPATIBLE_RULE}, the NIM Operator drops it"
        yield Finding(
            reason=Reason.IGNORED_FIELD,
            path="spec.imagePullPolicy",
            value=policy,
            must=rule,
            remedy="remove it",
            severity="warning",
        )


def check_multi_node_start(candidate: ValidationSubject) -> Iterator[Finding]:
    """A service can't be created stopped: the NIM Operator writes the groups' hosts once and could never start it."""
    spec = candidate.spec
    if spec.multi_node is None or candidate.context.nimservice_exists:
        return
    if spec.replicas == 0:
        rule = "be at least 1 when a service with multiNode is created"
        yield _conflict("spec.replicas", "0", rule, "raise it; it can be stopped later")
    if spec.desired_phase == "Stopped":
        rule = "be Running when a service with multiNode is created"
        yield _conflict("spec.desiredPhase", "Stopped", rule, "remove it; it can be stopped later")


def check_launcher(candidate: ValidationSubject) -> Iterator[Finding]:
    """Whether the image starts by MPI or by Ray must be known, and the NIM Operator must be able to do it.

    Only a warning for a service that exists, and where the NIM Operator has no choice: these start by MPI, as before.
    """
    spec = candidate.spec
    context = candidate.context
    if spec.multi_node is None or named_launcher(spec, context.settings):
        return
    needed = image_launcher(spec)
    if needed is None and has_ray(context):
        yield Finding(
            reason=Reason.REQUIRED_FIELD,
            path="spec.multiNode.launcher",
            must="be set, the tag of spec.image doesn't tell NIM 1.x (mpi) from NIM 2.0 or newer (ray)",
            remedy="set it to mpi or ray, or use a tag with the version",
            severity="warning" if context.nimservice_exists else "error",
        )
    if needed == "ray" and not has_ray(context):
        yield Finding(
            reason=Reason.NOT_INSTALLED,
            path="spec.image",
            value=spec.image,
            must="be of NIM 1.x, the NIM Operator of this cluster starts several nodes by MPI, which NIM 2.0 lacks",
            remedy="install NIM Operator 3.1.1 or newer, or set multiNode.launcher: mpi if the image has MPI",
            severity="warning",
        )


def check_start_timeout(candidate: ValidationSubject) -> Iterator[Finding]:
    """startTimeoutSeconds is a bound on MPI; with Ray the NIM Operator has none."""
    multi_node = candidate.spec.multi_node
    if multi_node is None or multi_node.start_timeout_seconds is None:
        return
    if launcher_of(candidate.spec, candidate.context) == "ray":
        yield _conflict(
            "spec.multiNode.startTimeoutSeconds",
            str(multi_node.start_timeout_seconds),
            "be absent with launcher ray, the NIM Operator has no such bound for it",
            "remove it",
        )


def check_tensor_parallelism(candidate: ValidationSubject) -> Iterator[Finding]:
    """A layer is shared by the GPUs of one pod, or by those of all pods where the NIM Operator can do that."""
    multi_node = candidate.spec.multi_node
    compute = candidate.spec.compute or Compute()
    gpus = compute.gpu_devices_request
    if multi_node is None or multi_node.tensor_parallelism is None or not gpus or multi_node.workers is None:
        return
    path = "spec.multiNode.tensorParallelism"
    asked = multi_node.tensor_parallelism
    of_all = gpus * (multi_node.workers + 1)
    if asked not in (gpus, of_all):
        rule = f"be {gpus}, the GPUs of a pod (gpuDevicesRequest), or {of_all}, those of all pods"
        yield _conflict(path, str(asked), rule, "correct it, or remove it for the GPUs of a pod")
    elif asked == of_all and not has_ray(candidate.context):
        yield Finding(
            reason=Reason.NOT_INSTALLED,
            path=path,
            value=str(asked),
            must=f"be {gpus}, this cluster's NIM Operator shares a layer within a pod only",
            remedy="remove it, or install NIM Operator 3.1.1 or newer",
        )


def check_multi_node_scheduler(candidate: ValidationSubject) -> Iterator[Finding]:
    """The NIM Operator sets no scheduler on workers; on Run:ai the platform's admission adds it."""
    settings = candidate.context.settings
    if candidate.spec.multi_node is None or settings.dialect != "kai":
        return
    if not settings.multi_node_workers_scheduled_elsewhere:
        rule = f"be absent, the NIM Operator doesn't tell worker pods to be scheduled by {settings.scheduler_name}"
        remedy = "remove it, or set multi_node_workers_scheduled_elsewhere in the operator's settings if something does"
        yield Finding(reason=Reason.NOT_CONFIGURED, path="spec.multiNode", must=rule, remedy=remedy)


def _conflict(path: str, value: str | None, rule: str, remedy: str) -> Finding:
    return Finding(reason=Reason.CONFLICTING_FIELDS, path=path, value=value, must=rule, remedy=remedy)
