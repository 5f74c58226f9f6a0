"""`runai-nim validate`: prints every finding with its position."""

from collections.abc import Sequence
from typing import Literal

from runai_nim.cli import terminal
from runai_nim.cli.advice import advice_on
from runai_nim.cli.diagnostic import Diagnostic, exit_code
from runai_nim.cli.evaluation import ManifestEvaluation, evaluate_all
from runai_nim.cli.manifests import read_manifests
from runai_nim.cli.offline_context import OfflineContext


def validate_files(files: Sequence[str], offline: OfflineContext, output: Literal["text", "json"]) -> int:
    """Write all diagnostics and return the exit code."""
    remarks: list[Diagnostic] = [*offline.remarks]
    services: list[ManifestEvaluation] = []
    for found in evaluate_all(read_manifests(files), offline):
        if isinstance(found, ManifestEvaluation):
            services.append(found)
            remarks += found.diagnostics
        else:
            remarks.append(found)
    remarks += advice_on(services)
    if output == "json":
        terminal.write_json([remark.as_json() for remark in remarks if remark.severity != "note"])
    else:
        terminal.write_diagnostics(remark for remark in remarks if remark.severity != "note")
    terminal.write_diagnostics_to_stderr(remark for remark in remarks if remark.severity == "note")
    terminal.write_styled(_summary(len(services), remarks))
    return exit_code(remarks)


def _summary(services: int, remarks: Sequence[Diagnostic]) -> str:
    errors, warnings = (sum(remark.severity == severity for remark in remarks) for severity in ("error", "warning"))
    checked = _count_text(services, "RunaiNimService")
    return f"{checked} checked: {_count_text(errors, 'error')}, {_count_text(warnings, 'warning')}"


def _count_text(count: int, word: str) -> str:
    return f"{count or 'no'} {word}" + "s" * (count != 1)
