"""`runai-nim render`: prints the objects that the operator would write, as YAML or JSON."""

from collections.abc import Sequence
from typing import Literal

from runai_nim.cli import terminal
from runai_nim.cli.diagnostic import Diagnostic, exit_code
from runai_nim.cli.evaluation import ManifestEvaluation, evaluate_all
from runai_nim.cli.manifests import read_manifests
from runai_nim.cli.offline_context import OfflineContext
from runai_nim.cli.provenance import Provenance
from runai_nim.cli.unused_policies import note_on_unused
from runai_nim.cli.yaml_text import to_annotated_yaml, to_yaml


def render(files: Sequence[str], offline: OfflineContext, output: Literal["yaml", "json"], *, explain: bool) -> int:
    """Write the objects of all resources without errors and return the exit code."""
    remarks: list[Diagnostic] = [*offline.remarks]
    services: list[ManifestEvaluation] = []
    for found in evaluate_all(read_manifests(files), offline):
        if isinstance(found, ManifestEvaluation):
            services.append(found)
            remarks += found.diagnostics
        elif found.severity != "note":
            remarks.append(found)
    terminal.write_diagnostics_to_stderr([*remarks, *note_on_unused(offline, services)])
    if output == "json":
        terminal.write_json([manifest for service in services for manifest in service.objects])
    else:
        documents = [document for service in services for document in _documents(service, explain=explain)]
        terminal.write("---\n".join(documents))
    return exit_code(remarks)


def _documents(service: ManifestEvaluation, *, explain: bool) -> list[str]:
    if not explain:
        return [to_yaml(manifest) for manifest in service.objects]
    return [to_annotated_yaml(manifest, Provenance(service, manifest["kind"]).origin) for manifest in service.objects]
