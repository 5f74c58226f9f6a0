"""The guide's pictures: what the commands write now, the same on every machine, and in a page with a text for it."""

import re
from xml.etree import ElementTree

import pytest

from local.cluster import CHECKOUT
from runai_nim.cli.cluster.list_services import ListQuery, write_list
from runai_nim.cli.cluster.service_row import ServiceRow
from scripts.picture_objects import NOW, some_services
from scripts.pictures import FOLDER, PICTURES
from tests.docs.guide import PAGES

SHOWN = re.compile(r"!\[([^\]]+)\]\((pictures/[^)]+)\)")
ADDRESS = re.compile(r"https?://[^\"\s<&]+")


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_the_command_writes_in_any_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in (("NO_COLOR", "1"), ("TERM", "dumb"), ("COLUMNS", "40"), ("HOME", "/nonexistent")):
        monkeypatch.setenv(variable, value)

    assert (CHECKOUT / name).read_text(encoding="utf-8") == PICTURES[name](), "run `make generate`"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_loads_nothing_and_has_no_path_of_a_machine(name: str) -> None:
    text = (CHECKOUT / name).read_text(encoding="utf-8")
    root = ElementTree.fromstring(text)  # noqa: S314 # a file of this repository

    assert set(ADDRESS.findall(text)) <= {"http://www.w3.org/2000/svg", "https://llama.models.example.com"}
    assert not re.search(r"url\((?!#)|@import|@font-face|href|<script", text)
    assert str(CHECKOUT) not in text
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))


def test_each_picture_is_shown_with_a_text() -> None:
    shown = [target for page in PAGES for _, target in SHOWN.findall(page.read_text(encoding="utf-8"))]

    assert sorted(f"docs/guide/{target}" for target in shown) == sorted(PICTURES)
    assert sorted(path.name for path in (CHECKOUT / FOLDER).iterdir()) == sorted(
        one.rpartition("/")[2] for one in PICTURES
    )


def test_the_sums_by_project_are_those_of_the_same_objects(capsys: pytest.CaptureFixture[str]) -> None:
    write_list(map(ServiceRow.from_object, some_services(NOW)), ListQuery(by_project=True))

    page = (CHECKOUT / "docs" / "guide" / "administration.md").read_text(encoding="utf-8")
    assert f"```text\n{capsys.readouterr().out}```\n" in page
