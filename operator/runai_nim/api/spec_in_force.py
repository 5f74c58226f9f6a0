"""What the status of a RunaiNimService says of its spec: whether the operator rejects it, and what runs meanwhile."""

from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import condition_of, mapping


def is_rejected(cr: ObjectView) -> bool:
    """Whether the operator says of the stored spec that it rejects it, as for a rule of a policy."""
    translated = condition_of(mapping(cr.get("status")), "Translated")
    is_current = translated.get("observedGeneration") == cr["metadata"].get("generation")
    return is_current and translated.get("status") == "False"


def has_nimservice(cr: ObjectView) -> bool:
    """Whether the operator has created the NIMService: the status names it only then."""
    return bool(mapping(cr.get("status")).get("nimServiceName"))
