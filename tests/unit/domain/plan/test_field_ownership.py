from typing import Any

from runai_nim.api import well_known
from runai_nim.domain.plan import take_over_fields

STATUS = {"manager": "nim-operator", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}}


def an_entry(manager: str, operation: str, **fields: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "fieldsV1": {f"f:{key}": part for key, part in fields.items()}}


OURS = {
    "manager": well_known.FIELD_MANAGER,
    "operation": "Apply",
    "apiVersion": well_known.NIM_API_VERSION,
    "fieldsType": "FieldsV1",
}


def test_the_spec_becomes_ours_and_the_rest_stays_as_it_was() -> None:
    person = an_entry("kubectl", "Update", metadata={"f:labels": {}}, spec={"f:storage": {"f:emptyDir": {}}})
    operator = an_entry("nim-operator", "Update", spec={"f:storage": {"f:pvc": {}, "f:emptyDir": {".": {}}}})
    found = take_over_fields([person, operator, STATUS], ("spec",))
    assert found == [
        an_entry("kubectl", "Update", metadata={"f:labels": {}}),
        STATUS,
        {**OURS, "fieldsV1": {"f:spec": {"f:storage": {"f:emptyDir": {".": {}}, "f:pvc": {}}}}},
    ]
    assert take_over_fields(found, ("spec",)) == found


def test_what_was_ours_before_is_one_entry_with_the_rest() -> None:
    ours = {
        **an_entry(well_known.FIELD_MANAGER, "Apply", metadata={"f:labels": {}}, spec={"f:replicas": {}}),
        "time": "now",
    }
    theirs = an_entry(well_known.FIELD_MANAGER, "Update", spec={"f:image": {}})
    (found,) = take_over_fields([ours, theirs], ("spec",))
    assert found == {**ours, "fieldsV1": {"f:metadata": {"f:labels": {}}, "f:spec": {"f:replicas": {}, "f:image": {}}}}


def test_only_what_is_asked_for_is_taken() -> None:
    storage: dict[str, Any]
    labels: dict[str, Any]
    storage = {"f:pvc": {"f:create": {}}}
    labels = {"f:theirs": {}}
    person = an_entry("kubectl", "Update", spec={"f:storage": storage, "f:labels": labels})
    other = an_entry("nim-operator", "Update", spec={"f:storage": {}}, metadata={"f:finalizers": {}})
    found = take_over_fields([person, other], ("spec", "storage"))
    assert found == [
        an_entry("kubectl", "Update", spec={"f:labels": labels}),
        an_entry("nim-operator", "Update", metadata={"f:finalizers": {}}),
        {**OURS, "fieldsV1": {"f:spec": {"f:storage": storage}}},
    ]
    untouched = an_entry("kubectl", "Update", spec={"f:labels": labels})
    assert take_over_fields([untouched], ("spec", "storage")) == [untouched]
    assert take_over_fields([person, other], ()) == [person, other]


def test_an_object_of_which_nobody_owns_anything() -> None:
    assert take_over_fields([], ("spec",)) == []
