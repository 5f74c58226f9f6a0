"""Every reason that a condition can have, and what it means: the list that programs may rely on. Data only."""

from collections.abc import Mapping
from typing import Final

READY_REASONS: Final[Mapping[str, str]] = {
    "Running": "every replica is available and the model answers",
    "Stopped": "stopped on purpose; Ready is True, as of a Deployment with no replicas",
    "Stopping": "stopped on purpose, and pods are still going",
    "Deleting": "the RunaiNimService is being deleted",
    "NamespaceTerminating": "its namespace is being deleted",
    "PreviousInstanceTerminating": "NIMService or claim of a deleted RunaiNimService of this name is not gone yet",
    "NIMOperatorNotInstalled": "the cluster has no NIMService kind",
    "NIMServiceNotSeen": "the NIM Operator has not acted on this spec yet",
    "NIMOperatorNotResponding": "nor within the time that the settings give it",
    "NIMServiceFailed": "the NIM Operator reports a failure, in its own words",
    "RollingOut": "pods of this spec replace older ones",
    "ReplicasNotReady": "some replicas are ready, not all",
    "PodsNotReady": "pods are starting, or the model does not answer yet",
    "CrashLooping": "a pod exits again and again; the message has its last exit",
    "ImagePullFailed": "a pod can't pull its image",
    "ContainerNotCreated": "a container can't be started, often for want of a Secret or a key in it",
    "ContainerWaiting": "a container waits, for a reason that the message names",
    "Unschedulable": "the scheduler can't place a pod, in its own words: quota, node pool, resources",
    "SchedulerNotResponding": "no scheduler has said anything of a pod within the time that the settings give it",
    "ProbeFailing": "a container runs, and its readiness probe fails",
}
"""Reasons of Ready, and of Reconciling or Stalled beside it. Those of the conditions below are Ready's too."""

REFUSED_REASONS: Final[Mapping[str, str]] = {
    "InvalidName": "the name, or one in the spec, can't be used",
    "ReservedKey": "a label or annotation that belongs to a scheduler, an operator or the cluster's edge",
    "UnknownField": "the API has no such field",
    "RequiredField": "a field must be set",
    "InvalidValue": "a value is not allowed",
    "InvalidQuantity": "an amount can't be read, or is out of bounds",
    "DuplicateValue": "something is listed twice",
    "ConflictingFields": "two fields exclude each other",
    "LimitBelowRequest": "a limit is below its request",
    "NotConfigured": "the operator's settings lack what the field needs",
    "NotAllowed": "the operator's settings don't allow the value",
    "HostTaken": "the host is reserved, or a route of another namespace has it",
    "NotInstalled": "the cluster's NIMService kind lacks what the field becomes",
    "NameConflict": "an object of that name was made by somebody else",
    "FieldConflict": "another field manager keeps changing what the operator sets",
    "WriteRefused": "the API server refuses what was made of the spec",
    "ClaimCannotShrink": "a claim that was made can only grow",
    "ClaimImmutable": "class and access modes of a claim that was made stay as they are",
    "MultiNodeImmutable": "several nodes stay as they were made",
}
"""Reasons of Translated False, or of Stalled: a person has to change something."""

WARNING_REASONS: Final[Mapping[str, str]] = {
    "IgnoredField": "a field has no effect as things are",
    "QueueUnknown": "the namespace names no queue (kai dialect)",
    "ProjectUnknown": "the namespace belongs to no project (runai dialect)",
}
"""Kinds of warnings, behind reason TranslatedWithWarnings."""

OTHER_REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "Translated": {
        "Translated": "every field has its place",
        "TranslatedWithWarnings": "so it has, and the message says what is odd",
        "Paused": "the annotation `runai-nim.io/paused` keeps the NIMService as it is",
    },
    "StorageReady": {
        "NIMCacheReady": "the NIMCache is ready",
        "NIMCacheNotFound": "the NIMCache does not exist",
        "NIMCacheNotReady": "the NIMCache is not ready yet, in its own words",
        "NIMCacheFailed": "the NIMCache has failed, in its own words",
        "ClaimBound": "the claim is bound",
        "ClaimPending": "the claim waits for a volume, or for its first pod",
        "ClaimNotFound": "the claim does not exist",
        "ClaimNotMade": "the claim is the operator's to make, and something keeps it from that",
        "ClaimTerminating": "the claim is being deleted, and goes with its last pod",
        "ClaimLost": "the claim has lost its volume",
        "NotTranslated": "the spec is refused, so nothing is known",
    },
    "NIMServiceReady": {
        "Ready": "the NIMService runs this spec and answers",
        "NotWritten": "there is no NIMService of this RunaiNimService",
        "NotSeen": "the NIM Operator has not acted on this spec yet",
        "NotReady": "it has, and the service is not ready yet",
        "Failed": "the NIM Operator reports a failure",
    },
    "Exposed": {
        "RouterWritten": "the NIM Operator is asked to route the URL",
        "RouteWritten": "a route of our own leads to the Service",
        "NotWanted": "`exposeExternally` is false",
        "NotConfigured": "the operator's settings have no external access",
        "GrpcNeedsGateway": "gRPC was asked for, and the operator is configured for an ingress",
        "KindNotInstalled": "the cluster lacks the Gateway API",
        "NameConflict": "a route of that name was made by somebody else",
        "RouteRefused": "the API server refuses a route of our own, or to delete one that is not wanted any more",
        "PreviousInstanceTerminating": "the route of a predecessor is not gone yet",
        "NotWritten": "there is no NIMService of this RunaiNimService",
        "NotTranslated": "the spec is refused, so nothing is known",
    },
}
"""Reasons of the other conditions, by type."""
