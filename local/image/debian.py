"""A local base for the image if none can be pulled: Debian's Python, by debootstrap, as a tar file."""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from local.image.commands import run_logged
from local.requirements import CannotRunError, missing_packages, require_packages, require_root

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
WHAT = "a base for the image, since it is not pulled,"
RECIPE = """\
set -eu
debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$ROOT" "$MIRROR"
echo "deb $MIRROR $SUITE main" > "$ROOT/etc/apt/sources.list"
echo "deb $SECURITY $SUITE-security main" >> "$ROOT/etc/apt/sources.list"
chroot "$ROOT" apt-get -q update
DEBIAN_FRONTEND=noninteractive chroot "$ROOT" apt-get -q -y upgrade
cd "$ROOT"
rm -rf etc/apt/sources.list etc/hostname etc/machine-id etc/resolv.conf usr/share/info usr/share/locale usr/share/man
rm -rf var/cache/apt var/cache/debconf var/cache/ldconfig var/lib/apt/lists var/log
mkdir -p var/log
tar --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' --sort=name --mtime=@0 -cf "$TAR" .
"""
"""What makes it, with the security updates of the day; nothing of this machine is left in it."""


def version() -> str:
    """What tells this base from those of other recipes and machines: `bookworm-3f2a…`."""
    made_of = "\n".join([RECIPE, SUITE, *PACKAGES, platform.machine()])
    return f"{SUITE}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


def debian_base(folder: Path) -> Path:
    """Return the base's tar file below `folder`, made if it isn't there. Raises CannotRunError, CommandError.

    Its mirrors are those of this machine's apt; DEBIAN_MIRROR and DEBIAN_SECURITY_MIRROR name others.
    """
    tar = folder / f"{version()}.tar"
    if tar.exists():
        return tar
    require_root(WHAT)
    require_packages(WHAT, missing_packages({"debootstrap": "debootstrap", "chroot": "coreutils"}))
    mirrors = _mirrors()
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("unfinished-*"):
        shutil.rmtree(left)
    print("Building a base from Debian packages (1 to 3 minutes; later runs reuse it).", flush=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="unfinished-") as name:
        unfinished = Path(name, "base.tar")
        environment = {
            "MIRROR": mirrors[SUITE],
            "PACKAGES": ",".join(PACKAGES),
            "ROOT": str(Path(name, "root")),
            "SECURITY": mirrors[f"{SUITE}-security"],
            "SUITE": SUITE,
            "TAR": str(unfinished),
        }
        run_logged(
            ["sh", "-c", RECIPE], folder / "debootstrap.log", environment, show=r"^I: (Configuring python3)\.\.\."
        )
        for old in folder.glob("*.tar"):
            old.unlink()
        unfinished.rename(tar)
    return tar


def _mirrors() -> dict[str, str]:
    """Suite → its mirror: as the environment says, or as apt is set up here. Raises CannotRunError."""
    targets = ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)"]
    try:
        listed = subprocess.run(targets, capture_output=True, text=True, check=False).stdout
    except OSError:  # no apt
        listed = ""
    found = {suite: mirror for suite, _, mirror in (line.partition(" ") for line in listed.splitlines())}
    asked = {SUITE: "DEBIAN_MIRROR", f"{SUITE}-security": "DEBIAN_SECURITY_MIRROR"}
    found |= {suite: os.environ[name] for suite, name in asked.items() if name in os.environ}
    if missing := [name for suite, name in asked.items() if suite not in found]:
        raise CannotRunError(
            f"{WHAT} needs mirrors of Debian {SUITE}, which apt has none of here: set {', '.join(missing)}"
        )
    return found
