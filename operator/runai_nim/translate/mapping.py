"""The whole mapping: for each object that the operator writes, its rows. Data only."""

from collections.abc import Mapping
from typing import Final

from runai_nim.translate import nimservice, pvc, route
from runai_nim.translate.row import Row

TABLES: Final[Mapping[str, tuple[Row, ...]]] = {
    "NIMService": nimservice.ROWS,
    "PersistentVolumeClaim": pvc.ROWS,
    "Ingress, HTTPRoute or GRPCRoute": route.ROWS,
}
"""Objects by kind, in the order in which they are explained."""
