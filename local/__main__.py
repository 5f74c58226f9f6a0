"""`python -m local up` and `down`: start and stop a local cluster in the background; `demo`: show three services.

`programs` builds the cluster's programs, `chart-programs` those of the chart's tests; `e2e` runs scenarios on a real
cluster. `image` builds the image, `image-check` checks it, `sbom` lists its packages. Each command can be repeated.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import yaml
from rich.console import Console

from local import image
from local.cluster import CHECKOUT, LocalCluster
from local.demo import NAMESPACE, demo
from local.e2e import Progress, run_end_to_end
from local.e2e.images import build_images
from local.existing import BorrowedCluster
from local.image.check import check_image, write_sbom
from local.image.commands import CommandError
from local.node.configuration import PAUSE_IMAGE
from local.node.node import Node
from local.processes import StartError, failed_command
from local.programs import ProgramsMissingError, chart_programs, node_programs, programs
from local.requirements import CannotRunError


def up(state: Path) -> None:
    """Start what doesn't run yet, and print how to use the cluster."""
    cluster = LocalCluster(state / "cluster")
    started = cluster.start()
    print(f"Started {', '.join(started)}." if started else "Everything was already running.")
    look_around(state, cluster)


def look_around(state: Path, cluster: LocalCluster) -> None:
    """Provide kubeconfig and commands for the user, and print how to use them."""
    kubeconfig = state / "kubeconfig"
    commands = state / "bin"
    copy_kubeconfig(cluster.control_plane.kubeconfig, kubeconfig)
    commands.mkdir(exist_ok=True)
    installed = Path(sys.executable).parent
    for command in (programs() / "kubectl", installed / "runai-nim", installed / "kubectl-runai_nim"):
        (commands / command.name).unlink(missing_ok=True)
        (commands / command.name).symlink_to(command)
    print(f"""
The cluster runs in the background at {cluster.control_plane.url}. The NIM Operator in it is a stand-in: no GPU
is used, no image is pulled and no model is loaded. Try:

  export KUBECONFIG={kubeconfig} PATH={commands}:$PATH
  kubectl apply -f deploy/samples/gpu-portion.yaml
  kubectl get runainimservices,nimservices,deployments,pvc --all-namespaces
  runai-nim status llama-8b
  kubectl explain runainimservice.spec.compute
  tail -f {cluster.operator.log}

`make local-down` stops it.""")


def copy_kubeconfig(source: Path, target: Path) -> None:
    """Copy the kubeconfig; the namespace that the user has chosen in an earlier copy stays."""
    config = yaml.safe_load(source.read_text(encoding="utf-8"))
    if target.exists():
        earlier = yaml.safe_load(target.read_text(encoding="utf-8"))
        chosen = {one["name"]: one["context"].get("namespace") for one in earlier["contexts"]}
        for one in config["contexts"]:
            if namespace := chosen.get(one["name"]):
                one["context"]["namespace"] = namespace
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        yaml.safe_dump(config, file)


def down(state: Path) -> None:
    """Stop everything that `up` started."""
    stopped = LocalCluster(state / "cluster").stop()
    (state / "kubeconfig").unlink(missing_ok=True)
    print(f"Stopped {', '.join(stopped)}." if stopped else "Nothing was running.")


def show(state: Path) -> None:
    """Run the demo on a temporary cluster, or on the one that DEMO_KUBECONFIG names."""
    if given := os.environ.get("DEMO_KUBECONFIG"):
        _show_on(BorrowedCluster(state / "borrowed", Path(given), NAMESPACE))
        return
    cluster = LocalCluster(state / "demo")
    with cluster.control_plane.processes.tied_to_this_process():
        try:
            _demo(cluster)
        finally:
            cluster.stop()


def _show_on(cluster: BorrowedCluster) -> None:
    """Run the demo on a user's cluster, and delete everything that it created there."""
    with cluster.control_plane.processes.tied_to_this_process():
        try:
            _demo(cluster, where="")
        finally:
            print("Deleting the demo's objects.")
            cluster.give_back()


def show_and_keep(state: Path) -> None:
    """Run the demo on the cluster of `up`, and leave it running."""
    cluster = LocalCluster(state / "cluster")
    _demo(cluster)
    look_around(state, cluster)


def _demo(cluster: LocalCluster, where: str = "a real Kubernetes API, ") -> None:
    console = Console()
    console.print(f"Starting {where}this operator, and a stand-in for the NIM Operator.")
    cluster.start()
    if not demo(cluster, console):
        raise StartError("The demo failed: a service did not reach the expected phase; see above.")


def build(_: Path) -> None:
    """Build the programs and print where they are."""
    print(f"The control plane's programs are in {programs()}.")


def build_for_chart(_: Path) -> None:
    """Build helm and kubeconform and print where they are."""
    print(f"helm and kubeconform are in {chart_programs()}.")


def node_up(state: Path) -> None:
    """Start a real single-node cluster and print how to use it."""
    node = Node(state / "node")
    print("Starting a single-node Kubernetes cluster: kubelet, containerd, cluster DNS, volumes, metrics.")
    print("The node is ready." if node.start() else "The node was already running.")
    print(f"""
Its programs run in separate Linux namespaces. Try:

  export KUBECONFIG={node.kubeconfig} PATH={programs()}:$PATH
  kubectl get nodes,pods --all-namespaces
  kubectl create deployment pause --image={PAUSE_IMAGE}

`make node-down` stops it and removes its files.""")


def node_down(state: Path) -> None:
    """Stop the node and remove its files."""
    print("Stopped the node." if Node(state / "node").stop() else "No node was running.")


def build_for_node(_: Path) -> None:
    """Build the node's programs and print where they are."""
    print(f"The node's programs are in {node_programs()}.")


def end_to_end(state: Path) -> None:
    """Run the scenarios on a real cluster, with the image and chart that users install."""
    run_end_to_end(state)


def build_for_end_to_end(_: Path) -> None:
    """Build the images of the scenarios, for a cluster that pulls them from a registry, and print where they are."""
    for built in build_images(Progress()).all:
        print(f"{built.archive.relative_to(CHECKOUT)} contains {built.name}")


def build_image(_: Path) -> None:
    """Build the image and print where it is."""
    archive = image.build_image().relative_to(CHECKOUT)
    print(f"{archive} contains {image.NAME}. To import it on a node: ctr --namespace k8s.io images import {archive}")


def look_at_image(_: Path) -> None:
    """Build the image, check its content, and start it."""
    if not check_image():
        raise StartError("make image-check: checks of the image failed; see the lines that begin with FAILED.")


def list_image(_: Path) -> None:
    """Write the SBOM of the image."""
    path = write_sbom(image.ARCHIVE)
    alone = "" if image.ARCHIVE.exists() else ", without the base's packages: no image was built (`make image`)"
    print(f"{path.relative_to(CHECKOUT)}{alone}")


def main() -> int:
    """Run the command; return 1 if it failed and 2 if it can't run on this machine, with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = {
        "up": up,
        "down": down,
        "demo": show,
        "demo-keep": show_and_keep,
        "programs": build,
        "chart-programs": build_for_chart,
        "node-programs": build_for_node,
        "node-up": node_up,
        "node-down": node_down,
        "e2e": end_to_end,
        "e2e-images": build_for_end_to_end,
        "image": build_image,
        "image-check": look_at_image,
        "sbom": list_image,
    }
    parser.add_argument("command", choices=commands)
    parser.add_argument(
        "--directory", type=Path, default=CHECKOUT / ".local", help="directory of all its files (default: %(default)s)"
    )
    arguments = parser.parse_args()
    try:
        commands[arguments.command](arguments.directory.absolute())
    except CannotRunError as error:
        print(f"make {arguments.command}: {error}", file=sys.stderr)
        return 2
    except (CommandError, StartError, ProgramsMissingError, image.BaseError) as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(failed_command(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
