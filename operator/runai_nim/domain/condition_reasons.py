"""The reasons that each condition can have. docs/reference/status.md is generated from them."""

from collections.abc import Mapping
from typing import Final

from runai_nim.domain.reasons import Reason

READY: Final = (
    Reason.RUNNING,
    Reason.SCALED_TO_ZERO,
    Reason.STOPPED,
    Reason.STOPPING,
    Reason.DELETING,
    Reason.NAMESPACE_TERMINATING,
    Reason.PREVIOUS_INSTANCE_TERMINATING,
    Reason.PAUSED,
    Reason.NIM_OPERATOR_NOT_INSTALLED,
    Reason.NIM_SERVICE_NOT_SEEN,
    Reason.NIM_OPERATOR_NOT_RESPONDING,
    Reason.NIM_SERVICE_FAILED,
    Reason.ROLLING_OUT,
    Reason.SCALING_REPLICAS,
    Reason.REPLICAS_NOT_READY,
    Reason.PODS_NOT_READY,
    Reason.PODS_REFUSED,
    Reason.CRASH_LOOPING,
    Reason.STARTUP_PROBE_FAILING,
    Reason.IMAGE_PULL_FAILED,
    Reason.CONTAINER_NOT_CREATED,
    Reason.CONTAINER_WAITING,
    Reason.POD_NOT_STARTED,
    Reason.UNSCHEDULABLE,
    Reason.QUEUE_NOT_FOUND,
    Reason.SCHEDULER_NOT_RESPONDING,
    Reason.PROBE_FAILING,
    Reason.POD_EVICTED,
    Reason.POD_PREEMPTED,
    Reason.NODE_LOST,
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
    Reason.POLICY_VIOLATION,
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
    Reason.PLAIN_SECRET,
    Reason.OVERRIDDEN_VARIABLE,
    Reason.METRIC_BELOW_THRESHOLD,
    Reason.CLAIM_NOT_SHAREABLE,
    Reason.GPU_MEMORY_UNBOUNDED,
    Reason.PORTION_TOO_SMALL,
    Reason.OBSOLETE_LIMIT_KEY,
    Reason.DUPLICATE_URL,
    Reason.PRIORITY_CLASS_NOT_FOUND,
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
        Reason.STORAGE_CLASS_NOT_FOUND,
        Reason.CLAIM_NOT_PROVISIONED,
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
    "PolicyCompliant": (
        Reason.COMPLIANT,
        Reason.POLICY_CHANGED,
        Reason.POLICY_VIOLATION,
    ),
    "Scaling": (
        Reason.SCALING_ACTIVE,
        Reason.SCALING_LIMITED,
        Reason.FAILED_GET_PODS_METRIC,
        Reason.FAILED_GET_RESOURCE_METRIC,
        Reason.FAILED_GET_OBJECT_METRIC,
        Reason.FAILED_GET_EXTERNAL_METRIC,
        Reason.NOT_SCALING,
        Reason.AUTOSCALER_NOT_READY,
    ),
}
"""Reasons of the other conditions, by type."""
VALID: Final = (Reason.IN_FORCE,)
"""Reasons of a policy's condition Valid while it is True; while it is False it has one of REFUSED."""
