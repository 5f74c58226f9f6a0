"""Installations of the chart that can't work, each in a namespace of its own, beside the one that does."""

import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from local.e2e.installation import CHART, RESTRICTED, values

if TYPE_CHECKING:
    from tests.e2e.cluster import Cluster

WAIT_SECONDS = 30


@dataclass(eq=False)
class Installation:
    """A release with a mistake, and `helm install --wait` that waits for it.

    key: part of its namespace's name, and of its objects'. values: of the chart. process: helm, while and after it
    runs.
    """

    key: str
    values: tuple[str, ...]
    image: str = ""
    process: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """Name of its objects."""
        return f"{self.key}-runai-nim-operator"

    def begin(self, cluster: "Cluster") -> None:
        """Make the namespace and start helm."""
        name = cluster.make_namespace(self.key, RESTRICTED).namespace
        installed = cluster.installed
        # It must not serve what the real one serves, and the kind belongs to that one.
        apart = ("crds.enabled=false", "rbac.aggregate=false", f"settings.namespaces={{{name}}}")
        fewer = ("replicas=1", "rest.replicas=1", "rest.enabled=false", "rest.tls.secretName=")
        given = values(self.image or installed.operator_image, installed.pull_policy, *apart, *fewer, *self.values)
        wait = ("--wait", f"--timeout={WAIT_SECONDS}s")
        self.process = cluster.helm.start("install", self.key, str(CHART), f"--namespace={name}", *given, *wait)

    def said(self) -> str:
        """What helm said, once it has given up."""
        assert self.process is not None
        output, _ = self.process.communicate(timeout=4 * WAIT_SECONDS)
        assert self.process.returncode != 0
        return output
