"""Argo CD's settings for those who can't build its resource_customizations in: the same scripts, in a ConfigMap."""

from pathlib import Path

import yaml

from runai_nim.api.well_known import GROUP

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "deploy" / "argocd" / "resource_customizations"
HEADER = """\
# Generated from deploy/argocd/resource_customizations by scripts/generate.py. Do not edit.
# Merge these keys into the ConfigMap argocd-cm of Argo CD; docs/guide/gitops.md says how.
"""
KNOWN_TYPES = [
    {"field": "spec.resources", "type": "core/v1/ResourceRequirements"},
    {"field": "spec.affinity", "type": "core/v1/Affinity"},
]
"""Fields of NIMService that Kubernetes spells in more than one way. A RunaiNimService is stored as it is written."""


def argocd_text() -> str:
    """Return the ConfigMap."""
    data: dict[str, str] = {}
    for folder in sorted(FOLDER.glob("*/*")):
        kind = f"{folder.parent.name}_{folder.name}"
        data[f"resource.customizations.health.{kind}"] = _read(folder / "health.lua")
        if (folder / "actions").is_dir():
            data[f"resource.customizations.actions.{kind}"] = _yaml(_actions(folder / "actions"))
    data["resource.customizations.knownTypeFields.apps.nvidia.com_NIMService"] = _yaml(KNOWN_TYPES)
    metadata = {"name": "argocd-cm", "namespace": "argocd", "labels": {"app.kubernetes.io/part-of": "argocd"}}
    return HEADER + _yaml({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})


def cluster_policy_text(name: str) -> str:
    """Return a file of ClusterRunaiNimPolicy: Argo CD's layout wants one for each kind, and it is RunaiNimPolicy's."""
    source = FOLDER / GROUP / "RunaiNimPolicy" / name
    comment = "--" if source.suffix == ".lua" else "#"
    return f"{comment} Generated from {source.relative_to(ROOT)} by scripts/generate.py. Do not edit.\n{_read(source)}"


def _actions(folder: Path) -> dict[str, object]:
    definitions = [
        {"name": path.parent.name, "action.lua": _read(path)} for path in sorted(folder.glob("*/action.lua"))
    ]
    return {"discovery.lua": _read(folder / "discovery.lua"), "definitions": definitions}


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


class _Blocks(yaml.SafeDumper):
    """Texts of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Blocks.add_representer(str, _text)


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_Blocks, sort_keys=False, width=120)
