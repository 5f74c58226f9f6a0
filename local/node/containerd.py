"""`python -m local.node.containerd <archive>…`: gives images to the containerd of the namespaces that it runs in."""

import subprocess
import sys
from pathlib import Path

from local.node.configuration import CONTAINERD_SOCKET


def import_image(archive: Path) -> None:
    """Give the images of an OCI or Docker archive to containerd; raises CalledProcessError with its words."""
    command = ["ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io", "images", "import", str(archive)]
    subprocess.run(command, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        import_image(Path(path))
