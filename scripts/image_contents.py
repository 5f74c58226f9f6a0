"""What the image holds, gathered in the build stages of the Dockerfile, with nothing but Python's standard library.

    python3 image_contents.py packages /opt/venv            drops what no process imports from an environment
    python3 image_contents.py runtime /runtime /opt/venv    copies Python and what it loads into an empty root
    python3 image_contents.py compile /opt/new /opt/venv    compiles what will be in another place

A slim base still has a package manager, Perl, shells and setuid programs; in the image they would only be findings of
the next scan. Copying what is needed keeps them out for any Debian base, and dpkg's records of the rest are kept, so
that scanners see what is there.
"""

import compileall
import itertools
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

GENERATED = ("kubernetes/client", "kubernetes/aio/client")
"""Clients of which only what an import loads is kept: the rest is a module for each kind of Kubernetes, 70 MB."""
UNUSED_LIBRARY = (
    "__phello__",
    "config-*",
    "distutils",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "sitecustomize.py",
    "site-packages",
    "test",
    "tkinter",
    "turtledemo",
    "turtle.py",
)
"""Parts of the standard library that build, teach or draw; `site-packages` has pip."""
UNUSED_EXTENSIONS = ("_curses", "_dbm", "_gdbm", "_sqlite3", "_tkinter", "*test", "nis", "readline", "*xx")
"""Extension modules that nothing loads, by what their names begin with: eleven libraries less to keep up to date."""
DATA = ("/etc/debian_version", "/etc/os-release")
"""Files that are read by their names; those of certificates are asked for below."""
DLOPENED = ("libgcc_s.so.1",)
"""Libraries that glibc loads when a thread ends, and no program names."""
LINKED_FOLDERS = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
"""Top-level folders that are links into /usr where /usr is merged."""
USERS = """\
root:x:0:0:root:/root:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
runai-nim:x:65532:65532:runai-nim:/nonexistent:/usr/sbin/nologin
"""
GROUPS = "root:x:0:\nnogroup:x:65534:\nrunai-nim:x:65532:\n"
NAME_SERVICES = "passwd: files\ngroup: files\nhosts: files dns\n"


def main() -> None:
    """Run the command that the arguments name."""
    match sys.argv[1:]:
        case ["packages", environment]:
            packages(Path(environment))
        case ["runtime", target, *environments]:
            runtime(Path(target), [Path(environment) for environment in environments])
        case ["compile", folder, place]:
            compile_all(Path(folder), place=Path(place))
        case _:
            raise SystemExit(__doc__)


def packages(environment: Path) -> None:
    """Drop tests, other people's commands and the generated clients' unused modules; compile what is left."""
    (site,) = environment.glob("lib/python3*/site-packages")
    used = _files_that_an_import_loads(environment / "bin" / "python")
    generated = (site / client / part for client in GENERATED for part in ("api", "models"))
    for module in itertools.chain.from_iterable(folder.glob("*.py") for folder in generated):
        if module not in used:
            module.unlink()
    for unused in [*site.glob("*/tests"), *site.glob("*/_test*.so"), *site.rglob("__pycache__")]:
        shutil.rmtree(unused) if unused.is_dir() else unused.unlink()
    for command in (environment / "bin").iterdir():
        if not command.name.startswith("python"):
            command.unlink()
    compile_all(site, place=site)


def _files_that_an_import_loads(python: Path) -> set[Path]:
    """Files of the modules that Kopf and the client load when they are imported."""
    code = (
        "import sys, kopf, kubernetes, kubernetes.aio; "
        "print('\\n'.join(m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)))"
    )
    said = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True)
    return {Path(line) for line in said.stdout.splitlines()}


def compile_all(folder: Path, place: Path) -> None:
    """Compile each module of a folder that will be at `place`, without times and so that nothing is asked again.

    Compiled at each start, since nothing may be written, the imports took 2.1 s instead of 0.7 s.
    """
    done = compileall.compile_dir(
        folder,
        quiet=1,
        force=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        stripdir=str(folder),
        prependdir=str(place),
    )
    if not done:
        raise SystemExit(f"{folder}: not everything can be compiled; see above")


def runtime(target: Path, environments: Iterable[Path]) -> None:
    """Copy Python, its standard library and what these and the environments load into the empty root `target`."""
    interpreter = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib")).resolve()
    _skeleton(target)
    for name in ("python", "python3", interpreter.name):
        if (interpreter.parent / name).exists():
            copy(interpreter.parent / name, target)
    copied = target / library.relative_to("/")
    extensions = (f"{name}*.so" for name in UNUSED_EXTENSIONS)
    dropped = shutil.ignore_patterns("__pycache__", "*.a", *UNUSED_LIBRARY, *extensions)
    shutil.copytree(library, copied, symlinks=True, ignore=dropped)
    compile_all(copied, place=library)
    programs = [interpreter, *copied.rglob("*.so")]
    programs += itertools.chain.from_iterable(environment.rglob("*.so") for environment in environments)
    for path in (*libraries(programs), *map(Path, DATA), *_certificates()):
        copy(path, target)
    subprocess.run(["ldconfig", "-r", str(target)], check=True)
    _record_packages(target)


def _skeleton(target: Path) -> None:
    """The folders and the few files that no package has."""
    for folder in ("dev", "etc", "proc", "root", "run", "sys", "usr", "var/lib/dpkg"):
        (target / folder).mkdir(parents=True)
    for name in LINKED_FOLDERS:
        link = Path("/", name)
        if link.is_symlink():
            (target / link.readlink().as_posix().lstrip("/")).mkdir(parents=True, exist_ok=True)
            (target / name).symlink_to(link.readlink())
    (target / "tmp").mkdir()
    (target / "tmp").chmod(0o1777)
    for name, text in {"passwd": USERS, "group": GROUPS, "nsswitch.conf": NAME_SERVICES}.items():
        (target / "etc" / name).write_text(text, encoding="ascii")
    for path in [Path("/etc/ld.so.conf"), *Path("/etc/ld.so.conf.d").glob("*.conf")]:
        copy(path, target)


def copy(path: Path, target: Path) -> None:
    """Copy a file to where it is below `target`, and what it links to."""
    place = target / (path.parent.resolve() / path.name).relative_to("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists() or place.is_symlink():
        return
    shutil.copy2(path, place, follow_symlinks=False)
    if path.is_symlink() and path.is_file():
        copy(path.parent / path.readlink(), target)


def libraries(programs: Iterable[Path]) -> list[Path]:
    """The shared libraries that these programs and libraries load, the loader among them."""
    said = subprocess.run(["ldd", *programs], check=True, capture_output=True, text=True).stdout
    missing = re.findall(r"^\s+(\S+) => not found$", said, re.MULTILINE)
    if missing:
        raise SystemExit(f"libraries that the base doesn't have: {', '.join(sorted(set(missing)))}")
    found = {Path(path) for path in re.findall(r"(/\S+) \(0x[0-9a-f]+\)$", said, re.MULTILINE)}
    beside = {path.parent for path in found}
    later = {folder / name for folder in beside for name in DLOPENED if (folder / name).exists()}
    return sorted(found | later)


def _certificates() -> Iterator[Path]:
    """Certificates of the authorities, and the link by which OpenSSL finds them."""
    yield from sorted(Path("/etc/ssl/certs").iterdir())
    yield Path("/usr/lib/ssl/certs")


def _record_packages(target: Path) -> None:
    """Keep dpkg's records and the licences of the packages that a file in `target` is of."""
    copied = {f"/{Path(folder, name).relative_to(target)}" for folder, _, files in os.walk(target) for name in files}
    kept = set()
    for listing in Path("/var/lib/dpkg/info").glob("*.list"):
        owned = {os.path.realpath(line) for line in listing.read_text(encoding="utf-8").splitlines()}
        if not owned.isdisjoint(copied):
            kept.add(listing.stem.partition(":")[0])
    status = Path("/var/lib/dpkg/status").read_text(encoding="utf-8")
    (target / "var/lib/dpkg/status").write_text(stanzas(status, kept), encoding="utf-8")
    for name in sorted(kept):
        copyright_ = Path("/usr/share/doc", name, "copyright")
        if copyright_.exists():
            copy(copyright_, target)


def stanzas(status: str, names: Iterable[str]) -> str:
    """The records of these packages in a text of dpkg's status file, each with an empty line after it."""
    wanted = set(names)
    records = (record.strip("\n") for record in status.split("\n\n"))
    return "".join(f"{record}\n\n" for record in records if _package(record) in wanted)


def _package(record: str) -> str:
    found = re.search(r"^Package: (\S+)$", record, re.MULTILINE)
    return found[1] if found else ""


if __name__ == "__main__":
    main()
