"""The input and the result of one reconciliation."""

from dataclasses import dataclass

from runai_nim.api.resources import ObjectView
from runai_nim.domain.decision_input import DecisionInput
from runai_nim.domain.observed import ObservedState
from runai_nim.domain.plan import Plan
from runai_nim.domain.translate import Desired


@dataclass(frozen=True, slots=True)
class Decision:
    """Desired state, observed state and planned writes for a RunaiNimService."""

    decision_input: DecisionInput
    desired: Desired
    observed: ObservedState
    planned: Plan

    @property
    def resource(self) -> ObjectView:
        """The RunaiNimService."""
        return self.decision_input.resource
