"""What the rules look at: a resource's name and parsed spec, and what is known around it. Values only."""

from dataclasses import dataclass

from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.domain.context import Context


@dataclass(frozen=True, slots=True)
class ValidationSubject:
    """A RunaiNimService whose spec could be read, before its rules were checked."""

    name: str
    spec: RunaiNimServiceSpec
    context: Context
    namespace: str = ""
