"""Reconciles one NIMService, in the real NIM Operator's order of steps."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from local.nim_operator import children, kinds, multinode, router, status, workload
from local.nim_operator.children import Object
from local.nim_operator.client import ApiError, Client
from local.nim_operator.events import Event
from local.nim_operator.knobs import Knobs, knobs_of
from local.nim_operator.queue import RetryError
from local.nim_operator.rewrite import FINALIZER, rewrite_spec
from local.nim_operator.store import Key, Store
from local.nim_operator.workload import ModelStore, PanicError
from local.nim_operator.writer import FailedError, Writer

# From its source: the kinds of an endpoint picker's objects, which it deletes if the spec has no picker.
PICKER = (kinds.DEPLOYMENT, kinds.SERVICE, kinds.SERVICE_ACCOUNT, kinds.ROLE, kinds.ROLE_BINDING)

Ask = Callable[[str], Awaitable[Any]]
"""GET /v1/models from `address:port`. Raises OSError, TimeoutError or aiohttp.ClientError without a good answer."""


class PassEndedError(Exception):
    """Ends the reconciliation without an error; the status has the reason."""


@dataclass(frozen=True)
class Pass:
    """Input of one reconciliation: the NIMService as read, and its options.

    `just_rewritten`: this reconciliation added the finalizer.
    """

    nim: Object
    knobs: Knobs
    just_rewritten: bool

    @property
    def namespace(self) -> str:
        """The NIMService's namespace."""
        return str(self.nim["metadata"]["namespace"])

    @property
    def name(self) -> str:
        """The NIMService's name."""
        return str(self.nim["metadata"]["name"])

    def parent_hash(self, **changes: Any) -> str:
        """Hash of the spec with the changes that the real one makes in memory."""
        return children.spec_hash({**self.nim["spec"], **changes}, just_rewritten=self.just_rewritten)


class Reconciler:
    """Writes the children and the status of NIMServices.

    `endpoint_pause`: seconds between two requests to a model that doesn't answer.
    """

    def __init__(self, client: Client, store: Store, *, defaults: Knobs, ask: Ask, endpoint_pause: float) -> None:
        self._store = store
        self._defaults = defaults
        self._ask = ask
        self._endpoint_pause = endpoint_pause
        self._writer = Writer(client, store)

    async def reconcile(self, key: Key) -> float | None:
        """Reconcile once; return the seconds until the next time, or None to wait for a change."""
        nim = self._store.get(kinds.NIM_SERVICE, key)
        if nim is None:
            return None
        knobs = knobs_of(nim, self._defaults)
        if knobs.never_act:
            return None
        try:
            return await self._pass(nim, knobs)
        except PassEndedError:
            return None
        except PanicError as panic:
            raise RetryError(f"the real one panics: {panic}") from panic
        except (ApiError, aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise RetryError(str(error)) from error

    async def _pass(self, nim: Object, knobs: Knobs) -> float | None:
        finalizers = nim["metadata"].get("finalizers", [])
        if "deletionTimestamp" in nim["metadata"]:
            if FINALIZER in finalizers:
                await self._write_finalizers(nim, [name for name in finalizers if name != FINALIZER])
                self._writer.events.forget(nim)
            return None
        port_was_given = "port" in nim["spec"].get("expose", {}).get("service", {})
        if FINALIZER not in finalizers:
            nim = await self._write_finalizers(nim, [*finalizers, FINALIZER])
        # In memory the real one has all structs, even those that a later apply has removed.
        nim = {**nim, "spec": rewrite_spec(nim["spec"])}
        if "port" not in nim["spec"]["expose"]["service"]:
            raise PanicError("expose.service.port is absent")
        this = Pass(nim, knobs, just_rewritten=FINALIZER not in finalizers)
        try:
            await self._make_access(this)
            if not port_was_given:
                raise PanicError("expose.service.port was absent")
            await self._make_workload(this)
        except FailedError as failure:
            await self._writer.fail(nim, failure)
            raise RetryError(str(failure)) from failure
        return await self._report(this)

    async def _write_finalizers(self, nim: Object, finalizers: list[str]) -> Object:
        """Update the whole NIMService with these finalizers, which also rewrites its spec."""
        metadata = {**nim["metadata"], "finalizers": finalizers}
        return await self._writer.write_whole({**nim, "metadata": metadata, "spec": rewrite_spec(nim["spec"])})

    async def _make_access(self, this: Pass) -> None:
        """Write the children that don't depend on the model store."""
        nim = this.nim
        parent = this.parent_hash()
        writer = self._writer
        await writer.apply(kinds.SERVICE_ACCOUNT, children.service_account(nim))
        await writer.apply(kinds.ROLE, children.role(nim))
        await writer.apply(kinds.ROLE_BINDING, children.role_binding(nim))
        await writer.apply(kinds.SERVICE, children.service(nim), parent, delay=this.knobs.delay_service)
        await self._apply_or_remove(kinds.INGRESS, this, router.ingress(nim))
        await self._apply_or_remove(kinds.HTTP_ROUTE, this, router.http_route(nim))
        await self._apply_or_remove(kinds.GRPC_ROUTE, this, router.grpc_route(nim))
        await self._apply_or_remove(kinds.HPA, this, children.autoscaler(nim))
        for kind in PICKER:
            await writer.remove(kind, nim, children.picker_name(this.name))
        if nim["spec"].get("metrics", {}).get("enabled"):
            await writer.apply(kinds.SERVICE_MONITOR, children.service_monitor(nim), parent)

    async def _apply_or_remove(self, kind: kinds.Kind, this: Pass, wanted: Object | None) -> None:
        if wanted is None:
            await self._writer.remove(kind, this.nim)
        else:
            await self._writer.apply(kind, wanted, this.parent_hash())

    async def _make_workload(self, this: Pass) -> None:
        nim = this.nim
        cache = await self._ready_cache(this)
        store = await self._model_store(this, cache)
        resources = workload.resources_of(nim, store.profile, cache)
        kind = kinds.DEPLOYMENT
        if "multiNode" in nim["spec"]:
            kind = kinds.LEADER_WORKER_SET
            for config_kind, made in multinode.config(nim):
                await self._writer.make_once(config_kind, children.with_hashes(made, None))
        if this.knobs.fail:
            raise FailedError(this.knobs.fail, f"{kind.name}Failed")
        try:
            made = self._render(kind, this, store, resources)
        except workload.RenderError as error:
            raise FailedError(str(error), f"{kind.name}Failed") from error
        parent = this.parent_hash(**({"resources": resources} if resources else {}))
        twice = this.knobs.write_twice and kind is kinds.DEPLOYMENT
        await self._writer.apply(kind, made, parent, delay=this.knobs.delay_deployment, twice=twice)

    def _render(self, kind: kinds.Kind, this: Pass, store: ModelStore, resources: Object) -> Object:
        nim = this.nim
        if math.isfinite(this.knobs.delay_probes):
            nim = workload.shorten_probe_delays(nim, this.knobs.delay_probes)
        if kind is kinds.LEADER_WORKER_SET:
            return multinode.leader_worker_set(nim, store, resources)
        return workload.deployment(nim, store, resources)

    async def _ready_cache(self, this: Pass) -> Object | None:
        """The NIMCache in the spec, None without one. Raises PassEndedError while it is not ready."""
        name = this.nim["spec"]["storage"].get("nimCache", {}).get("name")
        if not name:
            return None
        cache = self._store.get(kinds.NIM_CACHE, (this.namespace, name))
        obstacle = status.cache_obstacle(this.name, name, cache)
        if obstacle is not None:
            said, event = obstacle
            await self._writer.write_status(this.nim, said, Event(*event))
            raise PassEndedError
        return cache

    async def _model_store(self, this: Pass, cache: Object | None) -> ModelStore:
        storage = this.nim["spec"]["storage"]
        if cache is not None:
            if not cache["status"].get("pvc"):
                raise FailedError(f"missing PVC for the nimcache instance {cache['metadata']['name']}")
            return workload.store_of_cache(this.nim, cache)
        claim = storage.get("pvc", {})
        if claim.get("create"):
            await self._writer.make_claim(this.nim)
            return ModelStore(children.claim_name(this.nim), claim.get("subPath", ""))
        if claim.get("name"):
            return ModelStore(claim["name"], claim.get("subPath", ""))
        if "emptyDir" in storage:
            return ModelStore()
        raise FailedError("neither external PVC name, NIMCache volume or empty dir is provided")

    async def _report(self, this: Pass) -> float | None:
        """Write the progress of the rollout to the status; state Ready also needs an answer of the model."""
        message, rolled_out = self._rollout(this)
        if not rolled_out:
            event = Event("Normal", "NotReady", f"NIMService {this.name} not ready, msg: {message}")
            await self._writer.write_status(this.nim, status.not_ready_status("NotReady", message), event)
            return None
        service = self._store.get(kinds.SERVICE, (this.namespace, this.name))
        address = (service or {}).get("spec", {}).get("clusterIP", "")
        endpoint = f"{address}:{this.nim['spec']['expose']['service']['port']}"
        try:
            answer = await self._ask(endpoint)
        except (aiohttp.ClientError, OSError):
            return self._endpoint_pause
        external = router.external_host(this.nim) if router.ingress(this.nim) else ""
        model = {"name": status.model_name(answer), "clusterEndpoint": endpoint, "externalEndpoint": external}
        event = Event("Normal", "Ready", f"NIMService {this.name} ready, msg: {message}")
        await self._writer.write_status(this.nim, status.ready_status(message, model), event)
        return None

    def _rollout(self, this: Pass) -> tuple[str, bool]:
        if "multiNode" in this.nim["spec"]:
            name = children.set_name(this.name)
            return status.groups(self._store.get(kinds.LEADER_WORKER_SET, (this.namespace, name)))
        return status.rollout(self._store.get(kinds.DEPLOYMENT, (this.namespace, this.name)))
