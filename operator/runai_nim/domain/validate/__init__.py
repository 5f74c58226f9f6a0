"""Rules of the API: each a named function `check_<rule>` that yields findings; all of them are asked, always.

Pure: knows the resource, its context and nothing of the cluster. Every rule that the CRD states in CEL is checked
again here, since an object can be older than a rule. What a valid resource becomes is the business of `translate`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from math import inf
from typing import Final

from pydantic import ValidationError

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.domain.decision_input import DecisionInput
from runai_nim.domain.finding import Finding, Rule, child_path, has_errors, truncate, unknown_field
from runai_nim.domain.policy import RESOURCE
from runai_nim.domain.validate import (
    autoscaling,
    compute,
    container,
    engine_memory,
    environment,
    exposure,
    gpu_limits,
    metadata,
    model_store,
    multi_node,
    platform,
    resource,
    scheduling,
    serving,
)
from runai_nim.domain.validate.model_store import depends_on_claim
from runai_nim.domain.validate.parse import parse_findings, parse_valid_fields
from runai_nim.domain.validate.subject import ValidationSubject

__all__ = [
    "Finding",
    "Rule",
    "ValidationSubject",
    "child_path",
    "depends_on_claim",
    "has_errors",
    "parse_findings",
    "truncate",
    "unknown_field",
    "validate",
]

CHECKS: Final[tuple[Callable[[ValidationSubject], Iterator[Finding]], ...]] = (
    container.check_image,
    container.check_image_pull_secrets,
    container.check_ngc_auth_secret,
    model_store.check_one_store,
    model_store.check_nim_cache,
    model_store.check_claim_name,
    model_store.check_ignored_with_existing,
    model_store.check_claim_size,
    model_store.check_read_only,
    model_store.check_claim_is_shareable,
    model_store.check_volume,
    model_store.check_claim_annotations,
    serving.check_port,
    serving.check_ports_differ,
    serving.check_service_type,
    serving.check_service_type_is_allowed,
    exposure.check_exposed_url,
    exposure.check_exposed_host,
    exposure.check_exposed_url_is_unique,
    exposure.check_router_host,
    exposure.check_exposed_url_is_exposed,
    exposure.check_exposed_protocol,
    exposure.check_grpc_has_no_path,
    compute.check_cpu,
    compute.check_amounts,
    compute.check_memory_limit,
    compute.check_gpu_request_type,
    compute.check_gpu_devices,
    gpu_limits.check_gpu_portion_limit,
    gpu_limits.check_gpu_memory,
    gpu_limits.check_equal_limits,
    gpu_limits.check_bounded_portion_limit,
    gpu_limits.check_obsolete_limit_key,
    compute.check_portion_counts,
    gpu_limits.check_gpu_compute_mode,
    gpu_limits.check_gpu_share_name,
    engine_memory.check_engine_memory,
    scheduling.check_node_pools,
    scheduling.check_one_node_pool,
    scheduling.check_queue,
    scheduling.check_queue_of_pool,
    scheduling.check_priority_class,
    scheduling.check_category,
    scheduling.check_toleration_names,
    scheduling.check_exists_has_no_value,
    scheduling.check_seconds_need_no_execute,
    scheduling.check_seconds_are_dropped,
    scheduling.check_equal_has_key,
    scheduling.check_toleration_syntax,
    autoscaling.check_metric,
    autoscaling.check_one_threshold,
    autoscaling.check_threshold_quantity,
    autoscaling.check_metric_exceeds_threshold,
    autoscaling.check_metric_has_request,
    autoscaling.check_replica_range,
    autoscaling.check_zero_replicas,
    autoscaling.check_replicas_with_autoscaling,
    multi_node.check_workers,
    multi_node.check_multi_node_name,
    multi_node.check_multi_node_or_autoscaling,
    multi_node.check_multi_node_shares,
    multi_node.check_multi_node_gpus,
    multi_node.check_multi_node_pools,
    multi_node.check_multi_node_ports,
    multi_node.check_multi_node_pull_policy,
    multi_node.check_multi_node_start,
    multi_node.check_launcher,
    multi_node.check_start_timeout,
    multi_node.check_tensor_parallelism,
    multi_node.check_multi_node_scheduler,
    platform.check_multi_node_settings,
    environment.check_variable_names,
    environment.check_variable_sources,
    environment.check_variable_keys,
    environment.check_variable_fields,
    environment.check_variable_characters,
    environment.check_plain_secrets,
    environment.check_overridden_variables,
    environment.check_variable_ports,
    environment.check_variable_profile,
    environment.check_user_credentials,
    platform.check_proxy_variables,
    metadata.check_label_keys,
    metadata.check_label_values,
    metadata.check_annotation_characters,
    metadata.check_reserved_keys,
    metadata.check_edge_keys,
    container.check_probe_success,
    container.check_probe_port,
    container.check_probe_host,
)


def validate(decision_input: DecisionInput) -> tuple[RunaiNimServiceSpec | None, tuple[Finding, ...]]:
    """Check a RunaiNimService: its effective spec, None when unreadable, and all findings."""
    spec = decision_input.parsed_spec
    findings = _metadata_findings(decision_input)
    if isinstance(spec, ValidationError):
        found = _with_origins(_unreadable_findings(decision_input, spec), decision_input)
        return None, (*findings, *decision_input.policy_findings, *found)
    found = _with_origins(_spec_findings(_subject(decision_input, spec)), decision_input)
    return spec, (*findings, *decision_input.policy_findings, *found)


def _with_origins(findings: Iterator[Finding], decision_input: DecisionInput) -> Iterator[Finding]:
    """Findings about values that policies give name the policy: the author of the resource didn't write them."""
    if len(decision_input.provenance) == 1:
        yield from findings
        return
    for finding in findings:
        origin = decision_input.policy_or_resource(finding.path)
        note = f" (the value comes from {origin})" if origin != RESOURCE else ""
        yield replace(finding, remedy=f"{finding.remedy}{note}")


def _unreadable_findings(decision_input: DecisionInput, error: ValidationError) -> Iterator[Finding]:
    max_findings = decision_input.context.max_findings
    yield from islice(parse_findings(error, decision_input.spec), max_findings)
    if error.error_count() > (max_findings or inf) or not isinstance(decision_input.spec, Mapping):
        return
    rest, invalid_fields = parse_valid_fields(decision_input.spec, error)
    if rest is None:
        return
    for finding in _spec_findings(_subject(decision_input, rest)):
        # What is wrong beside a mistake in the same field may only follow from it.
        if _top_level_field(finding.path) not in invalid_fields:
            yield finding


def _subject(decision_input: DecisionInput, spec: RunaiNimServiceSpec) -> ValidationSubject:
    return ValidationSubject(
        name=decision_input.name, spec=spec, context=decision_input.context, namespace=decision_input.namespace
    )


def _spec_findings(candidate: ValidationSubject) -> Iterator[Finding]:
    for check in CHECKS:
        yield from check(candidate)


def _top_level_field(path: str) -> str:
    return ".".join(path.split(".")[:2])


def _metadata_findings(decision_input: DecisionInput) -> Iterator[Finding]:
    for check in (resource.check_name_syntax, resource.check_name_is_not_reserved, resource.check_name_is_yaml_string):
        yield from check(decision_input.name)
    own_labels = decision_input.resource["metadata"].get("labels") or {}
    yield from resource.check_reserved_labels(own_labels, decision_input.context.settings)
    yield from resource.check_restarted_at(decision_input.resource["metadata"].get("annotations") or {})
