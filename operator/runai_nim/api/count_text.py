"""Counts in messages."""


def count_text(count: int, noun: str) -> str:
    """`1 node`, `2 nodes`, `0 nodes`."""
    return f"{count} {noun}" + "s" * (count != 1)
