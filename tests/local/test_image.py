"""What `make image` and `make image-check` decide and say. That they work is shown by `make image-check` alone."""

import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from local import image
from local.image import check, debian, pip, sbom
from local.image.archive import Image, differences, read_files, read_image, unpack
from local.image.commands import PACKAGES, CommandError, output_of, run_logged
from local.image.container import MOUNTS, specification
from local.image.engines import LABELS, LOCAL, STEPS, Build, Docker, engine
from local.requirements import CannotRunError
from runai_nim import __version__
from tests.local.images import CONFIG, File, write_image

CHECKOUT = image.CHECKOUT
STATUS = """\
Package: libc6
Architecture: amd64
Version: 2.36-9+deb12u1
Description: GNU C Library

Package: base-files
Architecture: amd64
Version: 1:12.4
"""
CONTENTS = sbom.Contents({"a-b": "1.0", "ours": "0.1.0"}, {"libc6": ("2.36-9+deb12u1", "amd64")}, "12", "3.11.17")
LOCKED = {
    "metadata": {"component": {"name": "ours", "bom-ref": "root"}},
    "components": [
        {"name": "A_b", "version": "1.0", "bom-ref": "a"},
        {"name": "for-windows", "version": "2.0", "bom-ref": "w"},
    ],
    "dependencies": [{"ref": "root", "dependsOn": ["a", "w"]}, {"ref": "a"}, {"ref": "w"}],
}
ROOT_AND_NAMESPACES = pytest.mark.skipif(
    platform.system() != "Linux" or os.geteuid() != 0 or any(shutil.which(name) is None for name in PACKAGES),
    reason="needs Linux, root, setpriv and unshare",
)


def local(command: str, path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`python -m local` with the programs of one folder."""
    return subprocess.run(
        [sys.executable, "-m", "local", command],
        cwd=CHECKOUT,
        env={"PATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        text=True,
        capture_output=True,
        check=False,
    )


def program(folder: Path, name: str, script: str) -> None:
    """A program of a few lines of shell; those that it needs are found by their paths."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


# What is missing


@pytest.mark.parametrize(
    ("system", "user", "said"),
    [
        ("darwin", 0, "buildah needs Linux, but this is darwin: use a virtual machine, or start Docker"),
        (
            "linux",
            1000,
            "buildah needs root (namespaces, mounts, cgroups), but this is user 1000: use sudo, or start Docker",
        ),
        (
            "linux",
            0,
            "the image needs missing programs: apt-get install --no-install-recommends buildah util-linux, "
            "or start Docker",
        ),
    ],
)
def test_what_is_missing_is_one_line_with_the_remedy(
    system: str, user: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "docker", "exit 1")  # is there, and doesn't run
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(CannotRunError) as caught:
        engine(tmp_path / "state", tmp_path / "tmp")
    assert str(caught.value) == said


@pytest.mark.parametrize("command", ["image", "image-check"])
def test_what_is_missing_has_an_exit_code_of_its_own(command: str, tmp_path: Path) -> None:
    ended = local(command, tmp_path)

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert ended.stderr.startswith(f"make {command}: ")


def test_docker_builds_where_there_is_no_buildah(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "docker", f'echo "$1" "$2" >> {tmp_path}/calls')
    monkeypatch.setenv("PATH", str(tmp_path))
    builder = engine(tmp_path / "state", tmp_path / "tmp")
    assert isinstance(builder, Docker)
    assert image.base(builder, "any")[1] == {}  # this docker says yes to everything: it has the base
    builder.build(Build(tmp_path, "localhost/x:1", {}), tmp_path / "x.tar")
    assert (tmp_path / "calls").read_text().splitlines() == [
        "info ",
        "image inspect",
        "build --build-arg=SOURCE_DATE_EPOCH=0",
        f"save --output={tmp_path}/x.tar",
    ]


# The base


class Registry(Docker):
    """An engine whose registry has nothing, and that keeps what it is given."""

    def __init__(self) -> None:
        self.images: set[str] = set()

    def has_image(self, name: str) -> bool:
        return name in self.images

    def pull(self, name: str) -> None:
        raise CommandError(f"docker pull ended with 1: Error: pinging registry: {name}: no such host")

    def import_image(self, tar: Path, name: str) -> None:
        assert tar.exists()
        self.images.add(name)


@pytest.fixture
def made_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A local base that was made by an earlier run."""
    monkeypatch.setattr(image, "STATE", tmp_path)
    tar = tmp_path / "base" / f"{debian.version()}.tar"
    tar.parent.mkdir()
    tar.write_bytes(b"")
    return tar


@pytest.mark.usefixtures("made_base")
def test_a_base_that_can_t_be_pulled_is_made_and_has_a_name_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    registry = Registry()
    name, arguments = image.base(registry, "any")

    assert arguments == {"PYTHON_IMAGE": LOCAL, "PYTHON_VERSION": debian.version(), "PYTHON_DIGEST": ""}
    assert registry.images == {name}
    assert LOCAL.startswith("localhost/")
    printed = capsys.readouterr().out
    assert "can't be pulled (no such host): building a local base instead" in printed
    assert printed.count("\n") == 1
    assert image.base(registry, "local") == (name, arguments)


def test_no_other_base_where_upstream_s_is_asked_for() -> None:
    with pytest.raises(image.BaseError, match=r"python:3\.11\..* can't be pulled: no such host\. IMAGE_BASE=local"):
        image.base(Registry(), "upstream")
    with pytest.raises(image.BaseError, match="IMAGE_BASE is 'mine', but must be one of any, upstream, local"):
        image.base(Registry(), "mine")


def test_the_upstream_base_is_the_dockerfile_s() -> None:
    dockerfile = "ARG PYTHON_IMAGE=r/python\nARG PYTHON_VERSION=3-slim\nARG PYTHON_DIGEST=@sha256:0\nARG PYTHON_IMAGE\n"

    assert image.upstream_base(dockerfile) == "r/python:3-slim@sha256:0"


def test_another_recipe_is_another_base(monkeypatch: pytest.MonkeyPatch) -> None:
    before = debian.version()
    monkeypatch.setattr(debian, "PACKAGES", (*debian.PACKAGES, "tzdata"))

    assert debian.version() != before


def test_a_base_is_made_once(made_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert debian.debian_base(made_base.parent) == made_base
    made_base.unlink()
    with pytest.raises(CannotRunError, match=r"a base for the image, since it is not pulled, needs .* debootstrap$"):
        debian.debian_base(made_base.parent)


# What pip is told


def test_pip_s_settings_go_along_without_paths_of_this_machine() -> None:
    listed = (
        ":env:.index-url='https://me:secret@index.example.com/simple'\n"
        "global.cert='/etc/authorities.pem'\n"
        "global.index-url='https://other.example.com'\n"
        "global.find-links='/opt/wheels'\n"
        "global.trusted-host='a.example.com b.example.com'\n"
        "download.timeout='9'\n"
    )
    told = pip.parse_settings(listed)
    configuration, authorities = pip.build_secrets(told, {})

    assert configuration == (
        "[global]\nindex-url = https://me:secret@index.example.com/simple\n"
        "trusted-host = a.example.com b.example.com\ncert = /run/secrets/pip_ca\n"
    )
    assert authorities == Path("/etc/authorities.pem")
    assert pip.hosts(told) == {"index.example.com", "a.example.com", "b.example.com"}


def test_certificates_come_from_the_environment_too() -> None:
    assert pip.build_secrets({}, {"CURL_CA_BUNDLE": "/a.pem"})[1] == Path("/a.pem")
    assert pip.build_secrets({}, {}) == ("[global]\n", None)


# Archives


@pytest.mark.parametrize("compressed", [True, False])
def test_an_archive_is_read_layer_by_layer(compressed: bool, tmp_path: Path) -> None:
    layers = ([File("usr", None, 0o755), File("usr/bin/python3", b"12345", 0o755)], [File("opt/a/b", b"1")])
    found = read_image(write_image(tmp_path / "image.tar", *layers, compressed=compressed))

    assert [layer.size for layer in found.layers] == [5, 1]
    assert found.layers[0].largest(count=1, depth=1) == [("usr", 5)]
    assert found.environment == {"PATH": "/opt/venv/bin", "PYTHONUNBUFFERED": "1"}
    assert read_files(tmp_path / "image.tar", lambda path: path == "opt/a/b") == {"opt/a/b": "1"}
    unpack(tmp_path / "image.tar", tmp_path / "root")
    assert (tmp_path / "root" / "usr" / "bin" / "python3").read_bytes() == b"12345"
    assert "base localhost/base:1" in check.table(found)


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    program(tmp_path, "image", "")
    subprocess.run(["tar", "-cf", "old.tar", "image"], cwd=tmp_path, check=True)
    with pytest.raises(ValueError, match=r"old\.tar' is not an OCI archive: it lacks index\.json\. Docker writes one"):
        read_image(tmp_path / "old.tar")


def test_differences_are_files(tmp_path: Path) -> None:
    first = write_image(tmp_path / "a.tar", [File("same"), File("other", b"1"), File("mode", b"", 0o644), File("gone")])
    second = write_image(tmp_path / "b.tar", [File("same"), File("other", b"2"), File("mode", b"", 0o755)])

    assert differences(first, second) == ["gone", "mode", "other"]


# Checks


@pytest.mark.parametrize(
    ("checked", "file", "finding"),
    [
        (check.files, File("usr/bin/su", b"", 0o4755), "usr/bin/su is setuid or setgid (4755)"),
        (check.files, File("etc/x", b"", 0o666), "etc/x can be written by anybody (666)"),
        (check.files, File("data", None, 0o777), "data can be written by anybody (777)"),
        (check.files, File("etc/x", b"", 0o644, uid=1000), "etc/x belongs to 1000:0, and it must be root's"),
        (check.programs, File("usr/bin/sh", b"", 0o755), "usr/bin/sh is not for the image"),
        (check.programs, File("opt/venv/bin/pip3", b"", 0o755), "opt/venv/bin/pip3 is not for the image"),
        (
            check.installers,
            File("usr/lib/python3.11/ensurepip", None),
            "usr/lib/python3.11/ensurepip installs packages",
        ),
        (
            check.installers,
            File("opt/venv/lib/python3.11/site-packages/pip", None),
            "opt/venv/lib/python3.11/site-packages/pip installs packages",
        ),
        (check.installers, File("etc/pip.conf"), "etc/pip.conf is of the build, and not for the image"),
        (check.layers, File("usr/bin/python3", b"again"), "usr/bin/python3 is in 2 layers"),
        (check.layers, File("usr/.wh.share", b""), "usr/.wh.share hides a file that a lower layer has"),
    ],
)
def test_a_file_that_is_not_for_images_is_named(
    checked: Callable[[Image], check.Check], file: File, finding: str, tmp_path: Path
) -> None:
    good = [File("usr/bin/python3", b"", 0o755), File("tmp", None, 0o1777), File("opt/venv/bin/runai-nim", b"", 0o755)]
    assert checked(read_image(write_image(tmp_path / "good.tar", good))).findings == []
    found = checked(read_image(write_image(tmp_path / "bad.tar", good, [file])))

    assert found.findings == [finding]
    assert str(found).startswith("FAILED")
    assert finding in str(found)


def test_labels_say_what_it_is(tmp_path: Path) -> None:
    names = {f"{LABELS}.{name}": name for name in ("version", "revision", "base.name")}
    found = read_image(write_image(tmp_path / "image.tar", [], config=dict(CONFIG) | {"Labels": names}))
    bare = read_image(write_image(tmp_path / "bare.tar", [], config={}))

    assert check.labels(found, "version", "revision").findings == []
    assert check.labels(bare, "", "abc").findings == [
        "the label revision is '', and it must be 'abc'",
        "no label says which base it is made of",
    ]


def test_a_build_is_told_its_labels(tmp_path: Path) -> None:
    build = Build(
        tmp_path,
        name="x:1",
        arguments={"A": "b"},
        labels={"version": "1"},
        secrets={"pip_conf": tmp_path / "c"},
        cached=False,
    )

    assert build.flags() == [
        "--no-cache",
        "--build-arg=A=b",
        "--label=org.opencontainers.image.version=1",
        f"--secret=id=pip_conf,src={tmp_path}/c",
        "--tag=x:1",
    ]


def test_too_many_bytes_layers_and_rights_are_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [[File(f"{number}", b"12345")] for number in range(check.LAYERS + 1)]
    found = read_image(write_image(tmp_path / "image.tar", *layers, config=dict(CONFIG) | {"User": "root"}))
    monkeypatch.setattr(check, "SIZE", 20)

    assert check.layers(found).findings == ["5 layers, and 4 is the limit"]
    assert check.size(found).findings == ["0.0 MB, and 0 is the limit; see the table"]
    assert check.user(found).findings == ["'root', and it must be 65532:65532"]


def test_a_trace_of_this_machine_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"built in {CHECKOUT}/operator")
    (tmp_path / "b").write_text("from index.example.com")
    (tmp_path / "c").symlink_to("nowhere")

    assert check.traces(tmp_path, {"index.example.com"}).findings == [
        "a has a trace of this machine",
        "b has a trace of this machine",
    ]


def test_a_container_has_no_rights(tmp_path: Path) -> None:
    found = specification(read_image(write_image(tmp_path / "image.tar", [])), ["true"], user=12345)
    process = found["process"]

    assert isinstance(process, dict)
    assert (process["user"], process["capabilities"], process["noNewPrivileges"]) == (
        {"uid": 12345, "gid": 12345},
        {},
        True,
    )
    assert process["env"] == CONFIG["Env"]
    assert found["root"] == {"path": "rootfs", "readonly": True}
    assert {mount["destination"] for mount in MOUNTS} == {"/proc", "/dev", "/sys"}


def test_two_builds_differ_in_layers_or_configuration(tmp_path: Path) -> None:
    first = read_image(write_image(tmp_path / "a.tar", [File("a")], [File("b")], config=CONFIG))
    second = read_image(write_image(tmp_path / "b.tar", [File("a")], [File("c")], config=dict(CONFIG) | {"User": "0"}))

    assert check.difference(first, first) == []
    layer, configuration = check.difference(first, second)
    assert layer.startswith(f"layer {first.layers[1].digest} is ")
    assert configuration.startswith("config is {'User': '65532:65532'")


# SBOM


def test_an_image_s_records_are_read(tmp_path: Path) -> None:
    files = [
        File(sbom.STATUS, STATUS.encode()),
        File(sbom.RELEASE, b'PRETTY_NAME="Debian"\nVERSION_ID="12"\n'),
        File(sbom.ENVIRONMENT, b"home = /usr/bin\nversion = 3.11.17\n"),
        File("opt/venv/lib/python3.11/site-packages/A_b.c-1.0.dist-info/METADATA"),
    ]
    found = sbom.read_contents(write_image(tmp_path / "image.tar", files))

    assert found == sbom.Contents(
        {"a-b-c": "1.0"}, {"libc6": ("2.36-9+deb12u1", "amd64"), "base-files": ("1:12.4", "amd64")}, "12", "3.11.17"
    )


def test_the_document_is_of_the_image() -> None:
    document = sbom.of_the_image(LOCKED, CONTENTS)

    assert {part["name"]: part.get("purl") for part in document["components"]} == {
        "A_b": None,
        "debian": None,
        "python": "pkg:generic/python@3.11.17",
        "libc6": "pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12",
    }
    assert document["dependencies"] == [{"ref": "root", "dependsOn": ["a"]}, {"ref": "a", "dependsOn": []}]
    assert sbom.lacks(document, CONTENTS, "ours") == []
    assert sbom.lacks(LOCKED, CONTENTS, "ours") == ["libc6 2.36-9+deb12u1"]


def test_python_of_debian_s_is_listed_once() -> None:
    contents = sbom.Contents({}, {"python3.11-minimal": ("3.11.2-6", "amd64")}, "12", "3.11.2")
    names = [part["name"] for part in sbom.of_the_image(LOCKED, contents)["components"]]

    assert names == ["debian", "python3.11-minimal"]


# Commands


@ROOT_AND_NAMESPACES
def test_a_command_s_last_words_are_told_and_its_steps_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = "echo STEP 1/2: FROM a; echo noise; echo STEP 2/2: RUN --mount=type=x,y=z --mount=type=v pip install"
    run_logged(["sh", "-c", steps], tmp_path / "log", show=STEPS)
    assert capsys.readouterr().out == "  FROM a\n  pip install\n"
    assert "noise" in (tmp_path / "log").read_text()
    with pytest.raises(CommandError, match=r"sh ended with 3; the end of .*log:\nno such thing$"):
        run_logged(["sh", "-c", "echo no such thing >&2; exit 3"], tmp_path / "log")
    with pytest.raises(CommandError, match=r"sleep took more than 0\.1 s"):
        output_of(["sleep", "60"], seconds=0.1)


@ROOT_AND_NAMESPACES
def test_a_killed_run_leaves_no_process_and_no_mount(tmp_path: Path) -> None:
    script = f"mount -t tmpfs none {tmp_path}; sleep 600 & wait"
    code = f"from local.image.commands import output_of; output_of(['sh', '-c', {script!r}], seconds=99)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=CHECKOUT) as killed:
        wait_until(lambda: "sleep 600" in below(killed.pid).values())
        left = set(below(killed.pid))
        killed.send_signal(signal.SIGKILL)
    wait_until(lambda: not any(runs(pid) for pid in left))
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def below(pid: int) -> dict[int, str]:
    """The processes that a process has started, and those that they have, with their commands."""
    asked = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in asked.stdout.splitlines()]
    found = {int(row[0]): row[2] for row in rows if int(row[1]) == pid}
    for child in list(found):
        found |= below(child)
    return found


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_run_leaves_no_secret(tmp_path: Path) -> None:
    left = tmp_path / "unfinished-1"
    left.mkdir()
    (left / "pip.conf").write_text("secret")
    with image.exclusive(tmp_path):
        assert not left.exists()


def test_builds_wait_for_each_other(tmp_path: Path) -> None:
    code = f"import local.image, pathlib\nwith local.image.exclusive(pathlib.Path({str(tmp_path)!r})): print('in')"
    with image.exclusive(tmp_path):
        second = subprocess.Popen(
            [sys.executable, "-c", code], cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert second.stderr is not None
        assert "Waiting for another build" in second.stderr.readline()
        assert second.poll() is None
    assert second.communicate(timeout=30)[0] == "in\n"


def test_the_tag_is_the_version() -> None:
    name, _, tag = image.NAME.rpartition(":")

    assert (name, tag) == ("localhost/runai-nim-operator", __version__.replace("+", "-"))
