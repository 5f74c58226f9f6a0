"""What `make e2e` says where it can't run, and what it installs. That it runs is shown by running it."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from local.cluster import CHECKOUT
from local.e2e.clusters import can_kind
from local.e2e.images import images_of, is_shallow, names_in_samples, unpack_released
from local.e2e.installation import stand_in_manifests, tls_secret, values
from local.requirements import CannotRunError

KUBECONFIG = CHECKOUT / "README.md"  # any file: it is not read


def e2e(path: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`make e2e` with the programs of one folder."""
    given = {name: value for name, value in os.environ.items() if not name.startswith(("E2E_", "IMAGES"))}
    return subprocess.run(
        [sys.executable, "-m", "local", "e2e"],
        cwd=CHECKOUT,
        env=given | {"PATH": str(path)} | environment,
        text=True,
        capture_output=True,
        check=False,
    )


def program(folder: Path, name: str, code: int) -> None:
    """A program that does nothing but end with a code."""
    path = folder / name
    path.write_text(f"#!/bin/sh\nexit {code}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.parametrize("there", [{}, {"docker": 0}, {"docker": 1, "kind": 0}])
def test_without_kind_and_without_a_node_one_line_says_what_is_missing(there: dict[str, int], tmp_path: Path) -> None:
    for name, code in there.items():
        program(tmp_path, name, code)
    ended = e2e(tmp_path)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith("make e2e: a node needs ")


def test_kind_is_taken_where_docker_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path, "kind", 0)
    assert not can_kind()
    program(tmp_path, "docker", 0)
    assert can_kind()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"E2E_KUBECONFIG": "not-there"}, "KUBECONFIG=not-there doesn't exist"),
        ({"E2E_KUBECONFIG": str(KUBECONFIG)}, "IMAGES=registry.example.com/team"),
    ],
)
def test_of_a_given_cluster_it_must_be_known_where_it_pulls_from(
    environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    ended = e2e(tmp_path, **environment)

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert said in ended.stderr


def test_images_of_a_registry_are_named_below_it() -> None:
    names = [image.name for image in images_of("registry.example.com/team").all]

    assert len(set(names)) == 4
    assert all(name.startswith("registry.example.com/team/") for name in names)


def test_the_stand_in_gets_the_image_that_was_built() -> None:
    found = list(yaml.safe_load_all(stand_in_manifests("registry.example.com/x:1")))
    (deployment,) = (manifest for manifest in found if manifest["kind"] == "Deployment")

    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example.com/x:1"


def test_values_name_repository_and_tag_of_an_image_with_a_port() -> None:
    given = values("registry.example.com:5000/x:1", "Never")

    assert "--set=image.repository=registry.example.com:5000/x" in given
    assert "--set-string=image.tag=1" in given


def test_a_certificate_is_made_for_its_host(tmp_path: Path) -> None:
    secret = tls_secret("tls", "a.b.svc", "there")
    path = tmp_path / "certificate"
    path.write_text(secret["stringData"]["tls.crt"], encoding="utf-8")
    shown = ["openssl", "x509", "-in", str(path), "-noout", "-ext", "subjectAltName"]

    assert "DNS:a.b.svc" in subprocess.run(shown, check=True, capture_output=True, text=True).stdout
    assert secret["type"] == "kubernetes.io/tls"


@pytest.mark.skipif(is_shallow(CHECKOUT), reason="the history is not here: git fetch --unshallow")
def test_the_released_version_is_taken_from_the_history(tmp_path: Path) -> None:
    unpack_released("charts/runai-nim-operator", tmp_path)
    chart = tmp_path / "charts" / "runai-nim-operator"

    assert "POD_ID" not in (chart / "templates" / "deployment.yaml").read_text(encoding="utf-8")


def test_the_history_is_asked_for_where_it_is_missing(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{CHECKOUT}", str(clone)], check=True)

    with pytest.raises(CannotRunError, match="git fetch --unshallow"):
        unpack_released("charts", tmp_path, clone)


def test_the_models_of_the_samples_have_an_image() -> None:
    assert names_in_samples() >= {"nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.5"}
