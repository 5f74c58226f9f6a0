"""`runai-nim validate`: every finding with its place. Decides nothing: the rules are those of the operator."""

from collections.abc import Sequence
from typing import Literal

from runai_nim.cli import terminal
from runai_nim.cli.diagnostic import Remark, exit_code
from runai_nim.cli.evaluation import Decided, decide
from runai_nim.cli.manifests import manifests_of
from runai_nim.cli.offline_context import Assumed


def check(files: Sequence[str], assumed: Assumed, output: Literal["text", "json"]) -> int:
    """Write all remarks; the exit code."""
    remarks: list[Remark] = []
    services = 0
    for found in decide(manifests_of(files), assumed):
        services += isinstance(found, Decided)
        remarks += found.remarks if isinstance(found, Decided) else (found,)
    if output == "json":
        terminal.write_json([remark.as_json() for remark in remarks if remark.severity != "note"])
    else:
        terminal.write_remarks(remark for remark in remarks if remark.severity != "note")
    terminal.say_remarks(remark for remark in remarks if remark.severity == "note")
    terminal.say(_summary(services, remarks))
    return exit_code(remarks)


def _summary(services: int, remarks: Sequence[Remark]) -> str:
    errors, warnings = (sum(remark.severity == severity for remark in remarks) for severity in ("error", "warning"))
    checked = _counted(services, "RunaiNimService")
    return f"{checked} checked: {_counted(errors, 'error')}, {_counted(warnings, 'warning')}"


def _counted(count: int, word: str) -> str:
    return f"{count or 'no'} {word}" + "s" * (count != 1)
