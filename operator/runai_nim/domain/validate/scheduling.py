"""Rules for scheduling: node pools and the queue."""

from collections.abc import Iterator

from runai_nim.api import syntax
from runai_nim.domain.validate.finding import Finding, Reason
from runai_nim.domain.validate.list_items import duplicate_findings
from runai_nim.domain.validate.subject import ValidationSubject


def check_node_pools(candidate: ValidationSubject) -> Iterator[Finding]:
    """An ordered list of different pools, each the value of a node's label."""
    pools = candidate.spec.node_pools
    if pools == ():
        rule, remedy = "name at least one node pool", "add one, or remove nodePools for any pool"
        yield Finding(reason=Reason.INVALID_VALUE, path="spec.nodePools", must=rule, remedy=remedy)
    named = [(f"spec.nodePools[{index}]", pool) for index, pool in enumerate(pools or ())]
    for path, pool in named:
        if not syntax.is_label_value(pool):
            rule = "be the name of a node pool: up to 63 letters, digits, -, _ and ."
            yield Finding(reason=Reason.INVALID_VALUE, path=path, value=pool, must=rule, remedy="correct it")
    yield from duplicate_findings(named)


def check_queue(candidate: ValidationSubject) -> Iterator[Finding]:
    """Pods need a queue: KAI's by a label of theirs, Run:ai's by the project that their namespace belongs to."""
    context = candidate.context
    label, projects = context.settings.queue_label, ", ".join(context.settings.project_labels)
    if label is not None and context.queue is None:
        rule = f"have a label {label} or one of {projects}, which names the queue"
        remedy = "label the namespace, or set queue in the operator's settings"
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
