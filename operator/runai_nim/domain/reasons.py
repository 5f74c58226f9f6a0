"""Every reason of a condition, a finding or an Event, with its meaning. Reasons are part of the API."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, Self

EventType = Literal["Normal", "Warning"]


class Reason(StrEnum):
    """A CamelCase word for programs.

    `meaning` is its description. `event_type` is the type of its Events: Warning where something is wrong that a user
    may have to look into.
    """

    meaning: str
    event_type: EventType

    def __new__(cls, value: str, meaning: str, event_type: EventType = "Normal") -> Self:
        """A member from its word, its meaning and the type of its Events."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.event_type = event_type
        return member

    RUNNING = "Running", "every replica is available and the model answers"
    SCALED_TO_ZERO = "ScaledToZero", "the autoscaler has taken away all replicas, as minReplicas 0 allows"
    STOPPED = "Stopped", "stopped by the user; Ready is True, as for a Deployment with 0 replicas"
    STOPPING = "Stopping", "stopped by the user, and pods are still terminating"
    DELETING = "Deleting", "the RunaiNimService is being deleted"
    NAMESPACE_TERMINATING = "NamespaceTerminating", "its namespace is being deleted"
    PREVIOUS_INSTANCE_TERMINATING = (
        "PreviousInstanceTerminating",
        "an object of a deleted RunaiNimService of this name is not gone yet",
    )
    NIM_OPERATOR_NOT_INSTALLED = "NIMOperatorNotInstalled", "the cluster has no NIMService kind", "Warning"
    NIM_SERVICE_NOT_SEEN = "NIMServiceNotSeen", "the NIM Operator has not acted on this spec yet"
    NIM_OPERATOR_NOT_RESPONDING = (
        "NIMOperatorNotResponding",
        "the NIM Operator has not acted within the time that the settings give it",
        "Warning",
    )
    NIM_SERVICE_FAILED = "NIMServiceFailed", "the NIM Operator reports a failure; the message quotes it", "Warning"
    ROLLING_OUT = "RollingOut", "pods with this spec are replacing older ones"
    SCALING_REPLICAS = "ScalingReplicas", "replicas are being added or removed; the others keep answering"
    REPLICAS_NOT_READY = (
        "ReplicasNotReady",
        "fewer replicas are available than a rollout or a change of replicas explains",
        "Warning",
    )
    PODS_NOT_READY = "PodsNotReady", "pods are starting, or the model does not answer yet"
    PODS_REFUSED = (
        "PodsRefused",
        "the API server refuses to create pods (quota, Pod Security, a webhook); the message quotes it",
        "Warning",
    )
    CRASH_LOOPING = "CrashLooping", "a container is in a crash loop; the message has its last exit", "Warning"
    STARTUP_PROBE_FAILING = (
        "StartupProbeFailing",
        "the startup probe kills a container again and again before it answers; the message has the probe's bound",
        "Warning",
    )
    IMAGE_PULL_FAILED = "ImagePullFailed", "a pod can't pull its image", "Warning"
    CONTAINER_NOT_CREATED = (
        "ContainerNotCreated",
        "a container can't be created, often because a Secret or a key in it is missing",
        "Warning",
    )
    CONTAINER_WAITING = "ContainerWaiting", "a container waits for the reason in the message", "Warning"
    POD_NOT_STARTED = (
        "PodNotStarted",
        "a pod has a node and is not started (volume, Secret, network); the message quotes its events",
        "Warning",
    )
    UNSCHEDULABLE = (
        "Unschedulable",
        "the scheduler can't place a pod (quota, node pool, resources); the message quotes it",
        "Warning",
    )
    QUEUE_NOT_FOUND = (
        "QueueNotFound",
        "the scheduler knows no such queue, or the queue has others below it; the message names it",
        "Warning",
    )
    SCHEDULER_NOT_RESPONDING = (
        "SchedulerNotResponding",
        "no scheduler has reported on a pod within the time that the settings give it",
        "Warning",
    )
    PROBE_FAILING = "ProbeFailing", "a container runs, and its readiness probe fails", "Warning"
    POD_EVICTED = (
        "PodEvicted",
        "Kubernetes evicted a pod (pressure on its node, a drain); the message quotes it",
        "Warning",
    )
    POD_PREEMPTED = "PodPreempted", "a scheduler ended a pod to make room for pods of higher priority", "Warning"
    NODE_LOST = "NodeLost", "the node of a pod does not answer or is gone", "Warning"

    INVALID_NAME = "InvalidName", "the name of the resource, or one in the spec, is invalid", "Warning"
    RESERVED_KEY = (
        "ReservedKey",
        "a label or annotation is reserved for a scheduler, an operator or the cluster's edge",
        "Warning",
    )
    UNKNOWN_FIELD = "UnknownField", "the API has no such field", "Warning"
    REQUIRED_FIELD = "RequiredField", "a required field is missing", "Warning"
    INVALID_VALUE = "InvalidValue", "a value is not allowed", "Warning"
    INVALID_QUANTITY = "InvalidQuantity", "a quantity is malformed or out of range", "Warning"
    DUPLICATE_VALUE = "DuplicateValue", "a list has a duplicate item", "Warning"
    CONFLICTING_FIELDS = "ConflictingFields", "two fields exclude each other", "Warning"
    LIMIT_BELOW_REQUEST = "LimitBelowRequest", "a limit is below its request", "Warning"
    NOT_CONFIGURED = "NotConfigured", "a setting that the field needs is not configured", "Warning"
    NOT_ALLOWED = "NotAllowed", "the operator's settings don't allow the value", "Warning"
    POLICY_VIOLATION = "PolicyViolation", "a policy doesn't allow the value; the message names the policy", "Warning"
    HOST_TAKEN = "HostTaken", "the host is reserved, or a route of another namespace uses it", "Warning"
    NOT_INSTALLED = "NotInstalled", "the cluster's NIMService kind lacks the target of the field", "Warning"
    NAME_CONFLICT = "NameConflict", "an object with that name has another owner", "Warning"
    FIELD_CONFLICT = "FieldConflict", "another field manager keeps changing what the operator sets", "Warning"
    WRITE_REFUSED = "WriteRefused", "the API server rejects an object made from the spec", "Warning"
    CLAIM_CANNOT_SHRINK = "ClaimCannotShrink", "an existing claim can only grow", "Warning"
    CLAIM_IMMUTABLE = "ClaimImmutable", "class and access modes of an existing claim are immutable", "Warning"
    MULTI_NODE_IMMUTABLE = "MultiNodeImmutable", "fields of an existing multi-node service are immutable", "Warning"

    IGNORED_FIELD = "IgnoredField", "a field has no effect", "Warning"
    PLAIN_SECRET = "PlainSecret", "a variable holds a secret in plain text", "Warning"
    OVERRIDDEN_VARIABLE = "OverriddenVariable", "a variable overrides one that the NIM needs to work here", "Warning"
    METRIC_BELOW_THRESHOLD = (
        "MetricBelowThreshold",
        "the metric never exceeds its threshold, so nothing is scaled",
        "Warning",
    )
    CLAIM_NOT_SHAREABLE = "ClaimNotShareable", "several pods use a claim that only one node can mount", "Warning"
    GPU_MEMORY_UNBOUNDED = "GPUMemoryUnbounded", "a NIM with a GPU share may use the memory of the whole GPU", "Warning"
    PORTION_TOO_SMALL = "PortionTooSmall", "the scheduler counts the portion of a GPU as 0", "Warning"
    DUPLICATE_URL = "DuplicateUrl", "an older RunaiNimService of the namespace has the same exposedUrl", "Warning"
    PRIORITY_CLASS_NOT_FOUND = (
        "PriorityClassNotFound",
        "the PriorityClass behind the priority does not exist, so the scheduler uses its default",
        "Warning",
    )
    OBSOLETE_LIMIT_KEY = "ObsoleteLimitKey", "only Run:ai 2.x reads the annotation of a GPU limit", "Warning"
    QUEUE_UNKNOWN = "QueueUnknown", "the namespace has no queue (kai dialect)", "Warning"
    PROJECT_UNKNOWN = "ProjectUnknown", "the namespace belongs to no project (runai dialect)", "Warning"

    TRANSLATED = "Translated", "every field is translated"
    TRANSLATED_WITH_WARNINGS = (
        "TranslatedWithWarnings",
        "every field is translated; the message has the warnings",
        "Warning",
    )
    PAUSED = "Paused", "the annotation `runai-nim.io/paused` keeps the NIMService as it is"

    NIM_CACHE_READY = "NIMCacheReady", "the NIMCache is ready"
    NIM_CACHE_NOT_FOUND = "NIMCacheNotFound", "the NIMCache does not exist", "Warning"
    NIM_CACHE_NOT_READY = "NIMCacheNotReady", "the NIMCache is not ready yet; the message quotes it"
    NIM_CACHE_FAILED = "NIMCacheFailed", "the NIMCache has failed; the message quotes it", "Warning"
    CLAIM_BOUND = "ClaimBound", "the claim is bound"
    CLAIM_PENDING = "ClaimPending", "the claim waits for a volume, or for its first pod"
    STORAGE_CLASS_NOT_FOUND = (
        "StorageClassNotFound",
        "the claim's StorageClass does not exist, or there is no default one",
        "Warning",
    )
    CLAIM_NOT_PROVISIONED = (
        "ClaimNotProvisioned",
        "the provisioner can't make the claim's volume; the message quotes it",
        "Warning",
    )
    CLAIM_NOT_FOUND = "ClaimNotFound", "the claim does not exist", "Warning"
    CLAIM_NOT_MADE = "ClaimNotMade", "the operator should create the claim, but can't yet"
    CLAIM_TERMINATING = "ClaimTerminating", "the claim is being deleted, and is removed with its last pod", "Warning"
    CLAIM_LOST = "ClaimLost", "the claim has lost its volume", "Warning"
    NOT_TRANSLATED = "NotTranslated", "the spec is rejected, so the state is unknown"

    READY = "Ready", "the NIMService runs this spec and answers"
    NOT_WRITTEN = "NotWritten", "this RunaiNimService has no NIMService"
    NOT_SEEN = "NotSeen", "the NIM Operator has not acted on this spec yet"
    NOT_READY = "NotReady", "the NIM Operator runs this spec, which is not ready yet"
    FAILED = "Failed", "the NIM Operator reports a failure", "Warning"

    ROUTER_WRITTEN = "RouterWritten", "the NIM Operator is asked to route the URL"
    ROUTE_WRITTEN = "RouteWritten", "the operator's own route leads to the Service"
    NOT_WANTED = "NotWanted", "`exposeExternally` is false"
    GRPC_NEEDS_GATEWAY = (
        "GrpcNeedsGateway",
        "gRPC is requested, and the operator is configured for an ingress",
        "Warning",
    )
    KIND_NOT_INSTALLED = "KindNotInstalled", "the cluster lacks the Gateway API", "Warning"
    ROUTE_REFUSED = (
        "RouteRefused",
        "the API server rejects the operator's own route, or the deletion of an obsolete one",
        "Warning",
    )

    IN_FORCE = "InForce", "the policy is in force as it is written"

    COMPLIANT = "Compliant", "the spec meets the rules of its policies"
    POLICY_CHANGED = (
        "PolicyChanged",
        "policies have changed, and the next change of the spec changes more than itself; the message says what",
        "Warning",
    )

    SCALING_ACTIVE = "ScalingActive", "autoscaling works"
    SCALING_LIMITED = "ScalingLimited", "autoscaling works, and has reached minReplicas or maxReplicas"
    FAILED_GET_PODS_METRIC = (
        "FailedGetPodsMetric",
        "nothing serves the metric of the pods: the cluster lacks an adapter of custom metrics, or a rule for it",
        "Warning",
    )
    FAILED_GET_RESOURCE_METRIC = (
        "FailedGetResourceMetric",
        "nothing serves cpu or memory: the cluster lacks metrics-server",
        "Warning",
    )
    FAILED_GET_OBJECT_METRIC = (
        "FailedGetObjectMetric",
        "nothing serves the metric of the NIM's Service: the cluster lacks an adapter of custom metrics, or a rule",
        "Warning",
    )
    FAILED_GET_EXTERNAL_METRIC = (
        "FailedGetExternalMetric",
        "nothing serves the external metric: the cluster lacks an adapter of external metrics, or a rule for it",
        "Warning",
    )
    NOT_SCALING = (
        "NotScaling",
        "the HorizontalPodAutoscaler can't scale for another reason; the message quotes it",
        "Warning",
    )
    AUTOSCALER_NOT_READY = (
        "AutoscalerNotReady",
        "the HorizontalPodAutoscaler does not exist or has not been evaluated yet",
    )


BY_WORD: Final[Mapping[str, Reason]] = {str(reason): reason for reason in Reason}
"""Each reason by its word, as a stored condition has it. Another version may have written others."""
