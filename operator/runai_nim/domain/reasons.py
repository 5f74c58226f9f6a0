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
    STOPPED = "Stopped", "stopped by the user; Ready is True, as for a Deployment with 0 replicas"
    STOPPING = "Stopping", "stopped by the user, and pods are still terminating"
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
    NIM_SERVICE_FAILED = "NIMServiceFailed", "the NIM Operator reports a failure; the message quotes it"
    ROLLING_OUT = "RollingOut", "pods with this spec are replacing older ones"
    REPLICAS_NOT_READY = "ReplicasNotReady", "some replicas are ready, not all"
    PODS_NOT_READY = "PodsNotReady", "pods are starting, or the model does not answer yet"
    CRASH_LOOPING = "CrashLooping", "a container is in a crash loop; the message has its last exit"
    IMAGE_PULL_FAILED = "ImagePullFailed", "a pod can't pull its image"
    CONTAINER_NOT_CREATED = (
        "ContainerNotCreated",
        "a container can't be created, often because a Secret or a key in it is missing",
    )
    CONTAINER_WAITING = "ContainerWaiting", "a container waits for the reason in the message"
    UNSCHEDULABLE = (
        "Unschedulable",
        "the scheduler can't place a pod (quota, node pool, resources); the message quotes it",
    )
    SCHEDULER_NOT_RESPONDING = (
        "SchedulerNotResponding",
        "no scheduler has reported on a pod within the time that the settings give it",
    )
    PROBE_FAILING = "ProbeFailing", "a container runs, and its readiness probe fails"

    INVALID_NAME = "InvalidName", "the name of the resource, or one in the spec, is invalid"
    RESERVED_KEY = "ReservedKey", "a label or annotation is reserved for a scheduler, an operator or the cluster's edge"
    UNKNOWN_FIELD = "UnknownField", "the API has no such field"
    REQUIRED_FIELD = "RequiredField", "a required field is missing"
    INVALID_VALUE = "InvalidValue", "a value is not allowed"
    INVALID_QUANTITY = "InvalidQuantity", "a quantity is malformed or out of range"
    DUPLICATE_VALUE = "DuplicateValue", "a list has a duplicate item"
    CONFLICTING_FIELDS = "ConflictingFields", "two fields exclude each other"
    LIMIT_BELOW_REQUEST = "LimitBelowRequest", "a limit is below its request"
    NOT_CONFIGURED = "NotConfigured", "a setting that the field needs is not configured"
    NOT_ALLOWED = "NotAllowed", "the operator's settings don't allow the value"
    HOST_TAKEN = "HostTaken", "the host is reserved, or a route of another namespace uses it"
    NOT_INSTALLED = "NotInstalled", "the cluster's NIMService kind lacks the target of the field"
    NAME_CONFLICT = "NameConflict", "an object with that name has another owner"
    FIELD_CONFLICT = "FieldConflict", "another field manager keeps changing what the operator sets"
    WRITE_REFUSED = "WriteRefused", "the API server rejects an object made from the spec"
    CLAIM_CANNOT_SHRINK = "ClaimCannotShrink", "an existing claim can only grow"
    CLAIM_IMMUTABLE = "ClaimImmutable", "class and access modes of an existing claim are immutable"
    MULTI_NODE_IMMUTABLE = "MultiNodeImmutable", "fields of an existing multi-node service are immutable"

    IGNORED_FIELD = "IgnoredField", "a field has no effect"
    QUEUE_UNKNOWN = "QueueUnknown", "the namespace has no queue (kai dialect)"
    PROJECT_UNKNOWN = "ProjectUnknown", "the namespace belongs to no project (runai dialect)"

    TRANSLATED = "Translated", "every field is translated"
    TRANSLATED_WITH_WARNINGS = "TranslatedWithWarnings", "every field is translated; the message has the warnings"
    PAUSED = "Paused", "the annotation `runai-nim.io/paused` keeps the NIMService as it is"

    NIM_CACHE_READY = "NIMCacheReady", "the NIMCache is ready"
    NIM_CACHE_NOT_FOUND = "NIMCacheNotFound", "the NIMCache does not exist"
    NIM_CACHE_NOT_READY = "NIMCacheNotReady", "the NIMCache is not ready yet; the message quotes it"
    NIM_CACHE_FAILED = "NIMCacheFailed", "the NIMCache has failed; the message quotes it"
    CLAIM_BOUND = "ClaimBound", "the claim is bound"
    CLAIM_PENDING = "ClaimPending", "the claim waits for a volume, or for its first pod"
    CLAIM_NOT_FOUND = "ClaimNotFound", "the claim does not exist"
    CLAIM_NOT_MADE = "ClaimNotMade", "the operator should create the claim, but can't yet"
    CLAIM_TERMINATING = "ClaimTerminating", "the claim is being deleted, and is removed with its last pod"
    CLAIM_LOST = "ClaimLost", "the claim has lost its volume"
    NOT_TRANSLATED = "NotTranslated", "the spec is rejected, so the state is unknown"

    READY = "Ready", "the NIMService runs this spec and answers"
    NOT_WRITTEN = "NotWritten", "this RunaiNimService has no NIMService"
    NOT_SEEN = "NotSeen", "the NIM Operator has not acted on this spec yet"
    NOT_READY = "NotReady", "the NIM Operator runs this spec, which is not ready yet"
    FAILED = "Failed", "the NIM Operator reports a failure"

    ROUTER_WRITTEN = "RouterWritten", "the NIM Operator is asked to route the URL"
    ROUTE_WRITTEN = "RouteWritten", "the operator's own route leads to the Service"
    NOT_WANTED = "NotWanted", "`exposeExternally` is false"
    GRPC_NEEDS_GATEWAY = "GrpcNeedsGateway", "gRPC is requested, and the operator is configured for an ingress"
    KIND_NOT_INSTALLED = "KindNotInstalled", "the cluster lacks the Gateway API"
    ROUTE_REFUSED = (
        "RouteRefused",
        "the API server rejects the operator's own route, or the deletion of an obsolete one",
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
