"""The type of a row of the phase table."""

from collections.abc import Callable
from dataclasses import dataclass

from runai_nim.api.v1alpha1.status import ConditionStatus, Phase
from runai_nim.domain.reasons import Reason
from runai_nim.domain.status.facts import Facts


@dataclass(frozen=True, slots=True)
class PhaseRow:
    """A row of the table.

    `reason` and `message` are those of Ready. `phase_beside_pods` replaces `phase` while the service has ready pods,
    which may still answer. A row is settled (neither Reconciling nor Stalled), in progress (Reconciling), or needs a
    user (Stalled).
    """

    when: str
    applies: Callable[[Facts], bool]
    phase: Phase
    ready: ConditionStatus
    reason: Reason | Callable[[Facts], Reason]
    message: Callable[[Facts], str]
    progress: str = "Reconciling"
    phase_beside_pods: Phase | None = None

    def phase_for(self, facts: Facts) -> Phase:
        """The phase of a service with these facts."""
        return self.phase_beside_pods if self.phase_beside_pods and facts.ready_replicas > 0 else self.phase

    def reason_for(self, facts: Facts) -> Reason:
        """The reason of Ready for a service with these facts."""
        return self.reason if isinstance(self.reason, Reason) else self.reason(facts)
