"""The guide's table of what a NIMService has and a RunaiNimService lacks: `import` reports each field of it."""

import re
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from local.cluster import CHECKOUT
from runai_nim.cli.app import app

PAGE = (CHECKOUT / "docs" / "guide" / "migration.md").read_text(encoding="utf-8")
TABLE = PAGE.partition("## Fields without a counterpart")[2].partition("\n## ")[0]
FIELDS = [
    field
    for cell in re.findall(r"^\| (`.*?) \|", TABLE, re.MULTILINE)
    for field in re.findall(r"`([^`]+)`", cell.partition(", unless")[0])
]
TERMS = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists"}]}]}
REQUIRED = {"requiredDuringSchedulingIgnoredDuringExecution": TERMS}
VALUES: dict[str, Any] = {
    "nodeSelector": {"a": "b"},
    "affinity": {"nodeAffinity": REQUIRED},
    "podAffinity": REQUIRED,
    "runtimeClassName": "nvidia",
    "proxy": {"httpsProxy": "http://proxy.example.com"},
    "metrics": {"enabled": True},
    "command": ["x"],
    "args": ["x"],
    "initContainers": [{"name": "x"}],
    "sidecarContainers": [{"name": "x"}],
    "storage.pvc.subPath": "x",
    "storage.hostPath": "/x",
    "storage.emptyDir": {"sizeLimit": "1Gi"},
    "draResources": [{"resourceClaimName": "x"}],
    "resources.claims": [{"name": "x"}],
    "priorityClassName": "of-nobody",
    "expose.router": {"hostDomainName": "example.com", "ingress": {"ingressClass": "nginx"}},
    "expose.ingress": {"enabled": True, "spec": {"ingressClassName": "nginx"}},
    "inferencePlatform: kserve": "kserve",
    "multiNode.computeDomain": {"create": True},
}


def test_each_field_of_the_table_has_a_value_here() -> None:
    assert sorted(FIELDS) == sorted(VALUES)


@pytest.mark.parametrize("field", VALUES)
def test_import_reports_a_field_of_the_table(field: str) -> None:
    path = field.partition(":")[0]
    spec: dict[str, Any] = {
        "image": {"repository": "nvcr.io/nim/meta/llama", "tag": "1.0"},
        "authSecret": "ngc-api-key",
        "storage": {} if path.startswith("storage.") else {"nimCache": {"name": "llama"}},
        "expose": {"service": {"port": 8000}},
        "resources": {"limits": {"nvidia.com/gpu": 1}},
        **({"multiNode": {"parallelism": {"pipeline": 2, "tensor": 1}}} if path.startswith("multiNode.") else {}),
    }
    part = spec
    *parents, last = path.split(".")
    for parent in parents:
        part = part.setdefault(parent, {})
    part[last] = VALUES[field]
    manifest = {
        "apiVersion": "apps.nvidia.com/v1alpha1",
        "kind": "NIMService",
        "metadata": {"name": "llama"},
        "spec": spec,
    }

    answer = CliRunner().invoke(app, ["import", "-"], input=yaml.safe_dump(manifest), catch_exceptions=False)

    assert answer.exit_code == 1
    reported = re.findall(r"error: spec\.([\w.]+)", answer.stderr)
    # Where nothing else of a block is left, the error is about the block.
    assert any(f"{one}.".startswith(f"{path}.") or path.startswith(f"{one}.") for one in reported), answer.stderr
