"""Checks of the built image: `make image-check`."""

import itertools
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pip._internal.models.index import PyPI

from local.image import CHECKOUT, NAME, STATE, build_image, exclusive, pip, revision, sbom
from local.image.archive import HIDDEN, Entry, Image, differences, read_image
from local.image.commands import PACKAGES
from local.image.container import USER, Container
from local.image.engines import LABELS, LOCAL, engine
from local.requirements import missing_packages, require_packages, require_root
from runai_nim import __version__

WHAT = "the image's start"
MEGABYTE = 1_000_000
SIZE = 160 * MEGABYTE
"""Unpacked. It was 501 MB with a whole base and the whole client, whose generated modules were 125 MB of it."""
LAYERS = 4
OWN_USER = "65532:65532"
EXECUTABLES = ("kubectl-runai_nim", "python*", "runai-nim")
FOLDERS_OF_PROGRAMS = ("bin", "sbin")
NOT_FOR_IMAGES = ("etc/apt", "etc/hostname", "etc/pip.conf", "etc/resolv.conf", "root/.cache", "var/cache")
INSTALLERS = ("ensurepip", "pip", "setuptools", "wheel")
PUBLIC = {PyPI.netloc, PyPI.file_storage_domain}
"""The public index, whose name metadata of packages may have; pip itself knows it."""
SECONDS = 2.0
"""How long a start may compute on a machine that does SUM in REFERENCE seconds; on a slower one as much longer."""
SUM = "sum(i * i for i in range(3_000_000))"
REFERENCE = 0.2
WAITS = 5
"""How many times longer a start may take by the clock: others compute too."""
ATTEMPTS = 3
STARTS = {
    "operator": ((), "no usable kubeconfig"),
    "REST API": (("python", "-m", "runai_nim.rest"), "no usable kubeconfig"),
    "command line": (("runai-nim", "--help"), "Usage: runai-nim"),
}
"""What users start, and what it says where there is no cluster. `()` is the image's own entry point."""
IMPORTS = """
import importlib, os, pkgutil, ssl, sys, runai_nim
found = [module.name for module in pkgutil.walk_packages(runai_nim.__path__, "runai_nim.")]
for name in found:
    if not name.endswith("__main__"):
        importlib.import_module(name)
specs = [module.__spec__ for module in list(sys.modules.values()) if getattr(module, "__spec__", None)]
slow = [spec.name for spec in specs if spec.cached and not os.path.exists(spec.cached)]
print("modules", len(found), "uncompiled", *slow)
print("authorities", len(os.listdir(ssl.get_default_verify_paths().capath)))
"""


@dataclass(frozen=True, slots=True)
class Check:
    """A check: its name, its problems and its figures."""

    name: str
    findings: list[str]
    figures: str = ""

    def __str__(self) -> str:
        lines = [f"{'FAILED' if self.findings else 'ok':7} {self.name}{': ' if self.figures else ''}{self.figures}"]
        return "\n".join([*lines, *(f"          {finding}" for finding in self.findings)])


def check_image() -> bool:
    """Build the image, print its content and the checks; return whether all passed."""
    require_root(WHAT)
    require_packages(WHAT, missing_packages({"runc": "runc"} | PACKAGES))
    archive = build_image()
    image = read_image(archive)
    print(table(image), end="\n\n")
    well = True
    for check in _checks(image, archive):
        print(check, flush=True)
        well &= not check.findings
    return well


def _checks(image: Image, archive: Path) -> Iterator[Check]:
    yield from (size(image), layers(image), labels(image, __version__, revision()), user(image))
    yield from (files(image), programs(image), installers(image))
    with exclusive(STATE), Container(image, archive, STATE / "check") as container:
        yield traces(container.root, pip.hosts(pip.current_settings()))
        yield imports(container)
        yield from starts(image, container)
    yield sbom_complete(archive)
    yield reproducible(archive)


def table(image: Image) -> str:
    """The largest folders."""
    total, pulled = sum(layer.size for layer in image.layers), sum(layer.pulled for layer in image.layers)
    lines = [f"{NAME}", f"base {image.labels.get('org.opencontainers.image.base.name', '?')}", ""]
    lines.append(f"{'MB':>8} {'pulled':>8}  layer, and its largest folders")
    for layer in image.layers:
        lines.append(f"{_mb(layer.size)} {_mb(layer.pulled)}  {layer.digest[:19]}")
        lines += [f"{_mb(size)} {'':8}    {name}" for name, size in layer.largest(count=8, depth=6) if size > MEGABYTE]
    lines.append(f"{_mb(total)} {_mb(pulled)}  all")
    return "\n".join(lines)


def _mb(count: int) -> str:
    return f"{count / MEGABYTE:8.1f}"


def size(image: Image) -> Check:
    """Check the size."""
    total = sum(layer.size for layer in image.layers)
    too_large = [f"{total / MEGABYTE:.1f} MB, and {SIZE / MEGABYTE:.0f} is the limit; see the table"]
    return Check("size", too_large if total > SIZE else [], f"{total / MEGABYTE:.1f} MB of {SIZE / MEGABYTE:.0f}")


def layers(image: Image) -> Check:
    """Check that there are few layers, without duplicate or hidden files."""
    many = [f"{len(image.layers)} layers, and {LAYERS} is the limit"] if len(image.layers) > LAYERS else []
    entries = list(_entries(image))
    count = Counter(entry.path for entry in entries if not entry.is_folder)
    twice = [f"{path} is in {number} layers" for path, number in sorted(count.items()) if number > 1]
    hidden = [f"{path} hides a file that a lower layer has" for path in count if Path(path).name.startswith(HIDDEN)]
    return Check("layers", [*many, *twice, *hidden], f"{len(image.layers)}, nothing in them twice")


def labels(image: Image, version: str, commit: str) -> Check:
    """Check the labels: version, commit and base."""
    found = {name: image.labels.get(f"{LABELS}.{name}", "") for name in ("version", "revision", "base.name")}
    wrong = [
        f"the label {name} is {found[name]!r}, and it must be {expected!r}"
        for name, expected in {"version": version, "revision": commit}.items()
        if found[name] != expected
    ]
    nameless = [] if found["base.name"] else ["no label says which base it is made of"]
    return Check("labels", [*wrong, *nameless], f"version {found['version']}, commit {found['revision'][:12]}")


def user(image: Image) -> Check:
    """Check that the user is a number other than 0: Kubernetes can't tell that a name isn't root."""
    found = image.config["config"].get("User", "")
    return Check("user", [] if found == OWN_USER else [f"{found!r}, and it must be {OWN_USER}"], found)


def files(image: Image) -> Check:
    """Check that no file is setuid, setgid or writable for anyone but root."""
    findings = []
    for entry in _entries(image):
        if entry.mode & 0o6000 and not entry.is_folder:
            findings.append(f"{entry.path} is setuid or setgid ({entry.mode:o})")
        if entry.mode & 0o002 and (entry.is_file or (entry.is_folder and not entry.mode & 0o1000)):
            findings.append(f"{entry.path} can be written by anybody ({entry.mode:o})")
        if (entry.uid, entry.gid) != (0, 0):
            findings.append(f"{entry.path} belongs to {entry.uid}:{entry.gid}, and it must be root's")
    return Check("files", findings, "none is setuid, all are root's")


def programs(image: Image) -> Check:
    """Check that there is no other program: no shell, no compiler, no package manager."""
    found = [
        Path(entry.path)
        for entry in _entries(image)
        if Path(entry.path).parent.name in FOLDERS_OF_PROGRAMS and not entry.is_folder
    ]
    foreign = [path for path in found if not any(path.match(pattern) for pattern in EXECUTABLES)]
    names = sorted({path.name for path in found})
    return Check("programs", [f"{path} is not for the image" for path in foreign], ", ".join(names))


def installers(image: Image) -> Check:
    """Check that no installer and no remains of an installation are left."""
    findings = []
    for entry in _entries(image):
        parts = Path(entry.path).parts
        if len(parts) > 1 and parts[-1] in INSTALLERS and "python3" in parts[-2] + parts[-3 if len(parts) > 2 else 0]:
            findings.append(f"{entry.path} installs packages")
        if entry.path in NOT_FOR_IMAGES:
            findings.append(f"{entry.path} is of the build, and not for the image")
    return Check("installers", findings, f"no {', '.join(INSTALLERS)}; no cache, no configuration of the build")


def _entries(image: Image) -> Iterable[Entry]:
    return (entry for layer in image.layers for entry in layer.entries)


def traces(root: Path, hosts: Iterable[str]) -> Check:
    """Check that no file contains this checkout's path or a host of pip's configuration."""
    needles = [f"{CHECKOUT}/operator".encode(), *(host.encode() for host in set(hosts) - PUBLIC)]
    findings = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            findings += [f"{path.relative_to(root)} has a trace of this machine" for word in needles if word in content]
    return Check("traces", findings, "no path or package index of this machine")


def imports(container: Container) -> Check:
    """Check that every module of the operator can be imported and is compiled."""
    ended = container.run(["python", "-c", IMPORTS])
    if ended.code:
        return Check("imports", ended.output.splitlines()[-3:])
    modules, authorities = (line.split() for line in ended.output.splitlines()[-2:])
    findings = [f"{name} would be compiled at each start" for name in modules[3:]]
    if int(authorities[1]) < 100:
        findings.append(f"OpenSSL finds {authorities[1]} certificates of authorities, and Debian has some 300 files")
    return Check("imports", findings, f"{modules[1]} modules, all compiled; {authorities[1]} files of authorities")


def starts(image: Image, container: Container) -> Iterator[Check]:
    """Check that each process starts under any user, without a writable directory, and fast.

    What is held is the time of the CPU, which a busy machine doesn't change much. A machine's speed is taken from a
    sum that Python does and that nothing in the image can make slower: code that isn't compiled excuses nothing.
    """
    speed = min(container.run(["python", "-c", SUM]).cpu_seconds for _ in range(ATTEMPTS))
    limit = SECONDS * max(1.0, speed / REFERENCE)
    for name, (command, expected) in STARTS.items():
        arguments = command or tuple(image.config["config"]["Entrypoint"])
        ends = [container.run(arguments) for _ in range(ATTEMPTS)]
        findings = [
            f"{' '.join(arguments)} ended with {end.code}: {end.output.strip()[-300:]}"
            for end in ends[:1]
            if expected not in end.output
        ]
        cpu, wall = min(end.cpu_seconds for end in ends), min(end.seconds for end in ends)
        if cpu > limit:
            findings.append(f"{cpu:.2f} s of CPU, and {limit:.2f} is the limit on this machine")
        if wall > WAITS * limit:
            findings.append(f"{wall:.2f} s, though it computes for {cpu:.2f} s only: what does it wait for?")
        figures = f"user {USER}, read-only root, no HOME: {wall:.2f} s, CPU {cpu:.2f} s of {limit:.2f}"
        yield Check(f"start of the {name}", findings, f"{figures} (the sum: {speed:.2f} s)")


def sbom_complete(archive: Path) -> Check:
    """Check that the SBOM lists everything in the image."""
    path = write_sbom(archive)
    document = json.loads(path.read_text(encoding="utf-8"))
    contents = sbom.read_contents(archive)
    missing = sbom.lacks(document, contents, sbom.normalized(document["metadata"]["component"]["name"]))
    figures = f"{len(contents.python)} packages of Python, {len(contents.debian)} of Debian {contents.release}"
    return Check("SBOM", [f"it lacks {entry}" for entry in missing], f"{path.relative_to(CHECKOUT)}, {figures}")


def write_sbom(archive: Path) -> Path:
    """Write build/sbom.json: of the image, or of the lock alone where there is no image."""
    document = sbom.of_the_lock(CHECKOUT)
    if archive.exists():
        document = sbom.of_the_image(document, sbom.read_contents(archive))
    path = CHECKOUT / "build" / "sbom.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def reproducible(archive: Path) -> Check:
    """Check that a second build without cache gives the same image, byte by byte."""
    with exclusive(STATE):
        comparable = engine(STATE, STATE / "tmp").reproducible
    if not comparable:
        return Check("reproducible", [], "not tried: Docker gives files the time of the build")
    first = read_image(archive)
    made_here = first.labels.get(f"{LABELS}.base.name", "").startswith(LOCAL)
    again = build_image(STATE / "again.tar", cached=False, wanted="local" if made_here else "upstream")
    figures = f"built anew without a cache it has the same {len(first.layers)} layers and the same configuration"
    try:
        findings = [*difference(first, read_image(again)), *differences(archive, again)[:20]]
        return Check("reproducible", findings, figures)
    finally:
        again.unlink()


def difference(image: Image, other: Image) -> list[str]:
    """What differs between two images. Not the history of steps: there buildah names images that it made on the way."""
    mine, others = ([layer.digest for layer in each.layers] for each in (image, other))
    layers = [
        f"layer {digest} is {digest_of_other} in another build"
        for digest, digest_of_other in itertools.zip_longest(mine, others)
        if digest != digest_of_other
    ]
    names = sorted((image.config.keys() | other.config.keys()) - {"history", "rootfs"})
    configuration = [
        f"{name} is {image.config.get(name)} and, in another build, {other.config.get(name)}"
        for name in names
        if image.config.get(name) != other.config.get(name)
    ]
    return layers + configuration
