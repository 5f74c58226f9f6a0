"""An upgrade of the scheduler: with the new keys of GPU shares, pods with a limit are replaced, and no others."""

from functools import partial

import pytest

from local.objects import Objects, wait_for
from tests.cluster.conftest import Configured
from tests.support.services import (
    DEPLOYMENT,
    NIMSERVICE,
    condition,
    pod_template,
    present,
    reason,
    sample,
    serve,
    settled,
)

pytestmark = pytest.mark.usefixtures("operator_process", "stand_in")

LIMITED, UNLIMITED, LONG = "llama-8b-elastic", "llama-8b", "llama-8b-with-a-name-of-34-letters"
OLD, SHORTHAND = "gpu-fraction-limit", "gpu-fraction.limit"
OF_CONTAINER = f"kai.scheduler/container.{LIMITED}-ctr.gpu-memory.portion.limit"


def is_limited_by(objects: Objects, key: str) -> bool:
    """Whether the pods have the limit under this key alone."""
    annotations = pod_template(objects, LIMITED)["metadata"]["annotations"]
    return {name: value for name, value in annotations.items() if name.endswith("limit")} == {key: "0.75"}


def warns(objects: Objects, expected: bool = True) -> bool:
    """Whether the status warns of the old key as expected."""
    said = condition(objects, LIMITED, "Translated")["message"]
    return (f"Run:ai 2.x alone reads its annotation {OLD}" in said) == expected


def generation(objects: Objects, kind: str, name: str) -> int:
    return int(present(objects, kind, name)["metadata"]["generation"])


def test_an_upgrade_of_the_scheduler_replaces_pods_with_a_limit_alone(objects: Objects, configured: Configured) -> None:
    objects.apply(sample("shorthand/gpu-portion-limit"))
    serve(objects)
    settled(objects, LIMITED, "Running")
    assert is_limited_by(objects, OLD)
    assert warns(objects)
    before = generation(objects, DEPLOYMENT, UNLIMITED)

    for keys, key in (("shorthand", SHORTHAND), ("nvfractions", OF_CONTAINER), ("annotations", OLD)):
        configured({"RUNAI_NIM_GPU_FRACTION_KEYS": keys})
        wait_for(partial(is_limited_by, objects, key), 20)
        settled(objects, LIMITED, "Running", 40)
        wait_for(partial(warns, objects, key == OLD), 20)

    assert generation(objects, DEPLOYMENT, UNLIMITED) == before


def test_a_name_that_the_new_keys_have_no_room_for_leaves_the_pods_as_they_are(
    objects: Objects, configured: Configured
) -> None:
    body = sample("gpu-portion")
    body["metadata"]["name"] = LONG
    objects.apply(body)
    settled(objects, LONG, "Running")
    before = generation(objects, NIMSERVICE, LONG), generation(objects, DEPLOYMENT, LONG)

    configured({"RUNAI_NIM_GPU_FRACTION_KEYS": "nvfractions"})

    wait_for(lambda: reason(objects, LONG, "Translated") == "InvalidName", 20)
    assert (generation(objects, NIMSERVICE, LONG), generation(objects, DEPLOYMENT, LONG)) == before
