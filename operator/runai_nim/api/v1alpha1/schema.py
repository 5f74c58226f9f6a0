"""What every API type is built from: the base models, bounded scalars, list kinds and CEL rules.

Describes shapes only: nothing here reads, defaults or changes an object. The CRD generator turns these
descriptions into OpenAPI and `x-kubernetes-*` keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict


class ApiModel(BaseModel):
    """Immutable object with camelCase names in the API; attribute docstrings become the CRD's descriptions."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class SpecModel(ApiModel):
    """Part of a spec: a name that the API doesn't have is an error, never ignored."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class CelRule:
    """A rule that the API server checks (`x-kubernetes-validations`).

    `message` names the field, what is allowed and what to do. `message_expression` is CEL for the same with the
    value found (by `format`: the API server takes `string(number)` for too costly) and falls back to `message`.
    `field_path` is relative to the object holding the rule.
    """

    rule: str
    message: str
    field_path: str
    message_expression: str | None = None
    reason: Literal["FieldValueInvalid", "FieldValueForbidden"] = "FieldValueInvalid"

    def validation(self) -> JsonDict:
        """Return the rule as an item of `x-kubernetes-validations`."""
        item: JsonDict = {
            "rule": self.rule,
            "message": self.message,
            "fieldPath": self.field_path,
            "reason": self.reason,
        }
        return item if self.message_expression is None else {**item, "messageExpression": self.message_expression}


def cel(*rules: CelRule) -> ConfigDict:
    """Return the model configuration that puts `rules` on a type."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [rule.validation() for rule in rules]})


def listed_by(*keys: str, max_items: int = 256) -> Any:
    """Describe a list whose items are identified by `keys` (`x-kubernetes-list-type: map`)."""
    extra: JsonDict = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
    return Field(max_length=max_items, json_schema_extra=extra)


def listed_whole(max_items: int = 256) -> Any:
    """Describe a list that is only ever replaced whole (`x-kubernetes-list-type: atomic`)."""
    return Field(max_length=max_items, json_schema_extra={"x-kubernetes-list-type": "atomic"})


def _exact(value: object) -> object:
    # repr of a float is the shortest text that reads back as it, so the 0.1 that was written stays Decimal("0.1").
    # bool is an int to Python, and a number given as text is not one to the API server.
    if isinstance(value, bool | str):
        raise ValueError("must be a number")
    return Decimal(repr(value)) if isinstance(value, float) else value


def exact_number_validators(minimum: int, maximum: int | None = None) -> Sequence[Any]:
    """Return the annotations of a Decimal that keeps the digits of its JSON text, within inclusive bounds."""
    bounds = {"minimum": minimum} if maximum is None else {"minimum": minimum, "maximum": maximum}
    return (BeforeValidator(_exact), Field(ge=minimum, le=maximum), WithJsonSchema({"type": "number", **bounds}))


INT32_MAX = 2**31 - 1

Name = Annotated[StrictStr, Field(min_length=1, max_length=253)]
DnsLabel = Annotated[StrictStr, Field(max_length=253, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
LabelKey = Annotated[StrictStr, Field(min_length=1, max_length=63)]
Value = Annotated[StrictStr, Field(max_length=32768)]
QuantityString = Annotated[StrictStr, Field(max_length=64)]
Port = Annotated[StrictInt, Field(ge=1, le=65535)]
NonNegativeInt = Annotated[StrictInt, Field(ge=0, le=INT32_MAX)]
PositiveInt = Annotated[StrictInt, Field(ge=1, le=INT32_MAX)]
NonNegativeNumber = Annotated[Decimal, *exact_number_validators(0)]
Portion = Annotated[Decimal, *exact_number_validators(0, 1)]
