"""Rules for scheduling: node pools, queue, tolerations."""

from collections.abc import Iterator

from runai_nim.api import syntax
from runai_nim.api.v1alpha1 import Toleration
from runai_nim.domain.context import one_pool
from runai_nim.domain.finding import Finding, character_findings, truncate
from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate.list_items import duplicate_findings
from runai_nim.domain.validate.subject import ValidationSubject


def check_node_pools(candidate: ValidationSubject) -> Iterator[Finding]:
    """An ordered list of distinct pools, each a valid label value."""
    pools = candidate.spec.node_pools
    if pools == ():
        rule = "name at least one node pool"
        remedy = "add one, or remove nodePools for any pool"
        yield Finding(reason=Reason.INVALID_VALUE, path="spec.nodePools", must=rule, remedy=remedy)
    items = [(f"spec.nodePools[{index}]", pool) for index, pool in enumerate(pools or ())]
    for path, pool in items:
        if not syntax.is_label_value(pool):
            rule = "be the name of a node pool: up to 63 letters, digits, -, _ and ."
            yield Finding(reason=Reason.INVALID_VALUE, path=path, value=pool, must=rule, remedy="correct it")
    yield from duplicate_findings(items)


def check_one_node_pool(candidate: ValidationSubject) -> Iterator[Finding]:
    """With KAI alone a pod belongs to one pool: its scheduler sees the nodes of that pool, and reads no list."""
    settings = candidate.context.settings
    pools = candidate.spec.node_pools or ()
    if settings.dialect == "kai" and settings.node_pools_annotation is None and len(pools) > 1:
        rule = "name one pool, the KAI scheduler places a pod in one pool only and reads no list of them"
        remedy = "keep one, or set node_pools_annotation in the operator's settings if the cluster has a reader of it"
        yield Finding(reason=Reason.NOT_CONFIGURED, path="spec.nodePools", must=rule, remedy=remedy)


def check_queue(candidate: ValidationSubject) -> Iterator[Finding]:
    """Pods need a queue: KAI takes it from a label of the pods, Run:ai from the namespace's project."""
    context = candidate.context
    pools = candidate.spec.node_pools
    label = context.settings.queue_label
    projects = ", ".join(context.settings.project_labels)
    if label is not None and context.queue_of(pools) is None:
        rule = f"have a label {label} or one of {projects}, which names the queue"
        remedy = "label the namespace, or set queue in the operator's settings"
        if context.settings.queue_of_pool is not None and one_pool(pools):
            rule = f"have a label {projects}, which names the project for queue_of_pool"
            remedy = "label the namespace, or leave {project} out of queue_of_pool in the operator's settings"
        yield Finding(reason=Reason.QUEUE_UNKNOWN, path="the namespace", must=rule, remedy=remedy, severity="warning")
    if label is None and context.namespace_labels is not None and context.project is None:
        rule = f"have a label {projects}, which names the Run:ai project"
        yield Finding(
            reason=Reason.PROJECT_UNKNOWN,
            path="the namespace",
            must=rule,
            remedy="use a project's namespace",
            severity="warning",
        )


def check_queue_of_pool(candidate: ValidationSubject) -> Iterator[Finding]:
    """The queue of a pool is a label's value, so project and pool must not be too long together."""
    queue = candidate.context.queue_of(candidate.spec.node_pools)
    pool = one_pool(candidate.spec.node_pools)
    if pool is not None and syntax.is_label_value(pool) and queue is not None and not syntax.is_label_value(queue):
        rule = f'give a queue of at most 63 characters, and the setting queue_of_pool makes "{truncate(queue)}" of it'
        remedy = "choose a pool with a shorter name, or have queue_of_pool changed in the operator's settings"
        yield Finding(reason=Reason.INVALID_VALUE, path="spec.nodePools[0]", value=pool, must=rule, remedy=remedy)


def check_priority_class(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: the scheduler silently ignores a PriorityClass that doesn't exist."""
    context = candidate.context
    priority = candidate.spec.priority_class
    if priority is None or context.priority_class_exists is not False:
        return
    name = context.settings.priority_classes[priority]
    yield Finding(
        reason=Reason.PRIORITY_CLASS_NOT_FOUND,
        path="spec.priorityClass",
        value=priority,
        must=f"stand for an existing PriorityClass, and the cluster has no {name}, so the scheduler uses its default",
        remedy="have an administrator create it, or map the priority to another one by priority_classes in the"
        " operator's settings",
        severity="warning",
    )


def check_category(candidate: ValidationSubject) -> Iterator[Finding]:
    """The category is copied to an annotation of the pods, so the NIM Operator must be able to render it."""
    yield from character_findings("spec.category", candidate.spec.category)


def check_toleration_names(candidate: ValidationSubject) -> Iterator[Finding]:
    """Names of tolerations are optional and unique."""
    yield from duplicate_findings(
        (f"{path}.name", item.name) for path, item in _tolerations(candidate) if item.name is not None
    )


def check_exists_has_no_value(candidate: ValidationSubject) -> Iterator[Finding]:
    """Kubernetes compares a value with Equal only; the documentation of Run:ai's API says the opposite."""
    for path, item in _tolerations(candidate):
        if item.operator == "Exists" and item.value:
            rule = "be absent with operator Exists"
            remedy = "remove it, or use operator Equal"
            yield Finding(
                reason=Reason.CONFLICTING_FIELDS, path=f"{path}.value", value=item.value, must=rule, remedy=remedy
            )


def check_seconds_need_no_execute(candidate: ValidationSubject) -> Iterator[Finding]:
    """seconds requires effect NoExecute, the only one that evicts running pods."""
    for path, item in _tolerations(candidate):
        if item.seconds is not None and item.effect != "NoExecute":
            rule = "only be set with effect NoExecute"
            remedy = "remove it, or set effect: NoExecute"
            yield Finding(
                reason=Reason.CONFLICTING_FIELDS,
                path=f"{path}.seconds",
                value=str(item.seconds),
                must=rule,
                remedy=remedy,
            )


def check_seconds_are_dropped(candidate: ValidationSubject) -> Iterator[Finding]:
    """A warning: the NIM Operator drops seconds, so pods tolerate the taint without limit."""
    for path, item in _active_tolerations(candidate):
        if item.seconds is not None and item.effect == "NoExecute":
            rule = "be absent, the NIM Operator drops it and the pods tolerate the taint for ever"
            yield Finding(
                reason=Reason.IGNORED_FIELD,
                path=f"{path}.seconds",
                value=str(item.seconds),
                must=rule,
                remedy="remove it",
                severity="warning",
            )


def check_equal_has_key(candidate: ValidationSubject) -> Iterator[Finding]:
    """Without a key a toleration matches every taint, which requires Exists; the default operator is Equal."""
    for path, item in _active_tolerations(candidate):
        if item.operator != "Exists" and not item.key:
            rule = "be set with operator Equal"
            remedy = "name the taint's key, or set operator: Exists for every taint"
            yield Finding(reason=Reason.REQUIRED_FIELD, path=f"{path}.key", must=rule, remedy=remedy)


def check_toleration_syntax(candidate: ValidationSubject) -> Iterator[Finding]:
    """Key and value of a taint have the syntax of a label."""
    for path, item in _active_tolerations(candidate):
        if item.key and not syntax.is_key(item.key):
            rule = "be a taint's key, `name` or `domain/name` of letters, digits, -, _ and ."
            yield Finding(
                reason=Reason.INVALID_VALUE, path=f"{path}.key", value=item.key, must=rule, remedy="correct it"
            )
        if item.value and item.operator != "Exists" and not syntax.is_label_value(item.value):
            rule = "be up to 63 letters, digits, -, _ and ., beginning and ending with a letter or digit"
            yield Finding(
                reason=Reason.INVALID_VALUE, path=f"{path}.value", value=item.value, must=rule, remedy="correct it"
            )


def _tolerations(candidate: ValidationSubject) -> Iterator[tuple[str, Toleration]]:
    for index, item in enumerate(candidate.spec.tolerations or ()):
        yield f"spec.tolerations[{index}]", item


def _active_tolerations(candidate: ValidationSubject) -> Iterator[tuple[str, Toleration]]:
    return ((path, item) for path, item in _tolerations(candidate) if not item.exclude)
