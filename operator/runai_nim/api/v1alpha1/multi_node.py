"""spec.multiNode: number of workers."""

from typing import Annotated

from pydantic import Field, StrictInt

from runai_nim.api.v1alpha1.schema import SpecModel


class MultiNode(SpecModel):
    """Spreads one model over several nodes."""

    workers: Annotated[StrictInt, Field(ge=1, le=1000)] | None = None
    """Worker pods in addition to the leader, 1-1000. Becomes multiNode.parallelism.pipeline = workers + 1 of the
    NIMService."""
