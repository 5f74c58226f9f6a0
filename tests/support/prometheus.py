"""Parses /metrics as Prometheus does."""

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from local.cluster import LocalCluster


def scrape(cluster: LocalCluster) -> "Scrape":
    """Current metrics of the operator that was started last."""
    return scrape_of(cluster.ask("/metrics"))


def scrape_of(answer: tuple[int, str]) -> "Scrape":
    """The metrics in a response with this HTTP status and text."""
    code, text = answer
    assert code == 200, text
    return Scrape(text)


class Scrape:
    """One answer of /metrics."""

    def __init__(self, text: str | bytes) -> None:
        self.text = text if isinstance(text, str) else text.decode()
        self.families: list[Metric] = list(text_string_to_metric_families(self.text))

    def __call__(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name with these labels among theirs; 0 when there is none."""
        return sum(value for found, value in self._samples(name) if labels.items() <= found.items())

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """Sums by one label, of the samples with these labels; zeros are omitted."""
        found: dict[str, float] = defaultdict(float)
        for of, value in self._samples(name):
            if labels.items() <= of.items():
                found[of[label]] += value
        return {value: total for value, total in found.items() if total}

    def _samples(self, name: str) -> Iterator[tuple[dict[str, str], float]]:
        for family in self.families:
            for sample in family.samples:
                if sample.name == name:
                    yield sample.labels, sample.value
