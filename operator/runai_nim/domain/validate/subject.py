"""The input of the rules: a resource's name, its parsed spec and its context."""

from dataclasses import dataclass

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.domain.context import Context


@dataclass(frozen=True, slots=True)
class ValidationSubject:
    """A RunaiNimService with a parsed spec, before the rules are checked."""

    name: str
    spec: RunaiNimServiceSpec
    context: Context
    namespace: str = ""
