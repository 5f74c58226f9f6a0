"""Index of the RunaiNimServices of a namespace that ask for the same `exposedUrl`."""

from collections import defaultdict
from collections.abc import Collection
from itertools import islice
from typing import Final

from runai_nim.api.resources import ObjectKey, ObjectView
from runai_nim.api.untrusted_values import mapping

MAX_WOKEN: Final = 20
"""How many RunaiNimServices look again at once when the oldest with their URL changes; the rest at the next resync."""

_Age = tuple[str, ObjectKey]
"""creationTimestamp (RFC 3339), and the key, which decides between two of one second."""


class ExposedUrlIndex:
    """The oldest RunaiNimService by (namespace, URL). Other namespaces don't matter: they can't share a host."""

    def __init__(self) -> None:
        self._ages: defaultdict[ObjectKey, dict[ObjectKey, _Age]] = defaultdict(dict)
        self._oldest: dict[ObjectKey, _Age] = {}
        self._places: dict[ObjectKey, ObjectKey] = {}
        """(namespace, URL) of each RunaiNimService that has a URL."""

    def older(self, key: ObjectKey) -> str:
        """Name of the oldest RunaiNimService with the URL of `key`; empty if `key` is that, or has no URL."""
        place = self._places.get(key)
        oldest = key if place is None else self._oldest[place][1]
        return "" if oldest == key else oldest[1]

    def store(self, key: ObjectKey, obj: ObjectView) -> Collection[ObjectKey]:
        """Take up the URL of a RunaiNimService; return others for which `older` has changed, MAX_WOKEN of a URL."""
        url = _url(obj)
        age = (obj["metadata"].get("creationTimestamp", ""), key)
        place = (key[0], url) if url else None
        if self._places.get(key) == place and (place is None or self._ages[place][key] == age):
            return ()
        woken = set(self.forget(key))
        if place is None:
            return woken
        self._places[key] = place
        self._ages[place][key] = age
        if place not in self._oldest or age < self._oldest[place]:
            self._oldest[place] = age
            woken |= self._others(place)
        return woken

    def forget(self, key: ObjectKey) -> Collection[ObjectKey]:
        """Drop a RunaiNimService; return others for which `older` has changed, at most MAX_WOKEN."""
        place = self._places.pop(key, None)
        if place is None:
            return ()
        ages = self._ages[place]
        age = ages.pop(key)
        if not ages:
            del self._ages[place], self._oldest[place]
            return ()
        if age != self._oldest[place]:
            return ()
        self._oldest[place] = oldest = min(ages.values())
        return {oldest[1], *self._others(place)}

    def _others(self, place: ObjectKey) -> set[ObjectKey]:
        """Some that are not the oldest."""
        oldest = self._oldest[place][1]
        return set(islice((key for key in self._ages[place] if key != oldest), MAX_WOKEN - 1))


def _url(obj: ObjectView) -> str:
    """`spec.servingPort.exposedUrl`, with or without a slash at its end; empty without one."""
    url = mapping(mapping(obj.get("spec")).get("servingPort")).get("exposedUrl")
    return url.rstrip("/") if isinstance(url, str) else ""
