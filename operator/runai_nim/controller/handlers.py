"""Kopf handlers: events of RunaiNimServices, start-up and cleanup.

Only `on.event` is used, because every other kind of handler stores its progress in the object.
"""

from typing import Any

import kopf

from runai_nim.api import well_known
from runai_nim.controller.kopf_settings import SessionCache, configure_kopf
from runai_nim.controller.operator import Operator
from runai_nim.controller.own_kind import OwnKind
from runai_nim.kube.api_error import ApiError


def make_registry(operator: Operator) -> kopf.OperatorRegistry:
    """A registry with the handlers of `operator`."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry, errors=kopf.ErrorsMode.PERMANENT)  # a restart is faster than Kopf's retry
    async def on_startup(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure_kopf(settings)
        await _start(operator)

    @kopf.on.cleanup(registry=registry)
    async def on_cleanup(**_: Any) -> None:
        await operator.stop()

    sessions = SessionCache(
        operator.own_watch.trace, OwnKind(operator.unreadable, operator.watch_failed, operator.note_listing)
    )

    @kopf.on.login(registry=registry)
    async def on_login(**kwargs: Any) -> kopf.AiohttpSession | None:
        return sessions.login(operator.client, **kwargs) if operator.client else None

    @kopf.on.event(well_known.GROUP, well_known.VERSION, well_known.PLURAL, registry=registry)
    async def on_resource_event(event: kopf.RawEvent, **_: Any) -> None:
        if operator.cache is None:
            return
        if event["type"] == "DELETED":
            operator.cache.resources.remove(event["object"])
        else:
            operator.cache.resources.store(event["object"])

    return registry


async def _start(operator: Operator) -> None:
    try:
        await operator.start()
    except BaseException as error:
        operator.stop_requested.set()  # otherwise Kopf would wait for it
        if isinstance(error, ApiError):  # its message says all; of others Kopf logs the traceback
            raise kopf.PermanentError(str(error)) from None
        raise
