"""Index of the RunaiNimServices that reference an object, such as a claim or a NIMCache."""

from collections import defaultdict
from collections.abc import Collection

from runai_nim.api.resources import ObjectKey


class ReferenceIndex:
    """RunaiNimServices by (namespace, name) of the objects that they reference."""

    def __init__(self) -> None:
        self._by_name: dict[ObjectKey, set[ObjectKey]] = defaultdict(set)
        self._names: dict[ObjectKey, Collection[ObjectKey]] = {}

    def referrers(self, name: ObjectKey) -> tuple[ObjectKey, ...]:
        """Keys of the RunaiNimServices that reference it."""
        return tuple(self._by_name.get(name, ()))

    def set_references(self, key: ObjectKey, names: set[ObjectKey]) -> set[ObjectKey]:
        """Replace the references of `key`; return the names that nothing references any more."""
        if self._names.get(key, set()) == names:
            return set()
        unnamed = self.forget(key)
        self._names[key] = names
        for name in names:
            self._by_name[name].add(key)
        return unnamed - names

    def forget(self, key: ObjectKey) -> set[ObjectKey]:
        """Remove the references of `key`; return the names that nothing references any more."""
        unnamed = set()
        for name in self._names.pop(key, ()):
            self._by_name[name].discard(key)
            if not self._by_name[name]:
                del self._by_name[name]
                unnamed.add(name)
        return unnamed
