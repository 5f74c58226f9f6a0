"""Which status changes report progress alone, so that their write may wait for the next state."""

from collections.abc import Mapping
from typing import Any

from runai_nim.domain.reasons import BY_WORD
from runai_nim.domain.status.condition import conditions_by_type


def is_progress(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether the change from the stored status to the new one reports progress alone.

    The first status, an answer to a new spec, a change of Ready's status and a new problem are more than that.
    """
    then = conditions_by_type(before)
    now = conditions_by_type(after)
    if "Ready" not in then or before.get("observedGeneration") != after["observedGeneration"]:
        return False
    if then["Ready"]["status"] != now["Ready"]["status"]:
        return False
    known = {(type_, condition["reason"]) for type_, condition in then.items()}
    return not any(
        BY_WORD[condition["reason"]].event_type == "Warning" and (type_, condition["reason"]) not in known
        for type_, condition in now.items()
    )
