"""How long thousands of broken RunaiNimServices in one namespace delay those in another.

Broken: an admission webhook without an endpoint rejects each NIMService of the namespace, so that the API server
answers 500 and the operator retries with backoff.
"""

import time
from pathlib import Path

from bench.cluster import NAMESPACE, QUIET_SECONDS, empty_cluster, make_project, start_operator
from bench.crowd import create_services, service
from bench.figures import Figures, percentile
from bench.idle import first_status
from bench.latency import until_written
from bench.process import Queue
from local.cluster import LocalCluster
from local.objects import Objects

PAUSE_SECONDS = 0.25
BROKEN = "broken"
WEBHOOK = f"""
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: nobody}}
webhooks:
  - name: nobody.runai-nim.io
    admissionReviewVersions: [v1]
    sideEffects: None
    clientConfig: {{url: "https://127.0.0.1:1/"}}
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {BROKEN}}}}}
    rules:
      - {{apiGroups: [apps.nvidia.com], apiVersions: ["*"], operations: [CREATE], resources: [nimservices]}}
"""


def measure(broken: int, others: int) -> Figures:
    """The worst latency of `others`, made one after the other, without and with so many broken ones elsewhere."""
    with empty_cluster() as cluster:
        make_project(cluster, BROKEN)
        cluster.kubectl("apply", "--filename=-", stdin=WEBHOOK)
        start_operator(cluster)
        first_status(cluster)
        alone = _latencies(cluster, [f"alone-{number}" for number in range(others)])
        create_services(cluster.control_plane.kubeconfig, BROKEN, [f"broken-{number}" for number in range(broken)])
        Queue(cluster).wait_failures(broken)
        beside = _latencies(cluster, [f"beside-{number}" for number in range(others)])
    return {
        "fairness_alone_p50_ms": round(percentile(alone, 50), 2),
        "fairness_alone_ms": round(max(alone), 2),
        "fairness_delay_p50_ms": round(percentile(beside, 50), 2),
        "fairness_delay_ms": round(max(beside), 2),
    }


def _latencies(cluster: LocalCluster, names: list[str]) -> list[float]:
    mark = cluster.audit_log.mark()
    with Objects(Path(cluster.control_plane.kubeconfig), NAMESPACE) as objects:
        for name in names:
            objects.apply(service(NAMESPACE, name))
            time.sleep(PAUSE_SECONDS)
    time.sleep(QUIET_SECONDS)
    return until_written(r for r in cluster.audit_log.requests(mark) if r.namespace == NAMESPACE)
