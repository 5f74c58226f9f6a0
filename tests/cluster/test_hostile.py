"""Hostile RunaiNimServices: what the API server accepts is refused or handled, and nobody beside them waits for it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes.dynamic.exceptions import DynamicApiError

from local.cluster import LocalCluster
from local.objects import Objects, wait_for
from runai_nim.api import well_known
from tests.support.hostile_objects import LARGE, Make, claim, nimservice
from tests.support.prometheus import scrape
from tests.support.services import CLAIM, CR, NIMSERVICE, condition, present, reason, sample, serve, settled

LAG = "runai_nim_event_loop_lag_seconds"
LAG_SECONDS = "1.0"
"""No task of the operator waits longer for its turn, whatever comes."""
GROWTH_BYTES = 128 * 2**20
LONGEST_VALUE = 32768
MANY = range(256)
RESERVED = [key.replace("*", "x") for key in (*well_known.SCHEDULING_KEYS, *well_known.CHILD_KEYS)]
UNICODE = "".join(
    (
        "👩‍👩‍👧‍👦 \U0010ffff e" + "\u0301" * 500,  # one character to the eye, many to count
        "\u202e right to left \u2066\u2028\u2029\ufeff",
        "\x00\x01\x1b[31m\r\n\t",
        "{{ .Values }} ${HOME} $(HOME) `id` '\"\\ %s",
    )
)
UNRENDERABLE = "\x7f\x85\ufffe"

pytestmark = pytest.mark.usefixtures("stand_in")


@pytest.fixture(scope="module", autouse=True)
def operator_stays_healthy(cluster: LocalCluster) -> Iterator[None]:
    """After all of it the operator is the same process, and it was never late, never fat and never surprised."""
    cluster.operator.start()
    pid = cluster.operator.pid
    said = cluster.operator.log.stat().st_size
    before = wait_for(lambda: scrape(cluster)("process_resident_memory_bytes"))
    yield
    after = scrape(cluster)
    log = cluster.operator.log.read_bytes()[said:].decode()
    assert cluster.operator.pid == pid
    assert "Traceback" not in log
    late = after(f"{LAG}_count") - after(f"{LAG}_bucket", le=LAG_SECONDS)
    assert (late, after("process_resident_memory_bytes") - before < GROWTH_BYTES) == (0, True)


def named(name: str, **spec: Any) -> dict[str, Any]:
    body = sample("gpu-portion", **spec)
    body["metadata"]["name"] = name
    return body


def accepted(apply: Callable[[int], Any], fits: int, is_too_much: int) -> int:
    """The largest number of bytes, to 4 KiB, that `apply` can be called with."""
    while is_too_much - fits > 2**12:
        middle = (fits + is_too_much) // 2
        try:
            apply(middle)
            fits = middle
        except DynamicApiError:
            is_too_much = middle
    return fits


def variables(size: int) -> list[dict[str, str]]:
    whole, rest = divmod(size, LONGEST_VALUE)
    return [{"name": f"V{index}", "value": "x" * LONGEST_VALUE} for index in range(whole)] + [
        {"name": "REST", "value": "x" * rest}
    ]


def lists(value: Callable[[int], str]) -> dict[str, Any]:
    """A spec with every list as long as it may be."""
    added = [{"key": f"example.com/{index}", "value": value(index)} for index in MANY]
    return {
        "imagePullSecrets": [{"name": f"secret-{index}"} for index in MANY],
        "modelStore": {"pvc": {"claimInfo": {"size": "1Gi", "addedAttrValues": added}}},
        "nodePools": [f"pool-{index}" for index in range(100)],
        "tolerations": [
            {"name": f"t-{index}", "operator": "Exists", "key": f"example.com/{index}", "effect": "NoSchedule"}
            for index in MANY
        ],
        "environmentVariables": [{"name": f"V{index}", "value": value(index)} for index in MANY],
        "labels": [{"name": f"example.com/l{index}", "value": f"v{index}"} for index in MANY],
        "annotations": [{"name": f"example.com/a{index}", "value": value(index)} for index in MANY],
    }


@pytest.mark.long
def test_an_ordinary_service_runs_beside_the_largest(objects: Objects) -> None:
    def apply(size: int, name: str = "largest") -> None:
        objects.apply(named(name, environmentVariables=variables(size)))

    largest = accepted(apply, 1_500_000, 1_600_000)
    assert largest > 1_550_000
    others = [f"large-{index}" for index in range(3)]
    for name in others:
        apply(largest, name)
    objects.apply(named("long-lists", **lists(lambda index: f"{index} " * 100)))
    objects.apply(named("ordinary"))
    for name in ("ordinary", "largest", *others, "long-lists"):
        settled(objects, name, "Running", 60)


def test_hundreds_of_mistakes(objects: Objects) -> None:
    spec = lists(lambda _: "x")
    for item in (*spec["labels"], *spec["annotations"]):
        item["name"] = f"-{item['name']}{'!' * 40}"
    for item in spec["environmentVariables"]:
        item["name"] = f"{item['name']} {UNICODE}"[:253]
    body = named("mistaken")
    body["metadata"]["annotations"] = {well_known.PAUSED: "true"}  # until the mistakes are in it
    objects.apply(body)
    objects.patch(CR, "mistaken", {"metadata": {"annotations": None}, "spec": spec})
    wait_for(lambda: condition(objects, "mistaken", "Stalled").get("status") == "True")
    assert len(condition(objects, "mistaken", "Ready")["message"]) == 32768
    assert objects.get(NIMSERVICE, "mistaken") is None


def test_unicode(objects: Objects) -> None:
    texts = {
        "environmentVariables": [{"name": "TEXT", "value": UNICODE, "description": UNICODE}],
        "annotations": [{"name": "example.com/text", "value": UNICODE}],
    }
    objects.apply(named("unicode"))
    objects.patch(CR, "unicode", {"spec": texts})
    settled(objects, "unicode", "Running", 60, generation=2)
    assert {"name": "TEXT", "value": UNICODE} in present(objects, NIMSERVICE, "unicode")["spec"]["env"]


@pytest.mark.parametrize("character", UNRENDERABLE)
def test_what_the_nim_operator_cannot_render_is_refused_by_name(objects: Objects, character: str) -> None:
    objects.apply(named("unrenderable"))
    objects.patch(CR, "unrenderable", {"spec": {"annotations": [{"name": "example.com/text", "value": character}]}})
    wait_for(lambda: condition(objects, "unrenderable", "Stalled").get("status") == "True")
    assert f"the character U+{ord(character):04X}" in condition(objects, "unrenderable", "Ready")["message"]


def test_every_reserved_key(objects: Objects) -> None:
    objects.apply(
        named(
            "reserved",
            labels=[{"name": key, "value": "x"} for key in RESERVED],
            annotations=[{"name": key, "value": "x"} for key in RESERVED],
        )
    )
    settled(objects, "reserved", "ReservedKey")
    message = condition(objects, "reserved", "Ready")["message"]
    assert [key for key in RESERVED if message.count(f'name is "{key}" but must not be a reserved key') != 2] == []
    assert objects.get(NIMSERVICE, "reserved") is None


def test_names_at_their_limits(objects: Objects) -> None:
    fits = "n" * 59
    objects.apply(named(fits))
    for length in (60, 63, 253):
        with pytest.raises(DynamicApiError) as refused:
            objects.apply(named("n" * length))
        assert f"has {length} characters but must have at most 59" in refused.value.summary()
    settled(objects, fits, "Running", 60)


OF_EACH_RUN = {"claim", "labelled-claim", "pod", "resource"}


def large() -> Iterator[Any]:
    for kind, make in LARGE.items():
        yield pytest.param(make, id=kind, marks=() if kind in OF_EACH_RUN else pytest.mark.long)


@pytest.mark.long
@pytest.mark.parametrize("make", list(large()))
def test_objects_of_any_size_end_nothing(objects: Objects, make: Make) -> None:
    kind = "{apiVersion} {kind}".format(**make(""))
    for name in ("large-0", "large-1"):
        objects.apply(make(name))
        objects.patch(kind, name, {"metadata": {"annotations": {"example.com/touched": "true"}}})
    objects.delete(kind, "large-0")
    serve(objects)


@pytest.mark.long
def test_a_claim_of_any_size_may_be_named(objects: Objects) -> None:
    store = {"pvc": {"existingPvc": True, "claimName": "weights"}}
    objects.apply(sample("gpu-portion", modelStore=store))
    settled(objects, "llama-8b", "ClaimNotFound")
    objects.apply(claim("weights"))
    settled(objects, "llama-8b", "Running")
    objects.delete(CLAIM, "weights")
    wait_for(lambda: reason(objects, "llama-8b", "StorageReady") in ("ClaimTerminating", "ClaimNotFound"))


@pytest.mark.long
def test_a_claim_of_the_name_that_ours_would_have_is_used_as_it_is(objects: Objects) -> None:
    objects.apply(claim("llama-8b-model-store"))
    serve(objects)
    assert "labels" not in present(objects, CLAIM, "llama-8b-model-store")["metadata"]
    assert "used as it is" in condition(objects, "llama-8b", "StorageReady")["message"]


@pytest.mark.long
def test_a_nimservice_of_any_size_is_somebody_else_s_until_it_is_handed_over(objects: Objects) -> None:
    objects.apply(nimservice("llama-8b"))
    body = sample("gpu-portion")
    # While it is paused the operator has the time to see what was there before.
    body["metadata"]["annotations"] = {well_known.PAUSED: "true"}
    objects.apply(body)
    wait_for(lambda: condition(objects, "llama-8b", "Ready").get("reason") == "NameConflict")
    objects.patch(CR, "llama-8b", {"metadata": {"annotations": {well_known.PAUSED: None}}})
    settled(objects, "llama-8b", "NameConflict", generation=1)
    assert objects.list(CLAIM) == []
    handed_over = {well_known.ADOPT: "true", "stand-in.runai-nim.io/never-act": None}
    objects.patch(NIMSERVICE, "llama-8b", {"metadata": {"annotations": handed_over}})
    settled(objects, "llama-8b", "Running", 60)
