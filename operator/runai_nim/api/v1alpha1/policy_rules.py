"""spec.defaults and spec.rules of a policy: a spec with optional values, and a rule in the place of each value.

Both are made from the types of RunaiNimServiceSpec, so a new field has its default and its rules at once.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, create_model
from pydantic.fields import FieldInfo

from runai_nim.api.v1alpha1.field_kinds import ATTRIBUTES, FieldKind, core_type, item_model, kind_of
from runai_nim.api.v1alpha1.schema import (
    INT32_MAX,
    CelRule,
    Name,
    Ours,
    QuantityString,
    SpecModel,
    cel,
    exact_number_validators,
    listed_by,
    listed_whole,
)
from runai_nim.api.v1alpha1.spec import RunaiNimServiceSpec

Number = Annotated[Decimal, *exact_number_validators(-INT32_MAX, INT32_MAX)]


_ORDER: Final = CelRule(
    "!has(self.min) || !has(self.max) || self.min <= self.max",
    "min must not be above max: lower min or raise max",
    ".min",
)
_STEP: Final = CelRule("!has(self.step) || self.step > 0", "step must be above 0: correct or remove it", ".step")


class DefaultFrom(SpecModel):
    """A default that is another field's value times a factor."""

    model_config = cel(
        CelRule("has(self.field)", "field must be set: name one below spec, such as compute.cpuCoreRequest", ".field"),
        CelRule("!has(self.factor) || self.factor > 0", "factor must be above 0: correct or remove it", ".factor"),
    )

    field: Annotated[StrictStr, Field(max_length=253)] | None = None
    """Path of the other field below spec, e.g. compute.cpuCoreRequest; required."""

    factor: Number | None = None
    """What its value is multiplied by, above 0; default 1."""


class BooleanRule(SpecModel):
    """Rule for a field with true or false."""

    required: StrictBool | None = None
    """true: the field must have a value, its own or a default."""

    can_edit: StrictBool | None = None
    """false: the resource may say the default or nothing."""


class IntegerRule(BooleanRule):
    """Rule for a whole number."""

    model_config = cel(_ORDER, _STEP)

    min: StrictInt | None = None
    """Smallest value."""

    max: StrictInt | None = None
    """Largest value."""

    step: StrictInt | None = None
    """The value is min (or 0) plus a multiple of this; above 0."""

    default_from: DefaultFrom | None = None
    """Default, for want of a value and of a default."""


class NumberRule(BooleanRule):
    """Rule for a number."""

    model_config = cel(_ORDER, _STEP)

    min: Number | None = None
    """Smallest value."""

    max: Number | None = None
    """Largest value."""

    step: Number | None = None
    """The value is min (or 0) plus a multiple of this; above 0."""

    default_from: DefaultFrom | None = None
    """Default, for want of a value and of a default."""


class QuantityRule(BooleanRule):
    """Rule for a quantity such as 8Gi; amounts are compared, not texts."""

    # Run:ai also writes 5GB, which CEL's library doesn't know; the operator compares these.
    model_config = cel(
        CelRule(
            "!has(self.min) || !has(self.max) || !isQuantity(self.min) || !isQuantity(self.max)"
            " || quantity(self.min).compareTo(quantity(self.max)) <= 0",
            "min must not be above max: lower min or raise max",
            ".min",
        )
    )

    min: QuantityString | None = None
    """Smallest amount."""

    max: QuantityString | None = None
    """Largest amount."""

    default_from: DefaultFrom | None = None
    """Default, for want of a value and of a default."""


class OptionRule(BooleanRule):
    """Rule for a value of a list."""

    model_config = cel(
        CelRule(
            "!has(self.options) || size(self.options) > 0",
            "options must not be empty: add one or remove them",
            ".options",
        )
    )


class ItemRule(SpecModel):
    """Rule for the items of a list."""

    can_add: StrictBool | None = None
    """false: no items but those of instances in the defaults."""

    locked: Annotated[tuple[Name, ...], listed_whole()] | None = None
    """Names of items of the defaults that a resource may neither change nor exclude."""


class _Generated(SpecModel):
    """A type made from another one: its fields have descriptions of their own."""

    model_config = ConfigDict(use_attribute_docstrings=False)


Fields = dict[str, Any]
_OF_NUMBERS: Final[Mapping[FieldKind, type[SpecModel]]] = {
    FieldKind.BOOLEAN: BooleanRule,
    FieldKind.INTEGER: IntegerRule,
    FieldKind.NUMBER: NumberRule,
    FieldKind.BYTES: QuantityRule,
    FieldKind.QUANTITY: QuantityRule,
}
_DEFAULT_ATTRIBUTES: Final = {"tolerations": ("operator", "key", "value", "effect", "seconds")}
"""Attributes that defaults fill. name and exclude tell items apart, so one value for all of them means nothing."""


def _optional(annotation: Any, description: str, marks: tuple[Any, ...] = ()) -> tuple[Any, Any]:
    annotation = annotation | None
    for mark in marks:
        annotation = Annotated[annotation, mark]
    return annotation, Field(default=None, description=description)


def _marks(field: FieldInfo) -> tuple[Ours, ...]:
    return tuple(mark for mark in field.metadata if isinstance(mark, Ours))


def _made(name: str, doc: str, fields: Fields) -> type[SpecModel]:
    return create_model(name, __base__=_Generated, __doc__=doc, **fields)


def _option_rule(name: str, annotation: Any) -> type[SpecModel]:
    """Rule with options, whose values have the field's own type."""
    title = name[0].upper() + name[1:]
    option = _made(
        f"{title}Option",
        "An allowed value.",
        {
            "value": (annotation, Field(description="The value.")),
            "displayed": _optional(StrictStr, "Its name in Run:ai's user interface."),
        },
    )
    options = Annotated[tuple[option, ...], listed_whole()]  # type: ignore[valid-type] # made above
    return create_model(
        f"{title}Rule",
        __base__=(OptionRule, _Generated),
        __doc__="Rule for a value of a list.",
        options=_optional(options, "The allowed values, compared exactly; at least one."),
    )


def _rule_of(name: str, annotation: Any) -> type[SpecModel] | None:
    """The type of the rule of a field; None for a list without rules."""
    kind = kind_of(name, annotation)
    if kind == FieldKind.BLOCK:
        return _rules_of(core_type(annotation))
    if kind == FieldKind.ITEMS:
        return _item_rules(name, item_model(annotation) or SpecModel)
    if kind == FieldKind.ARRAY:
        return _option_rule(name, StrictStr)
    if kind in (FieldKind.STRING, FieldKind.SIZE):
        return _option_rule(name, StrictStr)
    if kind == FieldKind.ENUMERATION:
        return _option_rule(name, core_type(annotation))
    return _OF_NUMBERS.get(kind)


def _rules_of(model: type[BaseModel]) -> type[SpecModel]:
    fields: Fields = {}
    for name, field in model.model_fields.items():
        rule = _rule_of(str(field.alias), field.annotation)
        if rule is not None:
            fields[name] = _optional(rule, f"Rule for {field.alias}.", _marks(field))
    return _made(f"{model.__name__}Rules", "Rules for the fields of this name.", fields)


def _item_rules(name: str, item: type[BaseModel]) -> type[SpecModel]:
    fields: Fields = {"instances": _optional(ItemRule, "Rule for the items.")}
    annotations = {str(field.alias): field.annotation for field in item.model_fields.values()}
    if attributes := ATTRIBUTES.get(name):
        of_attributes = {
            rule: _optional(_rule_of(field, annotations[field]), f"Rule for {field} of each item.")
            for rule, field in attributes.items()
        }
        made = create_model(
            f"{item.__name__}AttributeRules",
            __base__=_Generated,
            __doc__="Rules for each item.",
            **_snake(of_attributes),
        )
        fields["attributes"] = _optional(made, "Rules for the fields of each item.")
    return _made(f"{item.__name__}ItemRules", "Rules for a list.", fields)


def _snake(fields: Fields) -> Fields:
    return {"user_credentials" if name == "userCredentials" else name: made for name, made in fields.items()}


def _defaults_of(model: type[BaseModel]) -> type[SpecModel]:
    fields: Fields = {}
    for name, field in model.model_fields.items():
        annotation: Any = field.annotation
        description = f"Default of {field.alias}."
        if kind_of(str(field.alias), annotation) == FieldKind.ITEMS:
            annotation = _item_defaults(str(field.alias), item_model(annotation) or SpecModel)
            description = f"Items for {field.alias}."
        fields[name] = _optional(annotation, description, tuple(field.metadata))
    return _made(f"{model.__name__}Defaults", "Values for fields that a resource leaves out.", fields)


def _item_defaults(name: str, item: type[BaseModel]) -> type[SpecModel]:
    # Tolerations may leave out their name, so it can't be the key of the list.
    keyed = listed_by("name") if item.model_fields["name"].is_required() else listed_whole()
    instances = Annotated[tuple[item, ...], keyed]  # type: ignore[valid-type] # a parameter
    fields: Fields = {"instances": _optional(instances, "Items to add, by their name.")}
    if names := _DEFAULT_ATTRIBUTES.get(name):
        attributes = {
            key: _optional(field.annotation, f"Value for items without {field.alias}.")
            for key, field in item.model_fields.items()
            if field.alias in names
        }
        made = _made(f"{item.__name__}Attributes", "Values for what an item leaves out.", attributes)
        fields["attributes"] = _optional(made, "Values for what each item leaves out.")
    return _made(f"{item.__name__}Defaults", "Items, and values for items.", fields)


class PolicyRules(_rules_of(RunaiNimServiceSpec)):  # type: ignore[misc] # made from the spec's types
    """Bounds of values, with a rule in the place of each value."""


class PolicyDefaults(_defaults_of(RunaiNimServiceSpec)):  # type: ignore[misc] # made from the spec's types
    """Values for fields that a resource leaves out."""
