"""Bounds of the operator's code that no rule of ruff has. PLR0917 bounds the positional parameters of its functions."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import runai_nim

PACKAGE = Path(runai_nim.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
MODULE_LINES = 300
FUNCTION_LINES = 40
POSITIONAL_ARGUMENTS = 4
CALLS_PER_1000_LINES = 1.0


@cache
def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source(path))))


def place(path: Path, node: ast.AST) -> str:
    assert isinstance(node, ast.stmt | ast.expr)
    return f"{path.relative_to(PACKAGE)}:{node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_has_at_most_300_lines(path: Path) -> None:
    assert len(source(path).splitlines()) <= MODULE_LINES, "split it by meaning"


def test_functions_have_at_most_40_lines() -> None:
    assert list(long_functions()) == []


def long_functions() -> Iterator[str]:
    for path in MODULES:
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{place(path, node)} {node.name}: {lines} lines"


def test_few_calls_have_more_than_four_positional_arguments() -> None:
    """The rest are calls with a variable number of arguments, such as the parts of a path."""
    found = [
        place(path, node)
        for path in MODULES
        for node in nodes(path)
        if isinstance(node, ast.Call) and len(node.args) > POSITIONAL_ARGUMENTS
    ]
    lines = sum(len(source(path).splitlines()) for path in MODULES)
    assert 1000 * len(found) / lines <= CALLS_PER_1000_LINES, found


def test_each_name_is_assigned_by_itself() -> None:
    """`a, b = x, y` hides which value a name gets; unpacking one value, `a, b = pair`, is fine, and so is a swap."""
    assert [place(path, node) for path in MODULES for node in nodes(path) if is_packed(node)] == []


def is_packed(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple)):
        return False
    target = node.targets[0]
    if not isinstance(target, ast.Tuple):
        return False
    return {ast.unparse(name) for name in target.elts} != {ast.unparse(value) for value in node.value.elts}
