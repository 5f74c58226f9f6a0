"""Pages and lines of any size, and those that can't be decoded."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.api.resources import KubeObject
from runai_nim.kube.bounded_reader import (
    LIST_PAGE_SIZE,
    LONGEST_LOG_LINE,
    MAX_ATTEMPTS,
    MAX_PAGE_BYTES,
    PageSize,
    Reader,
    lines,
    log_lines,
    name_in,
)

DEEP = b'{"f:a":' * 2000 + b"{}" + b"}" * 2000
"""Nested deeper than JSON is read, as managedFields may be."""


class Body:
    """A body that arrives in these pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces
        self.closed = False

    async def iter_any(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece

    @property
    def content(self) -> "Body":
        return self

    def close(self) -> None:
        self.closed = True


def item(name: str, filling: bytes = b"{}") -> bytes:
    return b'{"metadata":{"name":"%b","namespace":"ns","managedFields":%b}}' % (name.encode(), filling)


def builtin(items: Sequence[bytes], more: str) -> bytes:
    """A page as the API server writes it for kinds of its own: its metadata come first."""
    head = b'{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"7","continue":"%b"}' % more.encode()
    return head + b',"items":[' + b",".join(items) + b"]}\n"


def custom(items: Sequence[bytes], more: str) -> bytes:
    """A page as the API server writes it for custom resources: fields in alphabetical order."""
    tail = b'],"kind":"XList","metadata":{"continue":"%b","resourceVersion":"7"}}\n' % more.encode()
    return b'{"apiVersion":"x/v1","items":[' + b",".join(items) + tail


class Pages:
    """An API server with these objects, and what it was asked."""

    def __init__(self, written: Any, *items: bytes) -> None:
        self._written = written
        self._items = items
        self._at = 0
        self.asked: list[int] = []

    async def ask(self, limit: int) -> Body:
        self.asked.append(limit)
        self._next = min(self._at + limit, len(self._items))
        body = self._written(self._items[self._at : self._next], str(self._next) * (self._next < len(self._items)))
        return Body(*(body[at : at + 2**16] for at in range(0, len(body), 2**16)))

    async def all(self) -> tuple[list[str], list[str]]:
        """The names in all pages, and those of what was left out."""
        reader, size = Reader(), PageSize()
        names: list[str] = []
        unreadable: list[str] = []
        while True:
            page = await reader.page(self.ask, size, lambda name, _: unreadable.append(name))
            names += [obj["metadata"]["name"] for obj in page["items"]]
            assert page["metadata"]["resourceVersion"] == "7"
            if not page["metadata"]["continue"]:
                return names, unreadable
            self._at = self._next


@pytest.mark.parametrize("written", [builtin, custom])
def test_small_objects_come_in_large_pages(written: Any) -> None:
    pages = Pages(written, *(item(f"o{number}") for number in range(250)))
    names, unreadable = asyncio.run(pages.all())
    assert (names, unreadable) == ([f"o{number}" for number in range(250)], [])
    assert pages.asked == [LIST_PAGE_SIZE] * 3


@pytest.mark.parametrize("written", [builtin, custom])
def test_large_objects_come_in_small_pages(written: Any) -> None:
    large = b'"%b"' % (b"x" * (MAX_PAGE_BYTES // 2))
    items = [item(f"o{number}", large if 20 <= number < 30 else b"{}") for number in range(300)]
    pages = Pages(written, *items)
    names, unreadable = asyncio.run(pages.all())
    assert (names, unreadable) == ([f"o{number}" for number in range(300)], [])
    assert pages.asked[:4] == [100, 25, 6, 12]
    assert pages.asked[-1] == LIST_PAGE_SIZE
    assert len(pages.asked) < 40


def test_one_object_may_be_larger_than_a_page() -> None:
    pages = Pages(builtin, item("a", b'"%b"' % (b"x" * 2 * MAX_PAGE_BYTES)), item("b"))
    assert asyncio.run(pages.all()) == (["a", "b"], [])


@pytest.mark.parametrize("written", [builtin, custom])
@pytest.mark.parametrize("bad", [0, 7, 119])
def test_an_object_that_can_t_be_decoded_is_left_out(written: Any, bad: int) -> None:
    pages = Pages(written, *(item(f"o{number}", DEEP if number == bad else b"{}") for number in range(120)))
    names, unreadable = asyncio.run(pages.all())
    assert names == [f"o{number}" for number in range(120) if number != bad]
    assert unreadable == [f"ns/o{bad}"]


@pytest.mark.parametrize("written", [builtin, custom])
def test_nothing_but_such_objects(written: Any) -> None:
    pages = Pages(written, *(item(f"o{number}", DEEP) for number in range(5)))
    assert asyncio.run(pages.all()) == ([], [f"ns/o{number}" for number in range(5)])


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"<html>", DEEP, builtin([item("a", DEEP)], "")[:-10], custom([item("a", DEEP)], "")[:-2]],
)
def test_what_is_no_page_is_an_error(body: bytes) -> None:
    async def ask(limit: int) -> Body:
        return Body(body)

    async def read() -> KubeObject:
        return await Reader().page(ask, PageSize(), lambda name, error: None)

    with pytest.raises(aiohttp.ClientPayloadError):
        asyncio.run(read())


class Broken(Body):
    async def iter_any(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise TimeoutError


@pytest.mark.parametrize("breaks", range(MAX_ATTEMPTS + 1))
def test_a_page_that_breaks_off_is_asked_for_again(breaks: int) -> None:
    bodies = [Broken() for _ in range(breaks)]
    asked: list[int] = []

    async def ask(limit: int) -> Body:
        asked.append(limit)
        return bodies[len(asked) - 1] if len(asked) <= breaks else Body(builtin([item("a")], ""))

    async def read() -> KubeObject:
        return await Reader().page(ask, PageSize(), lambda name, error: None)

    if breaks < MAX_ATTEMPTS:
        assert len(asyncio.run(read())["items"]) == 1
    else:
        with pytest.raises(TimeoutError):
            asyncio.run(read())
    assert asked == [100, 25, 6, 1][: min(breaks + 1, MAX_ATTEMPTS)]
    assert all(body.closed for body in bodies)


def test_of_large_bodies_one_is_read_at_a_time() -> None:
    under_way: list[int] = []

    class Large(Body):
        async def iter_any(self) -> AsyncIterator[bytes]:
            yield b"x" * 2**21
            under_way.append(len(under_way))
            await asyncio.sleep(0.01)
            under_way.pop()
            yield b"x"

    async def read() -> list[bytearray | None]:
        reader = Reader()
        return await asyncio.gather(*(reader.body(Large()) for _ in range(3)))

    assert [len(body or b"") for body in asyncio.run(read())] == [2**21 + 1] * 3
    assert under_way == []


async def read_lines(*pieces: bytes) -> list[bytes]:
    return [bytes(line) async for line in lines(Body(*pieces))]


@given(st.lists(st.binary(max_size=5).map(lambda line: line.replace(b"\n", b"")), max_size=4), st.data())
def test_lines_are_cut_at_their_ends_alone(found: list[bytes], data: st.DataObject) -> None:
    body = b"".join(line + b"\n" for line in found)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=4)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert asyncio.run(read_lines(*pieces)) == found


def test_a_line_of_any_length() -> None:
    event = orjson.dumps({"type": "ADDED", "object": {"a": "<" * 2**23}}) + b"\n"
    pieces = [event[at : at + 2**16] for at in range(0, len(event), 2**16)]
    assert asyncio.run(read_lines(b'{"type"', b":1}\n", *pieces, b"{}\n")) == [b'{"type":1}', event[:-1], b"{}"]


def test_an_answer_that_ends_within_a_line() -> None:
    with pytest.raises(aiohttp.ClientPayloadError):
        asyncio.run(read_lines(b"{}\n{"))


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (item("a"), "ns/a"),
        (b'{"metadata":{"name":"a","generateName":"a-","namespace":"ns"', "ns/a"),
        (b'{"metadata":{"name":"a"}}', "unknown"),
        (b'{"name":"\x1b[31m","namespace":"ns"}', "unknown"),
        (b"", "unknown"),
    ],
)
def test_the_name_in_a_body(body: bytes, name: str) -> None:
    assert name_in(body) == name


def log_of(*pieces: bytes) -> list[bytes]:
    async def read() -> list[bytes]:
        return [line async for line in log_lines(Body(*pieces))]

    return asyncio.run(read())


def test_a_log_is_read_line_by_line_however_it_arrives() -> None:
    assert log_of(b"one\ntw", b"o\n\nthree") == [b"one", b"two", b"", b"three"]
    assert log_of() == []


def test_an_endless_line_of_a_log_is_cut() -> None:
    endless = [b"x" * (LONGEST_LOG_LINE - 1)] * 3

    for read in (log_of(*endless), log_of(b"".join(endless) + b"\n")):
        assert b"".join(read) == b"".join(endless)
        assert max(map(len, read)) <= LONGEST_LOG_LINE
