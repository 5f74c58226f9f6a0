"""What the operator asked the API server for, in all tests of the cluster: its permissions are these, and no others."""

from pathlib import Path

import pytest

from local.cluster import OPERATOR_USER
from local.objects import wait_for
from runai_nim.api import well_known
from tests.support.audited_tests import AuditedTests
from tests.support.external_cluster import external_kubeconfig
from tests.support.permissions import TABLE, Permission, asked_for, denied

AT_ADMISSION = {
    Permission("update", well_known.GROUP, f"{well_known.PLURAL}/finalizers"),
    Permission("delete", well_known.NIM_GROUP, well_known.NIMSERVICE_PLURAL),
    Permission("delete", "", "persistentvolumeclaims"),
}
"""The API server asks for these for the sake of a request for something else, so that no audit log has them."""
LONGEST_TESTS_SECONDS = 900.0
"""What another process may still have to run when this one has nothing else left."""


@pytest.fixture
def all_ran(request: pytest.FixtureRequest, audited_tests: AuditedTests) -> None:
    """Every test of the cluster, but for the long ones, is in this run and has ended."""
    folder = Path(__file__).parent
    chosen = {item for item in request.session.items if folder in item.path.parents}
    given = {request.config.invocation_params.dir / argument for argument in request.config.args}
    if external_kubeconfig() or request.config.getoption("keyword") or not given & {folder, *folder.parents}:
        pytest.skip("only a part of tests/cluster ran, or a given cluster keeps its audit log to itself")
    only_long = set(folder.rglob("test_*.py")) - {item.path for item in chosen}
    assert not only_long, "what make test leaves out would be missed here: keep a test in each file that isn't long"
    # One that is skipped may leave no trace.
    others = {item.nodeid for item in chosen if item.path != request.path and not item.get_closest_marker("skipif")}
    wait_for(lambda: others <= audited_tests.finished(), LONGEST_TESTS_SECONDS)


@pytest.mark.looks_back
@pytest.mark.usefixtures("all_ran")
def test_what_was_asked_for_in_all_tests_is_the_table(audited_tests: AuditedTests) -> None:
    requests = list(audited_tests.requests(OPERATOR_USER))

    assert [(denied(request), request) for request in requests if denied(request)] == []
    # Whatever the permissions are, nothing may be made in a namespace that goes, or be owned by a kind that just came,
    # or be written against an admission policy that a test has brought.
    allowed = "because it is being terminated", "no matches for kind", "ValidatingAdmissionPolicy 'test-"
    others = [request for request in requests if request.code == 403]
    assert [request for request in others if not any(part in request.message for part in allowed)] == []
    assert {one for request in requests for one in asked_for(request)} | AT_ADMISSION == set(TABLE)
