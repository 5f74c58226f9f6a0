"""An existing cluster, by its kubeconfig, instead of the local one: `make test-cluster KUBECONFIG=…`.

The chart and a NIM Operator must be installed. Tests only create namespaces there; tests that would start, stop or
install anything are skipped. STAND_IN=1 starts the stand-in of the NIM Operator for the tests; STAND_IN=there means
that one already runs.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from local.audit import AuditLog
from local.cluster import LocalCluster, Program
from local.existing import ExistingControlPlane, stand_in_outside

KUBECONFIG = "TEST_CLUSTER_KUBECONFIG"
"""Environment variable that names the kubeconfig of an administrator."""
STAND_IN = "TEST_CLUSTER_STAND_IN"


class InstalledOperator(Program):
    """A program that runs in the cluster."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.as_usual = True

    def start(self, *_: str, environment: Mapping[str, str] | None = None) -> None:
        """Skip the test."""
        self._not_ours()

    def stop(self) -> None:
        """Skip the test."""
        self._not_ours()

    def kill(self) -> None:
        """Skip the test."""
        self._not_ours()

    @property
    def alive(self) -> bool:
        """It is taken to be."""
        return True

    def _not_ours(self) -> NoReturn:
        pytest.skip(f"starts or ends {self.name}, which a given cluster has")


class ExternalCluster(LocalCluster):
    """The cluster of a kubeconfig."""

    def __init__(self, directory: Path, kubeconfig: Path) -> None:
        super().__init__(directory, ExistingControlPlane(directory, kubeconfig))
        self.operator = InstalledOperator("the operator")
        self.stand_in: Program = InstalledOperator("the NIM Operator")
        if os.environ.get(STAND_IN) == "1":
            self.stand_in = stand_in_outside(self.control_plane)

    def apply_manifests(self) -> None:
        """They are there."""

    @property
    def audit_log(self) -> AuditLog:
        """Skip the test."""
        pytest.skip("reads the audit log, which a given cluster keeps to itself")


def may_write_status() -> bool:
    """Whether tests may write the status of pods and NIMCaches: not with real nodes and a real NIM Operator."""
    return external_kubeconfig() is None or bool(os.environ.get(STAND_IN))


def external_kubeconfig() -> Path | None:
    """The kubeconfig of the cluster that is given, if one is."""
    given = os.environ.get(KUBECONFIG)
    return Path(given) if given else None
