"""Rows of `runai-nim list` from statuses as the operator, or anybody, writes them."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.cli import terminal
from runai_nim.cli.cluster.connection import service_pages
from runai_nim.cli.cluster.list_services import ListQuery, write_list
from runai_nim.cli.cluster.project_usage import usage_by_project
from runai_nim.cli.cluster.service_row import COLUMNS, WIDE_COLUMNS, RowFilter, ServiceRow
from runai_nim.cli.cluster.table import UNKNOWN, age, lines, widths_of
from runai_nim.cli.diagnostic import CommandError
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient
from tests.cli.conftest import Run

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def a_service(name: str = "llama", *, generation: int = 1, ready: str = "True", **status: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "reason": "Running", "message": "the model answers"}
    known = {"observedGeneration": 1, "phase": "Running", "conditions": [condition], "replicas": 2, "readyReplicas": 1}
    metadata = {"namespace": "a", "name": name, "generation": generation, "creationTimestamp": "2026-01-30T23:55:00Z"}
    return {"metadata": metadata, "spec": {"image": "nim:1"}, "status": known | status}


def test_a_row_has_what_the_status_says() -> None:
    row = ServiceRow.from_object(a_service(gpusInUse="1.5", url="https://llama", project="p"))

    cells = ("llama", "Running", "Running", "1.5", "1/2", "https://llama", "5m")
    assert row.cells(NOW, namespaced=False, wide=False) == cells
    assert row.cells(NOW, namespaced=True, wide=True) == ("a", *cells, "True", "", "p", "", "", "", "nim:1")
    assert (len(cells), len(row.cells(NOW, namespaced=False, wide=True))) == (len(COLUMNS), len(WIDE_COLUMNS))
    assert row.full_name == "runainimservice.runai-nim.io/llama"
    assert row.as_json()["gpuPerPod"] is None


POLICIES = [{"name": "platform", "scope": "cluster"}, {"name": "gpu-team", "scope": "project"}]


@pytest.mark.parametrize(
    ("conditions", "cell", "value"),
    [([], "", None)]
    + [([{"type": "PolicyCompliant", "status": status}], status, status == "True") for status in ("True", "False")],
)
def test_a_row_has_its_policies_and_whether_it_keeps_to_them(conditions: list[Any], cell: str, value: Any) -> None:
    row = ServiceRow.from_object(a_service(policies=POLICIES if conditions else None, conditions=conditions))

    wide = dict(zip(WIDE_COLUMNS, row.cells(NOW, namespaced=False, wide=True), strict=True))
    assert (wide["POLICIES"], wide["COMPLIANT"]) == ("platform,gpu-team" if conditions else "", cell)
    assert (row.as_json()["policies"], row.as_json()["policyCompliant"]) == (POLICIES if conditions else [], value)


def test_gpus_are_summed_up_by_project() -> None:
    services = [
        a_service("a", project="search", gpusInUse="4"),
        a_service("b", project="search", gpusInUse="1.5", ready="False"),
        a_service("c", project="search", gpusInUse="20Gi"),
        a_service("d", project="search", gpusInUse="512Mi"),
        a_service("e", gpusInUse="2"),
        a_service("f", project="batch", gpusInUse="many"),
    ]

    usage = usage_by_project(map(ServiceRow.from_object, services))

    assert [one.cells() for one in usage] == [
        ("", "2", "0", "1", "1"),
        ("batch", "0", "0", "1", "1"),
        ("search", "5.5", "20992Mi", "4", "3"),
    ]
    assert usage[0].as_json() == {
        "project": None,
        "gpusInUse": "2",
        "gpuMemoryInUse": "0",
        "services": 1,
        "readyServices": 1,
    }


def test_projects_are_a_table_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [ServiceRow.from_object(a_service(project="search", gpusInUse="1.5"))]

    write_list(rows, ListQuery(by_project=True))
    write_list(rows, ListQuery(by_project=True, output="json"))
    write_list([], ListQuery(by_project=True, namespace="a"))

    out, err = capsys.readouterr()
    table, _, found = out.partition("[")
    assert table == "PROJECT   GPU   GPU MEMORY   SERVICES   READY\nsearch    1.5   0            1          1\n"
    assert json.loads("[" + found)[0]["gpusInUse"] == "1.5"
    assert err == "no RunaiNimServices found in namespace a, or none that the options select\n"


@pytest.mark.parametrize(
    ("service", "ready"),
    [
        (a_service(), True),
        (a_service(ready="False"), False),
        (a_service(generation=2), False),
        (a_service(conditions=[]), False),
        ({"metadata": {"name": "x", "generation": 1}}, False),
    ],
)
def test_ready_is_about_the_current_spec(service: dict[str, Any], ready: bool) -> None:
    assert ServiceRow.from_object(service).is_ready == ready


def test_filters() -> None:
    row = ServiceRow.from_object(a_service(project="p"))

    assert RowFilter().keeps(row)
    assert RowFilter(phases=["Failed", "Running"], project="p").keeps(row)
    assert not RowFilter(phases=["Failed"]).keeps(row)
    assert not RowFilter(project="q").keeps(row)
    assert not RowFilter(not_ready=True).keeps(row)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(-5, "0s"), (0, "0s"), (90, "90s"), (120, "2m"), (3 * 3600 - 1, "179m"), (3 * 3600, "3h"), (172800, "2d")],
)
def test_an_age_is_in_the_largest_unit(seconds: int, told: str) -> None:
    assert age((NOW - timedelta(seconds=seconds)).isoformat(), NOW) == told


@pytest.mark.parametrize("at", [None, "", "yesterday", 5, "2026-01-01T00:00:00"])
def test_no_time_has_no_age(at: Any) -> None:
    assert age(at, NOW) == UNKNOWN


def test_columns_are_aligned() -> None:
    rows = [("NAME", "GPU", "AGE"), ("a", "", "5m"), ("longer", "1", "3h")]

    assert list(lines(rows, widths_of(rows))) == ["NAME     GPU   AGE", "a        -     5m", "longer   1     3h"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20), lambda inner: st.lists(inner, max_size=3)
)


@given(
    st.dictionaries(
        st.sampled_from(["phase", "conditions", "url", "gpu", "gpusInUse", "replicas", "observedGeneration"]), VALUES
    )
)
def test_no_status_reaches_the_terminal_as_it_is(status: dict[str, Any]) -> None:
    row = ServiceRow.from_object({"metadata": {"name": "x"}, "spec": None, "status": status})
    cells = row.cells(NOW, namespaced=True, wide=True)

    (line,) = lines([cells], widths_of([cells]))

    assert line.isprintable()


def test_json_has_control_characters_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"a": "\x1b[31m\x9b\u202e\n\U000e0001é"}

    terminal.write_json(value)

    out = capsys.readouterr().out
    assert all(c.isprintable() or c == "\n" for c in out)
    assert "é" in out
    assert json.loads(out) == value


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--phase", "Started"), '--phase is "Started" but must be one of Creating, Pending, '),
        (("--watch", "-o", "json"), "--watch needs another output than json"),
        (("--by-project", "--watch"), "--by-project needs the output table or json, without --watch"),
        (("--by-project", "-o", "wide"), "--by-project needs the output table or json, without --watch"),
        (("--kubeconfig", "/nonexistent/file"), "no usable kubeconfig: /nonexistent/file doesn't exist; name one"),
    ],
)
def test_wrong_use_is_one_line(run: Run, arguments: tuple[str, ...], told: str) -> None:
    answer = run("list", *arguments)

    assert (answer.code, answer.out) == (2, "")
    assert told in answer.err
    assert "Traceback" not in answer.err


class RefusingCluster:
    """An API server that lists nothing for this caller."""

    readable: tuple[Any, ...] = ()

    async def pages(self, *_: Any, **__: Any) -> AsyncIterator[Any]:
        for page in self.readable:
            yield page
        raise ApiError(403, "Forbidden", "runainimservices is forbidden")


def test_who_may_not_list_all_namespaces_is_told_to_name_one() -> None:
    async def read(namespace: str) -> None:
        async for _ in service_pages(cast("KubeClient", RefusingCluster()), namespace=namespace):
            pass

    with pytest.raises(CommandError, match=r"forbidden; name a namespace of yours by -n$"):
        asyncio.run(read(""))
    with pytest.raises(ApiError):
        asyncio.run(read("team-a"))


def test_a_context_that_the_kubeconfig_lacks_is_named(run: Run, tmp_path: Path) -> None:
    (path := tmp_path / "kubeconfig").write_text(json.dumps({"contexts": [{"name": "a", "context": {}}]}))

    answer = run("list", "--kubeconfig", path, "--context", "b")

    assert (answer.code, answer.out) == (2, "")
    assert 'the kubeconfig has no context "b": kubectl config get-contexts lists them' in answer.err
