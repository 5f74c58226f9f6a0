"""What /metrics, /readyz and the log of the operator say about a RunaiNimService, on a real API server."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from local.cluster import CHECKOUT, LocalCluster, Program
from local.loopback import answers
from local.objects import Objects, wait_for
from tests.support.prometheus import scrape
from tests.support.services import CR, sample, serve, settled

pytestmark = pytest.mark.usefixtures("stand_in")

SERVICES, CONDITIONS = "runai_nim_services", "runai_nim_service_conditions"
VALUE = "not-for-the-log-4711"
ROW = re.compile(r"\| `(?P<name>[a-z_]+)` \| (?P<type>counter|gauge|histogram) \|(?P<labels>[^|]*)\|")


@pytest.fixture
def fresh(cluster: LocalCluster, operator_process: Program) -> LocalCluster:
    """The cluster, with an operator that has counted nothing yet and no RunaiNimService."""
    cluster.kubectl("delete", "runainimservices", "--all", "--all-namespaces")
    operator_process.start()
    return cluster


def test_the_life_of_a_service_is_counted(fresh: LocalCluster, objects: Objects) -> None:
    assert scrape(fresh).by("phase", SERVICES) == {}
    serve(objects)
    objects.apply(sample("mistake"))
    settled(objects, "mixtral", "LimitBelowRequest")

    read = scrape(fresh)
    assert read.by("phase", SERVICES) == {"Running": 1, "Failed": 1}
    assert read.by("status", CONDITIONS, type="Ready") == {"True": 1, "False": 1}
    assert read.by("type", CONDITIONS, status="True")["Stalled"] == 1
    assert read("runai_nim_time_to_ready_seconds_count", since="creation") == 1
    assert read("runai_nim_time_to_ready_seconds_sum", since="creation") <= 20
    assert read("runai_nim_gpus_in_use", namespace=objects.namespace) == 0.5
    assert read("controller_runtime_reconcile_total", result="success") >= 1
    assert read("controller_runtime_reconcile_total", result="error") == 0
    assert read("controller_runtime_reconcile_time_seconds_count") >= 3
    assert read("controller_runtime_max_concurrent_reconciles") == 16
    assert read("workqueue_adds_total") >= 3
    assert read("workqueue_work_duration_seconds_count") >= 3
    assert read("rest_client_requests_total", method="PATCH", code="201") >= 2  # NIMService and claim
    assert read("rest_client_requests_total", method="PATCH", code="200") >= 2  # one status each
    assert read("rest_client_requests_total", method="GET", code="200") >= 10
    assert len(read.by("host", "rest_client_requests_total", method="PATCH", code="201")) == 1
    assert 0 <= read("runai_nim_watch_age_seconds", kind="nimservices") < 90
    assert read("runai_nim_build_info", dialect="runai") == 1
    assert read("process_resident_memory_bytes") > 0

    objects.delete(CR, "llama-8b")
    objects.delete(CR, "mixtral")
    wait_for(lambda: scrape(fresh).by("phase", SERVICES) == {})
    assert scrape(fresh).by("type", CONDITIONS) == {}


def test_own_writes_are_no_reason_for_another_pass(fresh: LocalCluster, objects: Objects, stand_in: Program) -> None:
    stand_in.start("--never-act")
    objects.apply(sample("gpu-portion", modelStore={"nimCache": {"name": "absent"}}))
    settled(objects, "llama-8b", "NIMCacheNotFound")
    time.sleep(1)
    assert scrape(fresh)("workqueue_adds_total") == 1


@pytest.mark.long
def test_a_restart_counts_what_is_there_and_no_time_to_ready(
    fresh: LocalCluster, objects: Objects, operator_process: Program
) -> None:
    serve(objects)
    operator_process.start()
    wait_for(lambda: scrape(fresh).by("phase", SERVICES) == {"Running": 1})
    assert scrape(fresh)("runai_nim_time_to_ready_seconds_count") == 0


def test_the_event_loop_is_measured(cluster: LocalCluster, operator_process: Program) -> None:
    wait_for(lambda: scrape(cluster)("runai_nim_event_loop_lag_seconds_count") >= 2)


def test_the_reference_lists_what_is_served(cluster: LocalCluster, objects: Objects, operator_process: Program) -> None:
    serve(objects)
    page = Path(CHECKOUT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
    text, _, _ = page.partition("## The REST API")
    listed = {
        row["name"]: (row["type"], frozenset(re.findall(r"`(\w+)`", row["labels"]))) for row in ROW.finditer(text)
    }
    served = {}
    for family in scrape(cluster).families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = frozenset(label for sample_ in family.samples for label in sample_.labels) - {"le"}
        if not family.samples:  # nothing has failed yet
            _, labels = listed[name]
        if not name.startswith(("process_", "python_")):
            served[name] = (family.type, labels)
    assert listed == served


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)")
def test_promtool_finds_nothing_to_say(cluster: LocalCluster, operator_process: Program) -> None:
    said = subprocess.run(
        ["promtool", "check", "metrics"], input=scrape(cluster).text, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_ready_once_every_kind_was_listed(cluster: LocalCluster, operator_process: Program) -> None:
    wait_for(lambda: answers(cluster.readyz_url))
    assert cluster.ask("/readyz") == (200, "ok")


@pytest.mark.long
def test_not_ready_while_nothing_can_be_listed(cluster: LocalCluster, blind: Program) -> None:
    code, text = cluster.ask("/readyz")
    assert code == 503
    lines = text.splitlines()
    assert "nimservices: not listed yet" in lines
    assert "schema of NIMService: not read yet" in lines
    assert scrape(cluster)("rest_client_requests_total", code="<error>") > 0


@pytest.fixture
def blind(operator_process: Program, cluster: LocalCluster, tmp_path: Path) -> Iterator[Program]:
    """The operator with the address of an API server where there is none."""
    kubeconfig = Path(cluster.control_plane.directory / "operator.kubeconfig").read_text(encoding="utf-8")
    nowhere = tmp_path / "kubeconfig"
    nowhere.write_text(re.sub(r"(127\.0\.0\.1|localhost):\d+", "127.0.0.1:1", kubeconfig), encoding="utf-8")
    operator_process.start(environment={"KUBECONFIG": str(nowhere)})
    yield operator_process
    operator_process.start()


@pytest.mark.long
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_the_log_names_decisions_and_no_values(
    objects: Objects, namespace: str, operator_process: Program, log_format: Literal["json", "console"]
) -> None:
    written = operator_process.log.stat().st_size
    operator_process.start(environment={"RUNAI_NIM_LOG_FORMAT": log_format, "RUNAI_NIM_LOG_LEVEL": "debug"})
    variables = [{"name": "SECRET", "value": VALUE}]
    serve(objects, environmentVariables=variables)
    mistake = {"cpuMemoryRequest": "64Gi", "cpuMemoryLimit": "32Gi"}
    objects.apply(sample("gpu-portion", environmentVariables=variables, compute=mistake))
    settled(objects, "llama-8b", "LimitBelowRequest", generation=2)
    operator_process.stop()
    log = operator_process.log.read_bytes()[written:].decode()

    about = f"{namespace}/llama-8b"
    assert VALUE not in log
    lines = [line for line in log.splitlines() if about in line]
    if log_format == "json":
        wanted = ("message", "object", "generation", "reason")
        found = [tuple(json.loads(line).get(name) for name in wanted) for line in lines]
        assert ("PersistentVolumeClaim written", about, 1, "Created") in found
        assert ("NIMService written", about, 1, "Created") in found
        assert ("status updated", about, 1, "Running") in found
        assert ("status updated", about, 2, "LimitBelowRequest") in found
        assert all(all(line) for line in found)
    else:
        said = "\n".join(lines)
        assert f"INFO    NIMService written object={about} generation=1 reason=Created child=llama-8b" in said
        assert f"INFO    status updated object={about} generation=1 reason=Running phase=Running" in said
        assert f"INFO    status updated object={about} generation=2 reason=LimitBelowRequest phase=Degraded" in said
