"""`runai-nim render`: what the operator would write, as YAML or JSON. Decides nothing."""

from collections.abc import Sequence
from typing import Literal

from runai_nim.cli import terminal
from runai_nim.cli.diagnostic import Remark, exit_code
from runai_nim.cli.evaluation import Decided, decide
from runai_nim.cli.manifests import manifests_of
from runai_nim.cli.offline_context import Assumed
from runai_nim.cli.provenance import Notes
from runai_nim.cli.yaml_text import annotated, yaml_of


def render(files: Sequence[str], assumed: Assumed, output: Literal["yaml", "json"], *, explain: bool) -> int:
    """Write the objects of all resources without errors; the exit code."""
    remarks: list[Remark] = []
    services: list[Decided] = []
    for found in decide(manifests_of(files), assumed):
        if isinstance(found, Decided):
            services.append(found)
            remarks += found.remarks
        elif found.severity != "note":
            remarks.append(found)
    terminal.say_remarks(remarks)
    if output == "json":
        terminal.write_json([manifest for service in services for manifest in service.objects])
    else:
        documents = [document for service in services for document in _documents(service, explain=explain)]
        terminal.write("---\n".join(documents))
    return exit_code(remarks)


def _documents(service: Decided, *, explain: bool) -> list[str]:
    if not explain:
        return [yaml_of(manifest) for manifest in service.objects]
    return [annotated(manifest, Notes(service, manifest["kind"]).note) for manifest in service.objects]
