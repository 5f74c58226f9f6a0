"""Creates and removes the control groups of a node's pods, on cgroup v1 and v2."""

import contextlib
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


def make_control_groups(name: str) -> None:
    """Create group `name` in each hierarchy: a kubelet requires that its cgroupRoot exists."""
    controllers = ROOT / "cgroup.controllers"
    if controllers.exists():
        for controller in controllers.read_text().split():
            with contextlib.suppress(OSError):  # a controller that can't be delegated
                (ROOT / "cgroup.subtree_control").write_text(f"+{controller}")
        (ROOT / name).mkdir(exist_ok=True)
        return
    for hierarchy in ROOT.iterdir():
        if hierarchy.is_dir() and not hierarchy.is_symlink():
            (hierarchy / name).mkdir(exist_ok=True)


def remove_control_groups(name: str, seconds: float = 10) -> None:
    """Remove group `name` and the groups below it from each hierarchy, when their processes have exited.

    Groups that still have processes after `seconds` are kept.
    """
    deadline = time.monotonic() + seconds
    while (left := _folders(name)) and time.monotonic() < deadline:
        for folder in left:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if _folders(name):
            time.sleep(0.1)


def _folders(name: str) -> list[Path]:
    """The groups' directories, children before their parents."""
    groups = [group for group in (ROOT / name, *ROOT.glob(f"*/{name}")) if group.is_dir()]
    below = [path for group in groups for path in group.rglob("*") if path.is_dir()]
    return sorted([*groups, *below], reverse=True)
