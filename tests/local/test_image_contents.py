"""What is copied into the image, tried on this machine's own files."""

import sys
from pathlib import Path

import pytest

from scripts import image_contents

STATUS = "Package: a\nVersion: 1\n\nPackage: b\nDepends: a\nDescription: x\n .\n Package: c\n\nPackage: c\n"


def test_records_of_the_packages_that_are_kept() -> None:
    assert image_contents.stanzas(STATUS, ["a", "c", "nothing"]) == "Package: a\nVersion: 1\n\nPackage: c\n\n"


def test_a_link_is_copied_with_what_it_links_to(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "libx.so.1.2").write_text("code")
    (source / "libx.so.1").symlink_to("libx.so.1.2")
    (source / "folder").symlink_to(tmp_path)
    for name in ("libx.so.1", "libx.so.1", "folder"):
        image_contents.copy(source / name, target)

    copied = target / source.relative_to("/")
    assert (copied / "libx.so.1").readlink() == Path("libx.so.1.2")
    assert (copied / "libx.so.1").read_text() == "code"
    assert (copied / "folder").is_symlink()


@pytest.mark.skipif(sys.platform != "linux", reason="ldd is Linux's")
def test_libraries_are_those_that_are_loaded() -> None:
    names = {path.name for path in image_contents.libraries([Path(sys.executable).resolve()])}

    assert "libc.so.6" in names
    assert any(name.startswith("ld-linux") for name in names)
    assert "libgcc_s.so.1" in names


def test_code_is_compiled_for_the_place_where_it_will_be(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def where():\n    return where.__code__.co_filename\n")
    image_contents.compile_all(tmp_path, place=Path("/opt/venv"))
    (compiled,) = (tmp_path / "__pycache__").glob("*.pyc")

    assert b"/opt/venv/module.py" in compiled.read_bytes()
    assert str(tmp_path).encode() not in compiled.read_bytes()
