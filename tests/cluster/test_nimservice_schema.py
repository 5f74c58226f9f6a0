"""The NIMService kind that the cluster has decides which fields may be used."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from local.cluster import CHECKOUT
from local.objects import Objects
from tests.support.services import NIMSERVICE, condition, present, sample, serve, settled

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

CRD = CHECKOUT / "local" / "crds" / "nimservices.yaml"


@pytest.fixture
def an_older_kind(kubectl: Callable[..., str]) -> Iterator[None]:
    """The kind without affinity, as before NIM Operator 3.0.2, until the test ends."""
    crd: dict[str, Any] = yaml.safe_load(CRD.read_text(encoding="utf-8"))
    older = copy.deepcopy(crd)
    del older["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["affinity"]
    apply = ("apply", "--server-side", "--force-conflicts", "--filename=-")
    kubectl(*apply, stdin=yaml.safe_dump(older))
    yield
    kubectl(*apply, stdin=yaml.safe_dump(crd))


def test_a_field_that_the_kind_lacks_is_refused_by_name_and_taken_up_when_it_comes(
    objects: Objects, an_older_kind: None, kubectl: Callable[..., str]
) -> None:
    serve(objects)
    before = present(objects, NIMSERVICE, "llama-8b")["metadata"]["resourceVersion"]
    objects.apply(sample("gpu-portion", nodePools=["h100"]))
    settled(objects, "llama-8b", "NotInstalled", 30)
    message = condition(objects, "llama-8b", "Stalled")["message"]
    assert "spec.nodePools must not require spec.affinity" in message
    assert "install NIM Operator 3.0.2 or newer" in message
    assert present(objects, NIMSERVICE, "llama-8b")["metadata"]["resourceVersion"] == before
    kubectl("apply", "--server-side", "--force-conflicts", f"--filename={CRD}")
    settled(objects, "llama-8b", "Running", 40, generation=2)
