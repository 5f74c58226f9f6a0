"""The guide's page about policies: its commands for a cluster, in their order, and what it says of the outcome."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from local.objects import Objects, wait_for
from tests.cluster.conftest import Shell
from tests.support.guide_pages import blocks, project
from tests.support.policies import CLUSTER_POLICY
from tests.support.services import CR, NIMSERVICE, condition, present

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")
TEAM = "runai-research"


@pytest.fixture
def team(all_objects: Objects, kubectl: Callable[..., str]) -> Iterator[Objects]:
    """The page's namespace; its policies go with it, the cluster's is deleted."""
    # The page's figures are of a cluster with one RunaiNimService, and earlier tests leave some.
    kubectl("delete", "rnim", "--all", "--all-namespaces")
    with project(all_objects, TEAM) as objects:
        yield objects
        for name in ("platform", "research"):
            all_objects.delete(CLUSTER_POLICY, name)


def test_the_page_s_commands_do_what_it_says(shell: Shell, team: Objects) -> None:
    apply_cap, too_much, enough, apply_registry, broken, apply_department = blocks("policies")
    shell(apply_cap)
    described = shell(too_much)
    assert blocks("policies", "text")[0].rstrip() in described
    assert team.get(NIMSERVICE, "llama-8b") is None

    assert re.search(r"gpu-team +True +1 +[01] ", shell(enough))
    assert [one["name"] for one in present(team, CR, "llama-8b")["status"]["policies"]] == ["gpu-team"]
    before = wait_for(lambda: team.get(NIMSERVICE, "llama-8b"))["spec"]

    shell(apply_registry)
    assert re.search(r"platform +True +1 +1 ", shell(broken))
    assert "spec.image is" in condition(team, "llama-8b", "PolicyCompliant")["message"]
    (row,) = json.loads(shell(f"runai-nim list -n {TEAM} -o json"))
    assert (row["policies"], row["policyCompliant"]) == ([{"name": "gpu-team", "scope": "project"}], False)
    shell(apply_department)
    policies = [one["name"] for one in present(team, CR, "llama-8b")["status"]["policies"]]
    assert policies == ["gpu-team"]  # those that it is rendered under
    assert present(team, NIMSERVICE, "llama-8b")["spec"] == before
