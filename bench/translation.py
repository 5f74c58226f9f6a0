"""CPU time to parse, validate and translate one RunaiNimService, without a cluster."""

import statistics
import time
from typing import Any

import yaml

from local.cluster import CHECKOUT
from runai_nim.config.settings_loader import load_settings
from runai_nim.domain.decision_input import DecisionInput, make_decision_input
from runai_nim.domain.nimservice_schema import NIMServiceSchema
from runai_nim.domain.translate import translate

EVERY_FIELD = CHECKOUT / "tests" / "contract" / "rest" / "every-field-pvc.yaml"
ROUNDS = 2000


def translate_us() -> float:
    """Median microseconds on one core, for a resource that uses every field that can be used beside the others."""
    spec: dict[str, Any] = yaml.safe_load(EVERY_FIELD.read_text(encoding="utf-8"))["spec"]
    cr = {"metadata": {"name": "full", "namespace": "team-a", "uid": "u-1"}, "spec": spec}
    settings = load_settings({"user_credential_secret": "{name}"}, {})
    schema = NIMServiceSchema()

    def decision_input() -> DecisionInput:
        return make_decision_input(
            cr, settings=settings, namespace_labels={"runai/queue": "team-a"}, nimservice_schema=schema
        ).with_children(claim_exists=False, nimservice_exists=False)

    if (desired := translate(decision_input())).nimservice is None:
        raise RuntimeError(f"{EVERY_FIELD.name} is rejected: {[finding.message for finding in desired.findings]}")
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        translate(decision_input())
        times.append(time.perf_counter() - begin)
    return round(statistics.median(times) * 1e6, 1)
