"""Warnings of `validate` about what only the author of the manifests can decide, and about several of them together."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from runai_nim.api import image_reference
from runai_nim.api.v1alpha1 import Compute, RunaiNimServiceSpec
from runai_nim.cli.diagnostic import Diagnostic
from runai_nim.cli.evaluation import ManifestEvaluation

_LATEST: Final = "latest"


def advice_on(services: Iterable[ManifestEvaluation]) -> Iterator[Diagnostic]:
    """A warning for each resource without a GPU or with a moving image, and for each that another one repeats."""
    first_by_name: dict[str, str] = {}
    first_by_url: dict[str, tuple[str, str]] = {}
    for service in services:
        name = _warning(service, "metadata.name", "DuplicateResource", "should be that of one resource")
        place = first_by_name.setdefault(service.resource, _place(name))
        if place != _place(name):
            told = f"{name.message}: {service.resource} is at {place} too, remove or rename one of the two"
            yield replace(name, message=told)
        spec = service.decision_input.parsed_spec
        if not isinstance(spec, RunaiNimServiceSpec):
            continue
        yield from _advice_on_spec(service, spec)
        url = ((spec.serving_port and spec.serving_port.exposed_url) or "").rstrip("/")
        exposed = _warning(service, "spec.servingPort.exposedUrl", "DuplicateUrl", "should be that of one resource")
        resource, place = first_by_url.setdefault(url, (service.resource, _place(exposed)))
        if url and resource != service.resource:
            told = f"{exposed.message}: {resource} at {place} has it too, give each a URL of its own"
            yield replace(exposed, message=told)


def _advice_on_spec(service: ManifestEvaluation, spec: RunaiNimServiceSpec) -> Iterator[Diagnostic]:
    compute = spec.compute or Compute()
    cache = spec.model_store and spec.model_store.nim_cache
    asks = compute.gpu_devices_request is not None or compute.gpu_request_type is not None
    if not asks and not (cache and cache.profile):  # for a profile the NIM Operator adds GPUs
        told = "should request a GPU, without one the pods get none: set gpuDevicesRequest, to 0 if none is needed"
        yield _warning(service, "spec.compute", "NoGPU", told)
    try:
        image = image_reference.parse(spec.image or "")
    except image_reference.ImageError:
        return
    if image.digest is None and image.tag in (None, _LATEST):
        told = "should have a tag or digest, latest may be another image with each pull: add the version"
        yield _warning(service, "spec.image", "ImageWithoutTag", told)


def _place(warning: Diagnostic) -> str:
    return warning.place.removesuffix(":")


def _warning(service: ManifestEvaluation, path: str, reason: str, told: str) -> Diagnostic:
    manifest = service.manifest
    return Diagnostic(
        file=manifest.document.file,
        position=manifest.document.locate(path, manifest.value, manifest.position),
        message=f"{path} {told}",
        severity="warning",
        reason=reason,
        path=path,
        resource=service.resource,
    )
