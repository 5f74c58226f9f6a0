"""The lines that `runai-nim list --watch` adds."""

from typing import Any

from runai_nim.cli.cluster.service_row import RowFilter, ServiceRow
from runai_nim.cli.cluster.shown_rows import DELETED, ShownRows
from tests.cli.test_list import a_service

ROW = ServiceRow.from_object(a_service())


def row(name: str = "llama", **status: Any) -> ServiceRow:
    return ServiceRow.from_object(a_service(name, **status))


def test_a_change_is_a_line_and_the_same_again_is_none() -> None:
    shown = ShownRows([ROW], RowFilter())

    assert list(shown.put(row())) == []
    assert list(shown.put(row(phase="Updating"))) == [row(phase="Updating")]
    assert list(shown.put(row("other"))) == [row("other")]
    assert list(shown) == [row(phase="Updating"), row("other")]


def test_what_is_deleted_goes_with_a_line() -> None:
    shown = ShownRows([ROW], RowFilter())

    (gone,) = shown.remove(row(phase="Deleting"))

    assert (gone.name, gone.phase, gone.is_ready, gone.ready_replicas) == ("llama", DELETED, False, 0)
    assert list(shown) == []
    assert list(shown.remove(ROW)) == []
    assert list(shown.put(ROW)) == [ROW]


def test_what_the_filter_no_longer_keeps_is_shown_once_more() -> None:
    shown = ShownRows([ROW, row("other", ready="False")], RowFilter(not_ready=True))

    assert list(shown.put(ROW)) == []
    assert list(shown.put(row("other"))) == [row("other")]
    assert list(shown) == []
    assert list(shown.remove(row("other"))) == []


def test_after_a_lost_watch_all_that_has_changed_meanwhile_is_shown() -> None:
    shown = ShownRows([ROW, row("gone"), row("same")], RowFilter())

    lines = list(shown.replace([row(phase="Updating"), row("same"), row("new")]))

    assert [(line.name, line.phase) for line in lines] == [("gone", DELETED), ("llama", "Updating"), ("new", "Running")]
    assert {one.name for one in shown} == {"llama", "same", "new"}
