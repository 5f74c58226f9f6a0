"""Backward rows: what of a NIMService becomes which fields of a RunaiNimService."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from runai_nim.api import gpu_share_keys
from runai_nim.config.dialects import DEFAULTS_OF_DIALECT, DEFAULTS_OF_GENERATION
from runai_nim.config.settings import Settings
from runai_nim.domain import names
from runai_nim.domain.importing.remainder import Remainder
from runai_nim.domain.translate.rules import Fragment

_DEFAULTS: Final = Settings.model_validate({})


@dataclass(frozen=True, slots=True)
class ImportSource:
    """What backward rows read. They take what they understand from `remainder`."""

    name: str
    settings: Settings
    remainder: Remainder

    def take(self, kind: type[Any], *path: str | int) -> Any:
        """A value below spec, or None."""
        return self.remainder.take(kind, "spec", *path)

    def peek(self, *path: str | int) -> Any:
        """A value below spec that stays, or None."""
        return self.remainder.peek("spec", *path)

    def keys_of(self, setting: str) -> Iterator[str]:
        """Keys that a setting can name: its own, and the defaults of every dialect and generation of GPU shares."""
        defaults = (*DEFAULTS_OF_DIALECT.values(), *DEFAULTS_OF_GENERATION.values())
        keys = (getattr(self.settings, setting), getattr(_DEFAULTS, setting), *(one.get(setting) for one in defaults))
        container = names.container_name(self.name)
        return (gpu_share_keys.with_container(key, container) for key in dict.fromkeys(keys) if key)

    def take_annotation(self, setting: str) -> tuple[str, str] | None:
        """Key and value of the pods' annotation under a key of this setting. The same value under another key of it,
        or on the NIMService itself, is taken, too."""
        return self._take_entry("annotations", setting)

    def take_label(self, setting: str) -> tuple[str, str] | None:
        """Key and value of the pods' label under a key of this setting, as for `take_annotation`."""
        return self._take_entry("labels", setting)

    def _take_entry(self, field: str, setting: str) -> tuple[str, str] | None:
        found: tuple[str, str] | None = None
        for key in self.keys_of(setting):
            for path in (("spec", field, key), ("metadata", field, key)):
                value = self.remainder.peek(*path)
                if isinstance(value, str) and (found is None or value == found[1]):
                    found = found or (key, value)
                    self.remainder.drop(*path)
        return found


@dataclass(frozen=True, slots=True)
class BackwardRow:
    """`fields` of the RunaiNimService, and the function that reads them from a NIMService.

    The fields are those of the rows in `translate` whose output it reads.
    """

    fields: tuple[str, ...]
    read: Callable[[ImportSource], Fragment]


def spec_fragment(**fields: Any) -> Fragment:
    """Fields of the spec that have a value: `{"spec": {"image": "a:1"}}`. Empty ones are left out."""
    given = {name: value for name, value in fields.items() if value not in (None, {}, [], ())}
    return {"spec": given} if given else {}


def set_fields(**fields: Any) -> dict[str, Any]:
    """Those of `fields` that are neither None nor empty; 0 and false are values."""
    return {name: value for name, value in fields.items() if value not in (None, "", {}, [], ())}
