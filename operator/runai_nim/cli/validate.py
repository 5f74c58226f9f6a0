"""`runai-nim validate`: prints every finding with its position."""

from collections.abc import Iterator, Sequence
from typing import Literal

from runai_nim.api.count_text import count_text
from runai_nim.cli import terminal
from runai_nim.cli.advice import advice_on
from runai_nim.cli.diagnostic import Diagnostic, exit_code
from runai_nim.cli.evaluation import ManifestEvaluation, evaluate_all
from runai_nim.cli.manifests import read_manifests
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.cli.unused_policies import note_on_unused
from runai_nim.domain.admission.runai_fields import check_runai_fields


def validate_files(
    files: Sequence[str], offline: OfflineContext, output: Literal["text", "json"], *, strict_runai: bool = False
) -> int:
    """Write all diagnostics and return the exit code. `strict_runai` adds an error for each field of ours."""
    remarks: list[Diagnostic] = [*offline.remarks]
    services: list[ManifestEvaluation] = []
    for found in evaluate_all(read_manifests(files), offline):
        if isinstance(found, ManifestEvaluation):
            services.append(found)
            remarks += found.diagnostics
            remarks += _fields_of_ours(found) if strict_runai else ()
        else:
            remarks.append(found)
    remarks += [*advice_on(services), *note_on_unused(offline, services)]
    if output == "json":
        terminal.write_json([remark.as_json() for remark in remarks if remark.severity != "note"])
    else:
        terminal.write_diagnostics(remark for remark in remarks if remark.severity != "note")
    terminal.write_diagnostics_to_stderr(remark for remark in remarks if remark.severity == "note")
    terminal.write_styled(_summary(len(services), remarks))
    return exit_code(remarks)


def _fields_of_ours(service: ManifestEvaluation) -> Iterator[Diagnostic]:
    manifest = service.manifest
    return (manifest.diagnostic(found, service.resource) for found in check_runai_fields(manifest.value.get("spec")))


def _summary(services: int, remarks: Sequence[Diagnostic]) -> str:
    errors, warnings = (sum(remark.severity == severity for remark in remarks) for severity in ("error", "warning"))
    checked = _count_text(services, "RunaiNimService")
    return f"{checked} checked: {_count_text(errors, 'error')}, {_count_text(warnings, 'warning')}"


def _count_text(count: int, word: str) -> str:
    return count_text(count, word) if count else f"no {word}s"
