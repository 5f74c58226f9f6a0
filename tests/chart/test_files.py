"""What can be said of the chart's files, and of those for Argo CD and Flux, without helm and without a cluster."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT
from runai_nim import __version__
from runai_nim.config.permissions import PERMISSIONS
from runai_nim.config.settings import Settings
from runai_nim.config.settings_loader import SettingsError, load_settings
from scripts.generate import FILES

CHART = CHECKOUT / "charts" / "runai-nim-operator"
SCHEMA = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")
SETTINGS = SCHEMA["properties"]["settings"]


@pytest.mark.parametrize("name", sorted(name for name in FILES if not name.startswith("docs/")))
def test_a_generated_file_is_what_the_code_says(name: str) -> None:
    assert (CHECKOUT / name).read_text(encoding="utf-8") == FILES[name](), "run `make generate`"


def test_the_chart_is_for_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert chart["appVersion"] == __version__
    # A development version is older than the release, as in Python.
    assert chart["version"] == __version__.replace(".dev", "-dev.")


def test_every_setting_is_a_value_with_its_default() -> None:
    commented = VALUES.split("# Settings of the operator.")[1].split("settings: {}")[0]
    example = yaml.safe_load("\n".join(line[4:] for line in commented.splitlines() if line.startswith("#   ")))

    assert set(SETTINGS["properties"]) == set(Settings.model_fields)
    assert load_settings(example, {}) == load_settings({}, {})
    assert set(example) == set(Settings.model_fields)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_the_schema_takes_of_a_setting_what_the_operator_takes(name: str) -> None:
    """By the type and the bounds; what a key or a domain looks like the operator says alone."""
    schema = SETTINGS["properties"][name]
    at_bounds = [schema[bound] for bound in ("minimum", "maximum") if bound in schema]
    beyond = [schema["maximum"] + 1] if "maximum" in schema else []
    beyond += [schema["minimum"] - 1] if "minimum" in schema else []
    beyond += [schema["exclusiveMinimum"]] if "exclusiveMinimum" in schema else []

    for value in (*schema.get("enum", ()), *at_bounds):
        if (name, value) not in NEED_OTHERS:
            load_settings({name: value}, {})
    for value in (*beyond, [{}]):
        with pytest.raises(SettingsError, match=name):
            load_settings({name: value}, {})


NEED_OTHERS = [("external_mode", "ingress"), ("external_mode", "gateway"), ("backoff_initial_seconds", 86400)]


def test_unknown_values_are_refused_everywhere_but_where_kubernetes_has_the_say() -> None:
    def open_ones(schema: dict[str, Any], path: str) -> list[str]:
        properties = schema.get("properties", {})
        below = [found for name, part in properties.items() for found in open_ones(part, f"{path}.{name}")]
        return below + ([path] if properties and schema.get("additionalProperties", True) is not False else [])

    assert open_ones(SCHEMA, "values") == []


def test_every_permission_is_there_once_and_none_is_wide() -> None:
    named = [(permission.group, permission.resource) for permission in PERMISSIONS]
    verbs = {verb for permission in PERMISSIONS for verb in permission.verbs}

    assert len(named) == len(set(named))
    assert all(permission.why and permission.verbs for permission in PERMISSIONS)
    assert verbs <= {"get", "list", "watch", "create", "patch", "update", "delete"}
    assert not {group for group, _ in named} & {"*", "admissionregistration.k8s.io"}
    assert not {resource for _, resource in named} & {"*", "secrets", "pods/exec", "configmaps"}
    by_name = {one.resource for one in PERMISSIONS if one.verbs == ("get",)}
    assert {one.resource for one in PERMISSIONS if one.group == "rbac.authorization.k8s.io"} <= by_name
    assert by_name == {"serviceaccounts", "roles", "rolebindings", "priorityclasses"}
    written = {
        permission.resource
        for permission in PERMISSIONS
        if {"create", "patch", "update", "delete"} & set(permission.verbs)
    }
    assert written == {
        *("runainimservices/status", "runainimservices/finalizers", "nimservices", "persistentvolumeclaims"),
        *("events", "ingresses", "httproutes", "grpcroutes", "leases", "controllerrevisions"),
        *("runainimpolicies/status", "clusterrunainimpolicies/status"),
    }


RULES = sorted(CHART.glob("files/*alerts.yaml"))


def alerts() -> dict[str, dict[str, Any]]:
    groups = [group for path in RULES for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def test_each_alert_says_what_to_do_and_asks_for_metrics_that_are_there() -> None:
    page = (CHECKOUT / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")

    for rule in alerts().values():
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert len(rule["annotations"]["description"]) > 80
        metrics = re.findall(r"\b(?:runai_nim|controller_runtime|leader_election)_\w+", rule["expr"])
        assert metrics
        for metric in metrics:
            assert f"`{metric.removesuffix('_bucket')}`" in page, metric


def test_each_alert_has_its_entry_in_the_reference() -> None:
    page = (CHECKOUT / "docs" / "reference" / "alerts.md").read_text(encoding="utf-8")
    entries = dict(re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE))

    assert list(entries) == list(alerts())
    for name, rule in alerts().items():
        severity, _, _ = entries[name].replace(",", ".").partition(".")
        assert severity.lower() == rule["labels"]["severity"]
        assert len(re.findall(r"^\d\. ", entries[name], re.MULTILINE)) > 1


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian: apt-get install prometheus)")
@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_prometheus_takes_the_alerts(path: Path) -> None:
    subprocess.run(["promtool", "check", "rules", path], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian: apt-get install prometheus)")
def test_alerts_of_policies_fire_when_they_should() -> None:
    cases = Path(__file__).parent / "alerts_of_policies.yaml"
    found = subprocess.run(["promtool", "test", "rules", cases], capture_output=True, text=True, check=False)

    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("path", sorted((CHECKOUT / "deploy").glob("*/*.yaml")), ids=lambda path: path.name)
def test_a_manifest_to_take_can_be_read(path: Path) -> None:
    assert all(made["kind"] for made in yaml.safe_load_all(path.read_text(encoding="utf-8")))
