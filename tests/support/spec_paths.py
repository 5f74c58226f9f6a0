"""The paths of fields in a spec."""

from collections.abc import Iterator


def used_paths(value: object, path: str = "") -> Iterator[str]:
    """Every path that a spec uses, such as `tolerations`, `tolerations[]` and `tolerations[].key`."""
    if isinstance(value, dict):
        for name, below in value.items():
            here = f"{path}.{name}" if path else name
            yield here
            yield from used_paths(below, here)
    if isinstance(value, list):
        for item in value:
            yield f"{path}[]"
            yield from used_paths(item, f"{path}[]")
