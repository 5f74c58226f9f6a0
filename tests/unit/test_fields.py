from typing import Any

from runai_nim import keys
from runai_nim.plan import taken_over

STATUS = {"manager": "nim-operator", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}}


def an_entry(manager: str, operation: str, **fields: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": {f"f:{key}": part for key, part in fields.items()}}


def test_the_spec_becomes_ours_and_the_rest_stays_as_it_was() -> None:
    person = an_entry("kubectl", "Update", metadata={"f:labels": {}}, spec={"f:storage": {"f:emptyDir": {}}})
    operator = an_entry("nim-operator", "Update", spec={"f:storage": {"f:pvc": {}, "f:emptyDir": {".": {}}}})
    found = taken_over([person, operator, STATUS])
    ours: dict[str, Any] = {"f:spec": {"f:storage": {"f:emptyDir": {".": {}}, "f:pvc": {}}}}
    assert found == [
        an_entry("kubectl", "Update", metadata={"f:labels": {}}),
        STATUS,
        {
            "manager": keys.FIELD_MANAGER,
            "operation": "Apply",
            "apiVersion": keys.NIM_API_VERSION,
            "fieldsType": "FieldsV1",
            "fieldsV1": ours,
        },
    ]
    assert taken_over(found) == found


def test_what_was_ours_before_is_one_entry_with_the_rest() -> None:
    ours = {**an_entry(keys.FIELD_MANAGER, "Apply", metadata={"f:labels": {}}, spec={"f:replicas": {}}), "time": "now"}
    theirs = an_entry(keys.FIELD_MANAGER, "Update", spec={"f:image": {}})
    (found,) = taken_over([ours, theirs])
    assert found == {**ours, "fieldsV1": {"f:metadata": {"f:labels": {}}, "f:spec": {"f:replicas": {}, "f:image": {}}}}


def test_an_object_of_which_nobody_owns_anything() -> None:
    (found,) = taken_over([])
    assert found["fieldsV1"] == {"f:spec": {}}
