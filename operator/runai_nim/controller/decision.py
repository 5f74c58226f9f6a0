"""What one pass of the reconciler decided, and from what."""

from dataclasses import dataclass

from runai_nim.api.resources import ObjectView
from runai_nim.domain.decision_input import DecisionInput
from runai_nim.domain.observed import ObservedState
from runai_nim.domain.plan import Plan
from runai_nim.domain.translate import Desired


@dataclass(frozen=True, slots=True)
class Decision:
    """What is wanted for a RunaiNimService, what is there, and what to write."""

    decision_input: DecisionInput
    desired: Desired
    observed: ObservedState
    planned: Plan

    @property
    def resource(self) -> ObjectView:
        """The RunaiNimService."""
        return self.decision_input.resource
