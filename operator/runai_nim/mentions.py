"""Which RunaiNimServices name an object, so that a change of it is told to them. Plain bookkeeping, no I/O."""

from collections import defaultdict
from collections.abc import Collection

from runai_nim.queueing import Key


class Mentions:
    """RunaiNimServices by (namespace, name) of what they name: a claim, a NIMCache."""

    def __init__(self) -> None:
        self._by_name: dict[Key, set[Key]] = defaultdict(set)
        self._names: dict[Key, Collection[Key]] = {}

    def of(self, name: Key) -> tuple[Key, ...]:
        """Those that name it."""
        return tuple(self._by_name.get(name, ()))

    def note(self, key: Key, names: set[Key]) -> None:
        """From now on `key` names these, and nothing else."""
        if self._names.get(key, set()) != names:
            self.forget(key)
            self._names[key] = names
            for name in names:
                self._by_name[name].add(key)

    def forget(self, key: Key) -> None:
        """`key` names nothing any more."""
        for name in self._names.pop(key, ()):
            self._by_name[name].discard(key)
            if not self._by_name[name]:
                del self._by_name[name]
