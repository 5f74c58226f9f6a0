"""Inputs of decisions, from a resource and a context that a test chose. Values only."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from runai_nim.domain.admission.object_schema import to_stored_object
from runai_nim.domain.context import Context
from runai_nim.domain.decision_input import DecisionInput, make_decision_input


def input_of(resource: Mapping[str, Any], context: Context) -> DecisionInput:
    """The input as the operator makes it, but with the whole context, including children."""
    made = make_decision_input(
        resource,
        settings=context.settings,
        namespace_labels=context.namespace_labels,
        nimservice_schema=context.nimservice_schema,
        max_findings=context.max_findings,
    )
    return replace(made, context=context)


def input_of_manifest(manifest: Mapping[str, Any], context: Context) -> DecisionInput:
    """The same for a manifest that was never stored."""
    return input_of(to_stored_object(manifest, "default"), context)
