"""How often the operator writes a status and an Event from creation to Running, with a chatty NIM Operator.

The stand-in of the NIM Operator takes every step of the real one and reports each, and Kubernetes' own controllers run.
"""

import time

from bench.cluster import NAMESPACE, QUIET_SECONDS, chatty_cluster, start_operator
from bench.crowd import create_services, names_of
from bench.figures import Figures
from bench.process import Queue
from local.audit import WRITES
from local.cluster import OPERATOR_USER


def measure(services: int) -> Figures:
    """Writes of a status and of an Event for each, all created at once."""
    with chatty_cluster() as cluster:
        start_operator(cluster)
        queue = Queue(cluster)
        queue.wait_idle(0)
        mark = cluster.audit_log.mark()
        create_services(cluster.control_plane.kubeconfig, NAMESPACE, names_of(0, services))
        queue.wait_idle(services, "Running")
        time.sleep(QUIET_SECONDS)  # Events are posted one after the other
        ours = [r for r in cluster.audit_log.requests(mark, OPERATOR_USER) if r.verb in WRITES]
    statuses = [r for r in ours if (r.resource, r.subresource) == ("runainimservices", "status")]
    events = [r for r in ours if r.resource == "events"]
    return {
        "status_writes_per_cr": round(len(statuses) / services, 3),
        "events_per_cr": round(len(events) / services, 3),
    }
