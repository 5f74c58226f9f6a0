"""Every reason of a condition, a finding or an Event, with its meaning. Reasons are part of the API."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Self


class Reason(StrEnum):
    """A CamelCase word for programs; `meaning` is its description."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """A member from its word and its meaning."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    RUNNING = "Running", "every replica is available and the model answers"
    STOPPED = "Stopped", "stopped on purpose; Ready is True, as of a Deployment with no replicas"
    STOPPING = "Stopping", "stopped on purpose, and pods are still going"
    DELETING = "Deleting", "the RunaiNimService is being deleted"
    NAMESPACE_TERMINATING = "NamespaceTerminating", "its namespace is being deleted"
    PREVIOUS_INSTANCE_TERMINATING = (
        "PreviousInstanceTerminating",
        "an object of a deleted RunaiNimService of this name is not gone yet",
    )
    NIM_OPERATOR_NOT_INSTALLED = "NIMOperatorNotInstalled", "the cluster has no NIMService kind"
    NIM_SERVICE_NOT_SEEN = "NIMServiceNotSeen", "the NIM Operator has not acted on this spec yet"
    NIM_OPERATOR_NOT_RESPONDING = (
        "NIMOperatorNotResponding",
        "the NIM Operator has not acted within the time that the settings give it",
    )
    NIM_SERVICE_FAILED = "NIMServiceFailed", "the NIM Operator reports a failure, in its own words"
    ROLLING_OUT = "RollingOut", "pods of this spec replace older ones"
    REPLICAS_NOT_READY = "ReplicasNotReady", "some replicas are ready, not all"
    PODS_NOT_READY = "PodsNotReady", "pods are starting, or the model does not answer yet"
    CRASH_LOOPING = "CrashLooping", "a container exits again and again; the message has its last exit"
    IMAGE_PULL_FAILED = "ImagePullFailed", "a pod can't pull its image"
    CONTAINER_NOT_CREATED = (
        "ContainerNotCreated",
        "a container can't be created, often because a Secret or a key in it is missing",
    )
    CONTAINER_WAITING = "ContainerWaiting", "a container waits, for a reason that the message names"
    UNSCHEDULABLE = "Unschedulable", "the scheduler can't place a pod, in its own words: quota, node pool, resources"
    SCHEDULER_NOT_RESPONDING = (
        "SchedulerNotResponding",
        "no scheduler has reported on a pod within the time that the settings give it",
    )
    PROBE_FAILING = "ProbeFailing", "a container runs, and its readiness probe fails"

    INVALID_NAME = "InvalidName", "the name, or one in the spec, can't be used"
    RESERVED_KEY = "ReservedKey", "a label or annotation belongs to a scheduler, an operator or the cluster's edge"
    UNKNOWN_FIELD = "UnknownField", "the API has no such field"
    REQUIRED_FIELD = "RequiredField", "a field must be set"
    INVALID_VALUE = "InvalidValue", "a value is not allowed"
    INVALID_QUANTITY = "InvalidQuantity", "an amount can't be read, or is out of bounds"
    DUPLICATE_VALUE = "DuplicateValue", "something is listed twice"
    CONFLICTING_FIELDS = "ConflictingFields", "two fields exclude each other"
    LIMIT_BELOW_REQUEST = "LimitBelowRequest", "a limit is below its request"
    NOT_CONFIGURED = "NotConfigured", "the operator's settings lack what the field needs"
    NOT_ALLOWED = "NotAllowed", "the operator's settings don't allow the value"
    HOST_TAKEN = "HostTaken", "the host is reserved, or a route of another namespace has it"
    NOT_INSTALLED = "NotInstalled", "the cluster's NIMService kind lacks what the field becomes"
    NAME_CONFLICT = "NameConflict", "an object of that name belongs to somebody else"
    FIELD_CONFLICT = "FieldConflict", "another field manager keeps changing what the operator sets"
    WRITE_REFUSED = "WriteRefused", "the API server refuses what was made of the spec"
    CLAIM_CANNOT_SHRINK = "ClaimCannotShrink", "a claim that was made can only grow"
    CLAIM_IMMUTABLE = "ClaimImmutable", "class and access modes of a claim that was made stay as they are"
    MULTI_NODE_IMMUTABLE = "MultiNodeImmutable", "several nodes stay as they were made"

    IGNORED_FIELD = "IgnoredField", "a field has no effect as things are"
    QUEUE_UNKNOWN = "QueueUnknown", "the namespace names no queue (kai dialect)"
    PROJECT_UNKNOWN = "ProjectUnknown", "the namespace belongs to no project (runai dialect)"

    TRANSLATED = "Translated", "every field has its place"
    TRANSLATED_WITH_WARNINGS = "TranslatedWithWarnings", "every field has its place, and the message says what is odd"
    PAUSED = "Paused", "the annotation `runai-nim.io/paused` keeps the NIMService as it is"

    NIM_CACHE_READY = "NIMCacheReady", "the NIMCache is ready"
    NIM_CACHE_NOT_FOUND = "NIMCacheNotFound", "the NIMCache does not exist"
    NIM_CACHE_NOT_READY = "NIMCacheNotReady", "the NIMCache is not ready yet, in its own words"
    NIM_CACHE_FAILED = "NIMCacheFailed", "the NIMCache has failed, in its own words"
    CLAIM_BOUND = "ClaimBound", "the claim is bound"
    CLAIM_PENDING = "ClaimPending", "the claim waits for a volume, or for its first pod"
    CLAIM_NOT_FOUND = "ClaimNotFound", "the claim does not exist"
    CLAIM_NOT_MADE = "ClaimNotMade", "the claim is the operator's to make, and something keeps it from that"
    CLAIM_TERMINATING = "ClaimTerminating", "the claim is being deleted, and goes with its last pod"
    CLAIM_LOST = "ClaimLost", "the claim has lost its volume"
    NOT_TRANSLATED = "NotTranslated", "the spec is refused, so nothing is known"

    READY = "Ready", "the NIMService runs this spec and answers"
    NOT_WRITTEN = "NotWritten", "there is no NIMService of this RunaiNimService"
    NOT_SEEN = "NotSeen", "the NIM Operator has not acted on this spec yet"
    NOT_READY = "NotReady", "the NIM Operator runs this spec, which is not ready yet"
    FAILED = "Failed", "the NIM Operator reports a failure"

    ROUTER_WRITTEN = "RouterWritten", "the NIM Operator is asked to route the URL"
    ROUTE_WRITTEN = "RouteWritten", "a route of our own leads to the Service"
    NOT_WANTED = "NotWanted", "`exposeExternally` is false"
    GRPC_NEEDS_GATEWAY = "GrpcNeedsGateway", "gRPC was asked for, and the operator is configured for an ingress"
    KIND_NOT_INSTALLED = "KindNotInstalled", "the cluster lacks the Gateway API"
    ROUTE_REFUSED = (
        "RouteRefused",
        "the API server refuses a route of our own, or to delete one that is not wanted any more",
    )


READY: Final = (
    Reason.RUNNING,
    Reason.STOPPED,
    Reason.STOPPING,
    Reason.DELETING,
    Reason.NAMESPACE_TERMINATING,
    Reason.PREVIOUS_INSTANCE_TERMINATING,
    Reason.NIM_OPERATOR_NOT_INSTALLED,
    Reason.NIM_SERVICE_NOT_SEEN,
    Reason.NIM_OPERATOR_NOT_RESPONDING,
    Reason.NIM_SERVICE_FAILED,
    Reason.ROLLING_OUT,
    Reason.REPLICAS_NOT_READY,
    Reason.PODS_NOT_READY,
    Reason.CRASH_LOOPING,
    Reason.IMAGE_PULL_FAILED,
    Reason.CONTAINER_NOT_CREATED,
    Reason.CONTAINER_WAITING,
    Reason.UNSCHEDULABLE,
    Reason.SCHEDULER_NOT_RESPONDING,
    Reason.PROBE_FAILING,
)
"""Reasons of Ready, and of Reconciling or Stalled with it. Ready can also have the reasons of the conditions below."""
REFUSED: Final = (
    Reason.INVALID_NAME,
    Reason.RESERVED_KEY,
    Reason.UNKNOWN_FIELD,
    Reason.REQUIRED_FIELD,
    Reason.INVALID_VALUE,
    Reason.INVALID_QUANTITY,
    Reason.DUPLICATE_VALUE,
    Reason.CONFLICTING_FIELDS,
    Reason.LIMIT_BELOW_REQUEST,
    Reason.NOT_CONFIGURED,
    Reason.NOT_ALLOWED,
    Reason.HOST_TAKEN,
    Reason.NOT_INSTALLED,
    Reason.NAME_CONFLICT,
    Reason.FIELD_CONFLICT,
    Reason.WRITE_REFUSED,
    Reason.CLAIM_CANNOT_SHRINK,
    Reason.CLAIM_IMMUTABLE,
    Reason.MULTI_NODE_IMMUTABLE,
)
"""Reasons of Translated False or of Stalled: a user has to change something."""
WARNINGS: Final = (
    Reason.IGNORED_FIELD,
    Reason.QUEUE_UNKNOWN,
    Reason.PROJECT_UNKNOWN,
)
"""Warnings behind reason TranslatedWithWarnings."""
OTHERS: Final[Mapping[str, tuple[Reason, ...]]] = {
    "Translated": (
        Reason.TRANSLATED,
        Reason.TRANSLATED_WITH_WARNINGS,
        Reason.PAUSED,
    ),
    "StorageReady": (
        Reason.NIM_CACHE_READY,
        Reason.NIM_CACHE_NOT_FOUND,
        Reason.NIM_CACHE_NOT_READY,
        Reason.NIM_CACHE_FAILED,
        Reason.CLAIM_BOUND,
        Reason.CLAIM_PENDING,
        Reason.CLAIM_NOT_FOUND,
        Reason.CLAIM_NOT_MADE,
        Reason.CLAIM_TERMINATING,
        Reason.CLAIM_LOST,
        Reason.NOT_TRANSLATED,
    ),
    "NIMServiceReady": (
        Reason.READY,
        Reason.NOT_WRITTEN,
        Reason.NOT_SEEN,
        Reason.NOT_READY,
        Reason.FAILED,
    ),
    "Exposed": (
        Reason.ROUTER_WRITTEN,
        Reason.ROUTE_WRITTEN,
        Reason.NOT_WANTED,
        Reason.NOT_CONFIGURED,
        Reason.GRPC_NEEDS_GATEWAY,
        Reason.KIND_NOT_INSTALLED,
        Reason.NAME_CONFLICT,
        Reason.ROUTE_REFUSED,
        Reason.PREVIOUS_INSTANCE_TERMINATING,
        Reason.NOT_WRITTEN,
        Reason.NOT_TRANSLATED,
    ),
}
"""Reasons of the other conditions, by type."""
