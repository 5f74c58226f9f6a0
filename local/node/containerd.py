"""`python -m local.node.containerd <archive>…`: imports images into containerd, from within the node's namespaces."""

import subprocess
import sys
from pathlib import Path

from local.node.configuration import CONTAINERD_SOCKET


def import_image(archive: Path) -> None:
    """Import the images of an OCI or Docker archive. Raises CalledProcessError with the output of ctr."""
    command = ["ctr", f"--address={CONTAINERD_SOCKET}", "--namespace=k8s.io", "images", "import", str(archive)]
    subprocess.run(command, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        import_image(Path(path))
