"""The reference of the REST API's metrics: it lists what is served."""

import re
from pathlib import Path

from local.cluster import CHECKOUT
from runai_nim.rest.metrics import RestMetrics
from tests.support.prometheus import Scrape

ROW = re.compile(r"\| `(\w+)` \| (counter|gauge|histogram) \|([^|]*)\|")


def test_the_reference_lists_what_is_served() -> None:
    page = Path(CHECKOUT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    _, _, text = page.partition("## The REST API")
    listed = {(name, type_, frozenset(re.findall(r"`(\w+)`", labels))) for name, type_, labels in ROW.findall(text)}
    metrics = RestMetrics("1.2.3")
    metrics.observe_request("GET", "/docs", 200, 0.1)
    metrics.count_response("GET", "200", "kubernetes")
    metrics.count_ended_connection("crowded")

    served = set()
    for family in Scrape(metrics.exposition("")[0]).families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = frozenset(label for sample in family.samples for label in sample.labels) - {"le"}
        if not name.startswith(("process_", "python_")):
            served.add((name, family.type, labels))
    assert listed == served
