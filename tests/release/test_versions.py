"""One place has the version, and the files that repeat it say the same."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT
from runai_nim import __version__
from scripts import versions

# Made of the code, written once about a version, of other projects, or examples.
OF_THEIR_OWN = re.compile(
    r"docs/reference/openapi\.json|CHANGELOG\.md|tests/upgrade/.*|requirements.*\.lock|.*go\.(mod|sum)"
    r"|docs/release\.md|scripts/.*\.py|tests/release/.*"
)


def test_the_code_has_the_version_that_the_source_declares() -> None:
    assert versions.declared(CHECKOUT) == __version__


@pytest.mark.parametrize("name", versions.FILES)
def test_a_file_that_repeats_the_version_says_the_same(name: str) -> None:
    there = (CHECKOUT / name).read_text(encoding="utf-8")

    assert there == versions.versioned(CHECKOUT, name, __version__), "run `make generate`"
    assert __version__ not in versions.versioned(CHECKOUT, name, "9.8.7.dev6")


def test_no_other_file_repeats_the_version() -> None:
    command = ["git", "grep", "--untracked", "--files-with-matches", "--fixed-strings", "--word-regexp", __version__]
    found = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.split()

    assert versions.SOURCE in found
    others = set(found) - {versions.SOURCE, *versions.FILES}
    assert [name for name in sorted(others) if not OF_THEIR_OWN.fullmatch(name)] == []


def test_the_image_that_is_pushed_is_the_one_that_is_pulled() -> None:
    """By the guide and by the examples for Argo CD and Flux, which leave the tag to the chart."""
    guide = (CHECKOUT / "docs" / "guide" / "install.md").read_text(encoding="utf-8")
    pushed = set(re.findall(r"^docker push (\S+)$", guide, re.MULTILINE))
    chart = yaml.safe_load((CHECKOUT / "charts" / "runai-nim-operator" / "Chart.yaml").read_text(encoding="utf-8"))

    pulled = {pulled_image(values, chart) for values in gitops_values()}

    assert len(pushed) == 1
    assert pulled == pushed


def gitops_values() -> list[dict[str, Any]]:
    """The values of our chart in deploy/argocd and deploy/flux."""
    (application,) = (
        made["spec"]["source"]["helm"]["valuesObject"]
        for made in documents("argocd/applications.yaml")
        if "helm" in made["spec"]["source"]
    )
    (release,) = (made["spec"]["values"] for made in documents("flux/operator.yaml") if made["kind"] == "HelmRelease")
    return [application, release]


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((CHECKOUT / "deploy" / name).read_text(encoding="utf-8")))


def pulled_image(values: dict[str, Any], chart: dict[str, Any]) -> str:
    """As templates/_names.tpl has it: without a digest the tag, and without a tag the chart's appVersion."""
    image = values["image"]
    assert "digest" not in image
    return f"{image['repository']}:{image.get('tag') or chart['appVersion']}"


def test_a_development_version_is_older_than_its_release_in_either_spelling() -> None:
    assert (versions.release_of("0.2.0.dev3"), versions.release_of("0.2.0")) == ("0.2.0", "0.2.0")
    assert (versions.chart_version("0.2.0.dev3"), versions.chart_version("0.2.0")) == ("0.2.0-dev.3", "0.2.0")


def test_a_source_without_a_version_is_named(tmp_path: Path) -> None:
    with pytest.raises(versions.VersionError, match=r"operator/runai_nim/__init__\.py: .* restore it"):
        versions.declared(tmp_path)


def test_a_file_that_lost_its_version_is_named(tmp_path: Path) -> None:
    (chart := tmp_path / "charts/runai-nim-operator/Chart.yaml").parent.mkdir(parents=True)
    chart.write_text("version: 1.0.0\n")

    with pytest.raises(versions.VersionError, match=r"Chart\.yaml has no match of \^appVersion"):
        versions.versioned(tmp_path, "charts/runai-nim-operator/Chart.yaml", "1.0.0")
