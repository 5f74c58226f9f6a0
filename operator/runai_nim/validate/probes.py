"""Rules for spec.probes. Bounds of its numbers are the types'."""

from collections.abc import Iterator

from runai_nim.validate.candidate import Candidate
from runai_nim.validate.finding import Finding, Reason


def check_probe_port(candidate: Candidate) -> Iterator[Finding]:
    """A request of one's own needs a port; without httpGet the NIM's own health check is asked."""
    probes = candidate.spec.probes
    handler = probes and probes.readiness and probes.readiness.handler
    if handler and handler.http_get is not None and handler.http_get.port is None:
        path = "spec.probes.readiness.handler.httpGet.port"
        remedy = "give the port to ask on, or remove httpGet for the NIM's own health check"
        yield Finding(Reason.REQUIRED_FIELD, path, None, "be set", remedy)
