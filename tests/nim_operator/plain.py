"""A NIMService and a NIMCache as plain values, for tests without an API server."""

from typing import Any


def a_nim(marks: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    service = {"service": {"port": 8000, **spec.pop("service", {})}, **spec.pop("expose", {})}
    return {
        "metadata": {"name": "llama", "namespace": "team", "uid": "1", "annotations": marks or {}},
        "spec": {"image": {"repository": "r", "tag": "t"}, "authSecret": "ngc", "storage": {}, "expose": service}
        | spec,
    }


def a_cache(**config: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "cache"},
        "spec": {"source": {"ngc": {"modelPuller": "p", "authSecret": "a"}}, "storage": {"pvc": {"subPath": "sub"}}},
        "status": {"state": "Ready", "pvc": "store", "profiles": [{"name": "p1", "config": config}]},
    }
