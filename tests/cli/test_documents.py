"""The reader: YAML and JSON as Kubernetes' tools read them, each value with its place, and no text that breaks it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runai_nim.cli.diagnostic import Diagnostic, Position
from runai_nim.cli.documents import MAX_DOCUMENT_DEPTH, Document, read_documents
from runai_nim.cli.input_files import MAX_FILE_BYTES, InputText, read_input
from runai_nim.cli.yaml_text import to_annotated_yaml, to_yaml


def read(content: str) -> list[Document | Diagnostic]:
    return list(read_documents(InputText("a.yaml", content)))


def value_of(content: str) -> Any:
    (document,) = read(content)
    assert isinstance(document, Document), document
    return document.value


def remark_of(content: str) -> str:
    (remark,) = [found for found in read(content) if isinstance(found, Diagnostic)]
    return f"{remark.place} {remark.message}"


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("a: 1", {"a": 1}),
        ('{"a": [1.5, true, null, "x"]}', {"a": [1.5, True, None, "x"]}),
        ('{\n\t"a": "\\/"}', {"a": "/"}),
        ('{"a": "\\ud83d\\ude00", "b": "\\\\ud83d"}', {"a": "😀", "b": "\\ud83d"}),
        ("a: 2001-01-01", {"a": "2001-01-01"}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: '1e3'", {"a": "1e3"}),
        ("a: 22:30", {"a": "22:30"}),
        ("a: 010", {"a": 8}),
        ("a: yes", {"a": True}),
        ("1: x\ntrue: y", {"1": "x", "true": "y"}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}", {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}}),
        (
            "a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}",
            {"a": {"b": 1}, "c": {"b": 2, "d": 3}, "e": {"b": 1, "d": 3}},
        ),
        ("a: |\n  b\n", {"a": "b\n"}),
    ],
)
def test_it_reads_values_as_json_has_them(content: str, value: Any) -> None:
    assert value_of(content) == value


def test_it_reads_several_documents_and_passes_over_empty_ones() -> None:
    documents = read("---\n---\na: 1\n---\n# nothing\n---\nb: 2\n")

    assert [(found.value, found.position) for found in documents if isinstance(found, Document)] == [
        ({"a": 1}, Position(3, 1)),
        ({"b": 2}, Position(7, 1)),
    ]


@pytest.mark.parametrize("content", ["", "# only this\n", "---\n", "null\n"])
def test_an_empty_text_has_no_document(content: str) -> None:
    assert read(content) == []


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        ("a: [1, 2\nb", "a.yaml:3:1: must be YAML or JSON: did not find expected ',' or ']'"),
        ("a: 1\n  b: 2", "a.yaml:2:4: must be YAML or JSON: mapping values are not allowed in this context"),
        ("\ta: 1", "a.yaml:1:1: must be YAML or JSON: found character that cannot start any token"),
        ("a: *x", "a.yaml:1:4: must be YAML or JSON: found undefined alias"),
        ("a: \0", "a.yaml:1:1: must be YAML or JSON: control characters are not allowed"),
        ("a: !foo 1", "a.yaml:1:4: must not have the YAML tag !foo: Kubernetes supports no tags"),
        ("a: !!set {b}", "a.yaml:1:4: must not have the YAML tag tag:yaml.org,2002:set: Kubernetes supports no tags"),
        (
            "a: !!binary aGk=",
            "a.yaml:1:4: must not have the YAML tag tag:yaml.org,2002:binary: Kubernetes supports no tags",
        ),
        ("a: !!int x", "a.yaml:1:4: must be a valid int"),
        ("a: !!int", "a.yaml:1:4: must be a valid int"),
        ("a: !!bool x", "a.yaml:1:4: must be a valid bool"),
        ("a: " + "9" * 5000, "a.yaml:1:4: must be a valid int"),
        ("a: 0x" + "f" * 5000, "a.yaml:1:4: must be a valid int"),
        ("a: -0b" + "1" * 5000, "a.yaml:1:4: must be a valid int"),
        ("a: 0" + "7" * 5000, "a.yaml:1:4: must be a valid int"),
        ("a: .nan", "a.yaml:1:4: must be a finite number"),
        ("a: 1e999", "a.yaml:1:4: must be a finite number"),
        ("? [a]\n: 1", "a.yaml:1:3: a key must be a string"),
        ("a: {<<: 1}", "a.yaml:1:9: << must refer to a mapping"),
        ("a: &x [*x]", "a.yaml:1:4: must not be nested deeper than 100 levels"),
        ("a: &x {<<: *x}", "a.yaml:1:4: must not be nested deeper than 100 levels"),
        ("[" * 200, "a.yaml:1:101: must not be nested deeper than 100 levels"),
    ],
)
def test_what_it_can_t_read_has_a_place(content: str, remark: str) -> None:
    assert remark_of(content) == remark


def test_deep_nesting_ends_in_a_remark_and_not_in_the_reader_s_recursion() -> None:
    assert "nested deeper" in remark_of("[" * 1_000_000)
    assert isinstance(read("[" * MAX_DOCUMENT_DEPTH + "]" * MAX_DOCUMENT_DEPTH)[0], Document)


def test_an_alias_bomb_is_counted_in_full() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]

    assert "must contain at most 300000 values, with aliases expanded: split it" in remark_of("\n".join(lines))


def test_many_values_are_refused_before_they_are_read() -> None:
    # The 900001st event of the reader; reading values would have stopped at the 300001st of them.
    assert remark_of("[" + "1," * 1_000_000 + "]").startswith("a.yaml:1:1799998: must contain at most 300000 values")


def test_a_bomb_of_merges_is_counted_too() -> None:
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]

    assert "must contain at most 300000 values" in remark_of("\n".join(lines))


def test_a_key_that_is_there_twice_names_both_lines() -> None:
    content = "a: 1\nb:\n  c: 1\n  c: 2\n"

    assert remark_of(content) == 'a.yaml:4:3: duplicate key "c" in lines 3 and 4: remove one'


def test_a_key_that_overrides_a_merged_one_is_not_there_twice() -> None:
    assert [type(found) for found in read("a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n")] == [Document]


CONTENT = """\
kind: É
metadata:
  labels: {é: ü, app.kubernetes.io/name: x, app: y}
spec:
  nodePools:
    - a
    - b
  environmentVariables:
    - name: A
      value: x
    - {name: B, value: y}
  odd.key: {below: 1}
  odd: {key: 2}
"""


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("", (1, 1)),
        ("kind", (1, 1)),
        ("spec", (4, 1)),
        ("spec.nodePools", (5, 3)),
        ("spec.nodePools[1]", (7, 7)),
        ("spec.nodePools[2]", (5, 3)),
        ("spec.environmentVariables[0].value", (10, 7)),
        ("spec.environmentVariables[1].value", (11, 17)),
        ("spec.environmentVariables[1].secret.name", (11, 7)),
        ("metadata.labels[app.kubernetes.io/name]", (3, 18)),
        ("metadata.labels[app]", (3, 45)),
        ("metadata.labels.app", (3, 45)),
        ("metadata.name", (2, 1)),
        ("spec.odd.key.below", (12, 13)),
        ("spec.odd.other", (13, 3)),
        ("the namespace", (1, 1)),
        ("spec[", (4, 1)),
        ("spec.nodePools[99999999999999999999]", (5, 3)),
    ],
)
def test_a_path_has_a_place_or_that_of_the_nearest_around_it(path: str, position: tuple[int, int]) -> None:
    (document,) = read(CONTENT)
    assert isinstance(document, Document)

    assert document.locate(path) == position


def test_a_merged_key_stands_where_it_was_written() -> None:
    (document,) = read("base: &x\n  image: a\nspec:\n  <<: *x\n")
    assert isinstance(document, Document)

    assert document.locate("spec.image") == (2, 3)


PIECES = st.sampled_from(
    [
        "a",
        ": ",
        "- ",
        "\n",
        "  ",
        "{",
        "}",
        "[",
        "]",
        "&x ",
        "*x",
        "<<: ",
        "!!int ",
        "? ",
        "'",
        '"',
        "|",
        "#",
        "---\n",
        "1",
        "é",
        "\0",
    ]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)))
def test_no_text_raises(content: str) -> None:
    for found in read(content):
        if isinstance(found, Diagnostic):
            assert found.message
        else:
            json.dumps(found.value)
            found.locate("spec.a[0][x].b")


@given(st.binary(max_size=300))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_bytes(content)

    for text in read_input(str(path)):
        list(read_documents(text))


KEYS = st.text(max_size=50)  # YAML takes no keys of more than 1024 characters, escapes counted
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda children: st.one_of(st.lists(children), st.dictionaries(KEYS, children)),
    max_leaves=20,
)


@given(st.one_of(st.lists(JSON), st.dictionaries(KEYS, JSON, min_size=1)))
def test_json_is_read_as_json(value: Any) -> None:
    assert value_of(json.dumps(value)) == value


@given(st.dictionaries(KEYS, JSON, min_size=1))
def test_what_is_written_is_read_as_it_was_with_notes_and_without(value: Any) -> None:
    assert value_of(to_yaml(value)) == value
    assert value_of(to_annotated_yaml(value, lambda path: f"{path}")) == value


def failure_of(argument: str) -> str:
    (text,) = read_input(argument)
    assert text.failure
    return f"{text.failure.place} {text.failure.message}"


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")

    (text,) = read_input(str(tmp_path / "a.yaml"))

    assert text.content == "a: 1\n"


def test_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("a: 1\nb: é\n".encode("latin-1"))

    assert failure_of(str(path)) == f"{path}:2:1: must be UTF-8 (byte 8 isn't): save it as UTF-8"


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))

    assert failure_of(str(path)) == f"{path}: must have at most 5 MiB: split it"
    assert failure_of("/dev/zero") == "/dev/zero: must have at most 5 MiB: split it"


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"

    assert failure_of(str(path)) == f"{path}: can't be read: No such file or directory"
    assert failure_of("a\0b").endswith("embedded null byte")


def test_a_directory_is_its_own_manifests_by_name(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "c.json", "notes.txt"):
        (tmp_path / name).write_text("a: 1")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "d.yaml").write_text("a: 1")

    assert [os.path.basename(text.name) for text in read_input(str(tmp_path))] == ["a.yaml", "b.yml", "c.json"]


def test_a_directory_without_manifests_is_said(tmp_path: Path) -> None:
    assert (
        failure_of(str(tmp_path))
        == f"{tmp_path}: must contain a .yaml or .yml or .json file: subdirectories are not searched"
    )
