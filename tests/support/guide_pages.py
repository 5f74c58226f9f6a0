"""The guide's pages as a test runs them: their blocks of commands, and the namespace that they are about."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from local.cluster import CHECKOUT
from local.objects import Objects


def blocks(page: str, language: str = "sh") -> list[str]:
    """The page's blocks in this language, in their order."""
    text = (CHECKOUT / "docs" / "guide" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)


@contextmanager
def project(all_objects: Objects, namespace: str) -> Iterator[Objects]:
    """The objects of a namespace `runai-<project>`, which is made for a test of a page and deleted after it."""
    labels = {"runai/queue": namespace.removeprefix("runai-")}
    all_objects.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    yield all_objects.of(namespace)
    all_objects.delete("v1 Namespace", namespace)
