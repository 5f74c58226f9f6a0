"""The body of a batch: an action, and the ids of the workloads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Self

from runai_nim.domain.reasons import Reason
from runai_nim.domain.validate import Finding, Rule, truncate, unknown_field

MAX_BATCH_IDS: Final = 100
_FIELDS: Final = ("action", "ids")


class BatchAction(StrEnum):
    """What a batch does with each workload."""

    DELETE = "delete"
    STOP = "stop"
    START = "start"


ACTIONS: Final[Mapping[str, BatchAction]] = {
    "delete": BatchAction.DELETE,
    "suspend": BatchAction.STOP,
    "resume": BatchAction.START,
    "stop": BatchAction.STOP,
    "start": BatchAction.START,
}
"""Actions by their names: those of Run:ai's API, and the command line's words."""


@dataclass(frozen=True, slots=True)
class Batch:
    """An action and different ids, in the order of the body."""

    action: BatchAction
    ids: Sequence[str]

    @classmethod
    def from_body(cls, body: Mapping[str, Any]) -> Self:
        """From a body without mistakes."""
        return cls(ACTIONS[body["action"]], tuple(dict.fromkeys(body["ids"])))


def check_batch(body: Mapping[str, Any]) -> Iterator[Finding]:
    """All mistakes of the body."""
    for field in body.keys() - set(_FIELDS):
        yield unknown_field(truncate(field), "remove it, because a batch has only action and ids")
    action = body.get("action")
    if not isinstance(action, str) or action not in ACTIONS:
        yield Finding(
            reason=Reason.REQUIRED_FIELD if action is None else Reason.INVALID_VALUE,
            path="action",
            value=action if isinstance(action, str) else None,
            must=f"be one of {', '.join(ACTIONS)}",
            remedy="set it" if action is None else "correct it",
            rule=Rule.OPTIONS,
        )
    yield from _check_ids(body.get("ids"))


def _check_ids(ids: Any) -> Iterator[Finding]:
    if not isinstance(ids, list) or not ids:
        must = f"be a list of 1 to {MAX_BATCH_IDS} ids"
        yield Finding(reason=Reason.REQUIRED_FIELD, path="ids", must=must, remedy="name the workloads")
        return
    if len(ids) > MAX_BATCH_IDS:
        must = f"have at most {MAX_BATCH_IDS} ids, and has {len(ids)}"
        yield Finding(reason=Reason.INVALID_VALUE, path="ids", must=must, remedy="send several batches", rule=Rule.MAX)
        return
    for index, id_ in enumerate(ids):
        if not isinstance(id_, str):
            must = "be a string"
            yield Finding(reason=Reason.INVALID_VALUE, path=f"ids[{index}]", must=must, remedy="give the workload's id")
