"""Runs the stand-in: `python -m local.nim_operator --kubeconfig FILE`, or `… --no-nodes` in a pod of a real cluster.

It exits at once on SIGTERM and SIGINT.
"""

import argparse
import asyncio
import logging
import math
import signal
from pathlib import Path

from local.nim_operator import __doc__ as about
from local.nim_operator import kinds
from local.nim_operator.children import Object, set_name
from local.nim_operator.client import Client
from local.nim_operator.controller import Controller
from local.nim_operator.endpoints import Endpoints, ask_for_models, assume_an_answer
from local.nim_operator.groups import Groups, set_of
from local.nim_operator.knobs import Knobs, knobs_of
from local.nim_operator.nodes import Nodes
from local.nim_operator.reconcile import Reconciler
from local.nim_operator.store import Store

log = logging.getLogger("local.nim_operator")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m local.nim_operator", description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--kubeconfig", type=Path, help="an administrator's kubeconfig (default: the ServiceAccount of its own pod)"
    )
    parser.add_argument(
        "--no-nodes", action="store_true", help="don't act as the node: create and mark no pods, answer for no model"
    )
    parser.add_argument("--no-bind-claims", action="store_true", help="leave claims in phase Pending")
    parser.add_argument("--assume-endpoints", action="store_true", help="treat every ready pod as an answering model")
    parser.add_argument(
        "--endpoint-pause",
        type=float,
        default=0.2,
        metavar="SECONDS",
        help="interval between requests to a model that doesn't answer (default: 0.2, the real one: 5)",
    )
    parser.add_argument("--never-act", action="store_true", help="ignore NIMServices, as if no NIM Operator ran")
    parser.add_argument("--write-twice", action="store_true", help="change each Deployment in two writes")
    for step in ("service", "deployment", "ready"):
        parser.add_argument(f"--delay-{step}", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--delay-probes", type=float, default=math.inf, metavar="SECONDS", help="maximum")
    parser.add_argument("--verbose", action="store_true", help="log each failed attempt")
    return parser.parse_args()


async def run(options: argparse.Namespace) -> None:
    """Run until cancelled."""
    defaults = Knobs(
        delay_service=options.delay_service,
        delay_deployment=options.delay_deployment,
        delay_ready=options.delay_ready,
        delay_probes=options.delay_probes,
        never_act=options.never_act,
        write_twice=options.write_twice,
    )
    ask = assume_an_answer if options.assume_endpoints else ask_for_models
    store = Store()

    def delay_of(pod: Object) -> float:
        instance = pod["metadata"].get("labels", {}).get("app.kubernetes.io/instance")
        name = instance or set_of(pod).removesuffix(set_name(""))  # workers have no labels of the NIMService
        nim = store.get(kinds.NIM_SERVICE, (pod["metadata"]["namespace"], name))
        return knobs_of(nim, defaults).delay_ready if nim else defaults.delay_ready

    async with Client(options.kubeconfig) as client, asyncio.TaskGroup() as group:
        reconciler = Reconciler(client, store=store, defaults=defaults, ask=ask, endpoint_pause=options.endpoint_pause)
        group.create_task(Controller(client, store, reconciler, defaults).run())
        if options.no_nodes:
            return
        nodes = Nodes(client, store, delay_of, bind_claims=not options.no_bind_claims)
        group.create_task(nodes.run())
        group.create_task(Groups(client, store).run())
        if not options.assume_endpoints:
            group.create_task(Endpoints(store).run())


async def main() -> None:
    """Run until a signal."""
    options = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("local.nim_operator.queue").setLevel(logging.INFO if options.verbose else logging.WARNING)
    log.info("STAND-IN for NVIDIA NIM Operator 3.1.2: writes the same objects and status, serves no model")
    task = asyncio.ensure_future(run(options))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        log.info("stopped by a signal")


if __name__ == "__main__":
    asyncio.run(main())
