"""Building blocks of the API types: base models, bounded scalars, list kinds and CEL rules.

The CRD generator turns them into OpenAPI and `x-kubernetes-*` keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict


class ApiModel(BaseModel):
    """Immutable object with camelCase names in the API; attribute docstrings become descriptions in the CRD."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )


class SpecModel(ApiModel):
    """Part of a spec; an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class CelRule:
    """A rule that the API server checks (`x-kubernetes-validations`).

    `message` names the field, what is allowed and what to do. `message_expression` is a CEL expression for the same
    message with the found value (through `format`, because the API server estimates `string(number)` as too expensive);
    without it, `message` is used. `field_path` is relative to the object with the rule.
    """

    rule: str
    message: str
    field_path: str
    message_expression: str | None = None
    reason: Literal["FieldValueInvalid", "FieldValueForbidden"] = "FieldValueInvalid"

    def validation(self) -> JsonDict:
        """The rule as an item of `x-kubernetes-validations`."""
        item: JsonDict = {
            "rule": self.rule,
            "message": self.message,
            "fieldPath": self.field_path,
            "reason": self.reason,
        }
        return item if self.message_expression is None else {**item, "messageExpression": self.message_expression}


def cel(*rules: CelRule) -> ConfigDict:
    """The model configuration that adds `rules` to a type."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [rule.validation() for rule in rules]})


@dataclass(frozen=True, slots=True)
class Ours:
    """Marks a field that Run:ai's API lacks: `Annotated[int | None, Ours()]`. It covers all fields below.

    `instead`: what to do in Run:ai, after "remove it"; empty if there is nothing.
    """

    instead: str = ""


def listed_by(*keys: str, max_items: int = 256) -> Any:
    """A list whose items are identified by `keys` (`x-kubernetes-list-type: map`)."""
    extra: JsonDict = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
    return Field(max_length=max_items, json_schema_extra=extra)


def listed_whole(max_items: int = 256) -> Any:
    """A list that is always replaced as a whole (`x-kubernetes-list-type: atomic`)."""
    return Field(max_length=max_items, json_schema_extra={"x-kubernetes-list-type": "atomic"})


def _exact(value: object) -> object:
    # repr of a float is the shortest text that parses to the same float, so 0.1 becomes Decimal("0.1"). bool is a
    # subclass of int in Python, and the API server rejects a number in quotes.
    if isinstance(value, bool | str):
        raise ValueError("must be a number")
    return Decimal(repr(value)) if isinstance(value, float) else value


def exact_number_validators(minimum: int, maximum: int | None = None) -> Sequence[Any]:
    """Annotations of a Decimal that keeps the digits of its JSON text, within inclusive bounds."""
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
