"""What server-side apply would make of a live object, by who owns which field."""

from typing import Any

import pytest

from runai_nim.cli.apply_preview import preview_apply, visible_fields

OURS = {"manager": "runai-nim-operator", "operation": "Apply"}
THEIRS = {"manager": "nim-operator", "operation": "Update"}


def a_live(spec: dict[str, Any], *owners: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "NIMService", "metadata": {"name": "llama", "managedFields": list(owners)}, "spec": spec}


def a_wanted(spec: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "NIMService", "metadata": {"name": "llama"}, "spec": spec}


def owns(owner: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    return {**owner, "fieldsV1": {"f:spec": fields}}


IMAGE: dict[str, Any] = {"f:image": {".": {}, "f:tag": {}}}


@pytest.mark.parametrize(
    ("wanted", "live", "owners", "result"),
    [
        ({"replicas": 2}, {"replicas": 1}, [], {"replicas": 2}),
        ({"replicas": 2}, {"replicas": 1, "theirs": 1}, [], {"replicas": 2, "theirs": 1}),
        ({"image": {"tag": "1"}}, {}, [], {"image": {"tag": "1"}}),
        ({}, {"image": {"tag": "1"}}, [owns(OURS, IMAGE)], {"image": {}}),
        ({}, {"image": {"tag": "1"}}, [owns(OURS, IMAGE), owns(THEIRS, IMAGE)], {"image": {"tag": "1"}}),
        ({}, {"image": {"tag": "1"}}, [owns({**OURS, "operation": "Update"}, IMAGE)], {"image": {"tag": "1"}}),
        ({"image": {"tag": "1"}}, {"image": {"tag": "1"}}, [owns(OURS, IMAGE)], {"image": {"tag": "1"}}),
        ({}, {"image": {}}, [owns(OURS, IMAGE)], {"image": {}}),
        ({}, {"env": [1]}, [owns(OURS, {"f:env": {}})], {}),
        ({}, {"env": [1]}, [owns(OURS, {"f:env": {'k:{"name":"A"}': {"f:name": {}}}})], {"env": [1]}),
        (
            {"resources": {"limits": {"memory": "1024Mi"}}},
            {"resources": {"limits": {"memory": "1Gi"}}},
            [],
            {"resources": {"limits": {"memory": "1Gi"}}},
        ),
    ],
)
def test_an_apply(wanted: Any, live: Any, owners: list[Any], result: Any) -> None:
    stored = a_live(live, *owners)

    assert preview_apply(a_wanted(wanted), stored)["spec"] == result
    assert stored == a_live(live, *owners)


def test_owner_references_are_left_alone() -> None:
    wanted = {"kind": "A", "metadata": {"name": "a", "ownerReferences": [{"uid": "1"}]}}

    assert preview_apply(wanted, {"kind": "A", "metadata": {"name": "a"}}) == {"kind": "A", "metadata": {"name": "a"}}


def test_an_object_is_described_without_what_the_server_adds() -> None:
    live = {"apiVersion": "v1", "kind": "A", "metadata": {"name": "a", "uid": "1"}, "spec": {"b": 1}, "status": {}}

    assert visible_fields(live) == {"kind": "A", "metadata": {"name": "a"}, "spec": {"b": 1}}
