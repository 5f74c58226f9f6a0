"""The rows of every object that the operator writes."""

from collections.abc import Mapping
from typing import Final

from runai_nim.domain.translate import exposure, model_store, nimservice
from runai_nim.domain.translate.rules import MappingRow

TABLES: Final[Mapping[str, tuple[MappingRow, ...]]] = {
    "NIMService": nimservice.ROWS,
    "PersistentVolumeClaim": model_store.CLAIM_ROWS,
    "Ingress, HTTPRoute or GRPCRoute": exposure.ROUTE_ROWS,
}
"""Rows by kind, in the order of the documentation."""
