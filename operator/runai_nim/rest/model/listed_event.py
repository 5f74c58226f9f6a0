"""Converts a Kubernetes Event to the event in REST answers."""

from datetime import datetime
from typing import Any

from runai_nim.api.resources import ObjectView
from runai_nim.api.untrusted_values import mapping, text, word
from runai_nim.rest.model.timestamps import first_time, moment

_ABOUT = ("uid", "kind", "name", "namespace")


def listed_event(event: ObjectView, cluster_id: str) -> dict[str, Any]:
    """From a core/v1 Event, any of whose fields may be missing. `createdAt`: when it was seen last."""
    about = mapping(event.get("involvedObject"))
    source = word(mapping(event.get("source")).get("component")) or word(event.get("reportingComponent"))
    optional = {"reason": word(event.get("reason")), "source": source}
    return {
        "createdAt": seen_at(event),
        "id": word(mapping(event.get("metadata")).get("uid")),
        "type": word(event.get("type")),
        "clusterId": cluster_id,
        "message": text(event.get("message")).strip(),
        **{name: value for name, value in optional.items() if value},
        "involvedObject": {field: word(about.get(field)) for field in _ABOUT},
    }


def seen_at(event: ObjectView) -> str:
    """When it was seen last, by whichever of its times is set."""
    return first_time(
        (
            mapping(event.get("series")).get("lastObservedTime"),
            event.get("lastTimestamp"),
            event.get("eventTime"),
            mapping(event.get("metadata")).get("creationTimestamp"),
        )
    )


def newest_first(listed: ObjectView) -> tuple[datetime | None, str]:
    """Sort key of a listed event, for reverse order."""
    return moment(listed["createdAt"]), listed["id"]
