"""`runai-nim list`: the RunaiNimServices of a cluster."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from runai_nim.api.resources import RUNAI_NIM_SERVICES
from runai_nim.cli import terminal
from runai_nim.cli.cluster.connection import ClusterOptions, run, service_pages
from runai_nim.cli.cluster.service_row import COLUMNS, WIDE_COLUMNS, RowFilter, ServiceRow
from runai_nim.cli.cluster.shown_rows import DELETED, ShownRows
from runai_nim.cli.cluster.table import lines, widths_of
from runai_nim.cli.diagnostic import EXIT_OK
from runai_nim.kube.api_error import ApiError
from runai_nim.kube.client import KubeClient

ListFormat = Literal["table", "wide", "json", "name"]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which RunaiNimServices, and how they are shown. An empty namespace: all. by_project: sums instead of rows."""

    namespace: str = ""
    selector: str = ""
    rows: RowFilter = field(default_factory=RowFilter)
    output: ListFormat = "table"
    watch: bool = False
    by_project: bool = False


def list_services(query: ListQuery, options: ClusterOptions) -> int:
    """Write the rows and return the exit code; with `watch`, write each change until interrupted."""
    return run(options, lambda cluster: _list(cluster, query))


async def _list(cluster: KubeClient, query: ListQuery) -> int:
    rows, version = await _read(cluster, query)
    shown = ShownRows(rows, query.rows)
    widths = write_list(shown, query)
    while query.watch:
        terminal.flush()
        try:
            version = await _follow(cluster, query, version, shown=shown, widths=widths)
        except ApiError as error:
            if error.status != 410:
                raise
            rows, version = await _read(cluster, query)
            _write_rows(shown.replace(rows), query, widths)
    return EXIT_OK


async def _read(cluster: KubeClient, query: ListQuery) -> tuple[list[ServiceRow], str]:
    rows: list[ServiceRow] = []
    version = ""
    async for page in service_pages(cluster, query.selector, query.namespace):
        rows += (ServiceRow.from_object(item) for item in page["items"])
        version = page["metadata"]["resourceVersion"]
    return sorted(rows, key=lambda row: row.sort_key), version


async def _follow(cluster: KubeClient, query: ListQuery, version: str, *, shown: ShownRows, widths: list[int]) -> str:
    """Write changes until the watch ends; the version from which the next one starts."""
    events = await cluster.watch(RUNAI_NIM_SERVICES, version, selector=query.selector, namespace=query.namespace)
    async for event in events:
        obj = event["object"]
        if event["type"] == "ERROR":
            raise ApiError(obj.get("code", 0), str(obj.get("reason", "")), str(obj.get("message", "")))
        version = obj["metadata"]["resourceVersion"]
        if event["type"] != "BOOKMARK":
            row = ServiceRow.from_object(obj)
            changed = shown.remove(row) if event["type"] == "DELETED" else shown.put(row)
            _write_rows(changed, query, widths)
            terminal.flush()  # a reader at the end of a pipe waits for it, too
    return version


def write_list(rows: Iterable[ServiceRow], query: ListQuery) -> list[int]:
    """Write the header and the rows; return the widths of the columns."""
    rows = list(rows)
    if query.by_project:
        _write_projects(rows, query)
        return []
    if query.output == "json":
        terminal.write_json([row.as_json() for row in rows])
        return []
    if query.output == "name":
        _write_rows(rows, query, [])
        return []
    header = (*(() if query.namespace else ("NAMESPACE",)), *(WIDE_COLUMNS if query.output == "wide" else COLUMNS))
    widths = widths_of([header, *(_cells(row, query) for row in rows)])
    if rows or query.watch:
        terminal.write_line(next(lines([header], widths)))
    else:
        _say_none(query)
    _write_rows(rows, query, widths)
    return widths


def _write_projects(rows: Iterable[ServiceRow], query: ListQuery) -> None:
    from runai_nim.cli.cluster.project_usage import PROJECT_COLUMNS, usage_by_project  # decimals, for this alone

    projects = usage_by_project(rows)
    if query.output == "json":
        terminal.write_json([one.as_json() for one in projects])
    elif projects:
        table = [PROJECT_COLUMNS, *(one.cells() for one in projects)]
        for line in lines(table, widths_of(table)):
            terminal.write_parts([(line, "")])
    else:
        _say_none(query)


def _say_none(query: ListQuery) -> None:
    where = f"in namespace {query.namespace}" if query.namespace else "in any namespace"
    terminal.write_styled(f"no RunaiNimServices found {where}, or none that the options select")


def _write_rows(rows: Iterable[ServiceRow], query: ListQuery, widths: list[int]) -> None:
    for row in rows:
        if query.output == "name":
            terminal.write_line(f"{row.full_name} deleted" if row.phase == DELETED else row.full_name)
        else:
            cells = _cells(row, query)
            terminal.write_parts([(next(lines([cells], widths)), "" if row.is_ready else "yellow")])


def _cells(row: ServiceRow, query: ListQuery) -> tuple[str, ...]:
    return row.cells(datetime.now(UTC), namespaced=not query.namespace, wide=query.output == "wide")
