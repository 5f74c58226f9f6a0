"""The launcher of a multi-node NIM: what connects leader and workers, MPI or Ray."""

from typing import Final

from runai_nim.api import image_reference
from runai_nim.api.v1alpha1 import RunaiNimServiceSpec
from runai_nim.api.v1alpha1.multi_node import Launcher
from runai_nim.config.settings import Settings
from runai_nim.domain.context import Context

_RAY: Final = ("spec", "multiNode", "ray")
_FIRST_WITH_RAY: Final = 2
"""First major version of NIM whose images start by Ray; they lack the script that starts MPI."""


def launcher_of(spec: RunaiNimServiceSpec, context: Context) -> Launcher:
    """The launcher of a service with multiNode: as named, else by the image if the NIM Operator has the choice."""
    if named := named_launcher(spec, context.settings):
        return named
    return "ray" if has_ray(context) and image_launcher(spec) == "ray" else "mpi"


def named_launcher(spec: RunaiNimServiceSpec, settings: Settings) -> Launcher | None:
    """The launcher in the spec or the settings; None if neither names one."""
    return (spec.multi_node and spec.multi_node.launcher) or settings.multi_node_launcher


def image_launcher(spec: RunaiNimServiceSpec) -> Launcher | None:
    """The launcher that the image needs, by the version in its tag; None if the tag has none."""
    try:
        major = image_reference.parse(spec.image or "").major_version
    except image_reference.ImageError:
        return "mpi"  # the image is reported
    if major is None:
        return None
    return "ray" if major >= _FIRST_WITH_RAY else "mpi"


def has_ray(context: Context) -> bool:
    """Whether the cluster's NIMService kind can start several nodes by Ray, as from NIM Operator 3.1.1 on."""
    return context.nimservice_schema.has_field(_RAY)
