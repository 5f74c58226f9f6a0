"""What the REST API makes of a body is what `runai-nim convert` prints of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from runai_nim.cli.app import app
from tests.contract.bodies import NAMES, bodies
from tests.rest.conftest import Project

Http = Callable[..., httpx.Response]
FILES = sorted((Path(__file__).parents[1] / "contract" / "rest").glob("*.yaml"))
SET_BY_THE_SERVER = {"creationTimestamp", "generation", "resourceVersion", "uid"}


def converted(body: Any, namespace: str) -> tuple[dict[str, Any], list[str]]:
    """The manifest, and the messages of its errors."""
    answer = CliRunner().invoke(app, ["convert", "-f", "-", "-n", namespace], input=json.dumps(body))
    lines = answer.stderr.splitlines()
    return yaml.safe_load(answer.stdout), [line.split("error: ", 1)[1] for line in lines if "error: " in line]


@pytest.mark.parametrize("source", [*FILES, *NAMES], ids=lambda source: getattr(source, "stem", source))
def test_the_same_object_or_the_same_mistakes(
    http: Http, project: Project, kubectl: Callable[..., str], source: Path | str
) -> None:
    body: Any = yaml.safe_load(source.read_text()) if isinstance(source, Path) else {"spec": bodies()[source]}
    body["metadata"] = {"name": "llama", **body.get("metadata", {}), "projectId": project.id}
    manifest, mistakes = converted(body, project.namespace)

    answer = http("POST", "/api/v2/workloads/nim-services", json=body)

    if mistakes:
        assert answer.status_code == 400
        assert [issue["details"] for issue in answer.json()["complianceIssues"]] == mistakes
        return
    name = answer.json()["metadata"]["name"]
    stored = json.loads(kubectl("get", "rnim", name, f"--namespace={project.namespace}", "--output=json"))
    del stored["status"], stored["metadata"]["annotations"]
    stored["metadata"] = {field: v for field, v in stored["metadata"].items() if field not in SET_BY_THE_SERVER}
    if "generateName" in manifest["metadata"]:
        manifest["metadata"]["name"] = name
    assert stored == manifest
