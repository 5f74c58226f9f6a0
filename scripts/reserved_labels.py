"""Labels that a RunaiNimService's own metadata may not have, for the chart's admission policy."""

import yaml

from runai_nim.api import well_known
from runai_nim.config.settings import Settings
from runai_nim.config.settings_loader import load_settings

SOURCES = "operator/runai_nim/api/well_known.py and config/settings.py"
HEADER = f"# Generated from {SOURCES} by scripts/generate.py. Do not edit.\n"
_EXAMPLE = "example.com/key"


def reserved_labels_text() -> str:
    """Return reserved keys, the first that fits counting, and settings that reserve one more; with what sets each."""
    patterns = [{"key": key, "by": well_known.set_by(owner)} for key, owner in well_known.SCHEDULING_KEYS.items()]
    settings = {
        name: _owner(name, _EXAMPLE) for name in Settings.model_fields if name.endswith(("_label", "_annotation"))
    }
    settings["project_labels"] = _owner("project_labels", [_EXAMPLE])
    return HEADER + yaml.safe_dump({"patterns": patterns, "settings": settings}, sort_keys=False, width=120)


def _owner(setting: str, value: str | list[str]) -> str:
    return well_known.set_by(load_settings({setting: value}, {}).configured_keys[_EXAMPLE])
