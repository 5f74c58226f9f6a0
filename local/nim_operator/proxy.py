"""Renders what `spec.proxy` adds to a pod: variables, and trust in the certificates of a ConfigMap.

No recording has it; it follows the real one's source.
"""

from typing import Any

Object = dict[str, Any]

TRUSTED = "ca-cert-volume"
GIVEN = "custom-ca"
ROOT = {"runAsUser": 0, "runAsNonRoot": False}
"""Only root can add certificates, which the restricted Pod Security Standard forbids."""


def certificates(nim: Object) -> str:
    """Name of the ConfigMap with the certificates; empty without one."""
    return str(nim["spec"].get("proxy", {}).get("certConfigMap", ""))


def with_variables(env: list[Object], nim: Object) -> list[Object]:
    """The environment with the proxy's variables, which replace those of the spec, even with empty values."""
    if "proxy" not in nim["spec"]:
        return env
    proxy = nim["spec"]["proxy"]
    values = {
        "HTTPS_PROXY": proxy.get("httpsProxy", ""),
        "HTTP_PROXY": proxy.get("httpProxy", ""),
        "NO_PROXY": proxy.get("noProxy", ""),
    }
    values |= {name.lower(): value for name, value in values.items()} | {"NIM_SDK_USE_NATIVE_TLS": "1"}
    kept = [variable for variable in env if variable["name"] not in values]
    return [*({"name": name, "value": value} for name, value in values.items()), *kept]


def init_container(container: Object) -> Object:
    """Render the init container that adds the certificates to those of the image."""
    return {
        "name": "update-ca-certificates",
        "image": container["image"],
        "command": ["/bin/sh", "-c", "cp /custom/* /usr/local/share/ca-certificates && update-ca-certificates"],
        "securityContext": ROOT,
        "volumeMounts": [{"name": TRUSTED, "mountPath": "/ca-certs"}, {"name": GIVEN, "mountPath": "/custom"}],
    }


def volumes(nim: Object) -> list[Object]:
    """Render the volumes of the certificates."""
    name = certificates(nim)
    return [{"name": TRUSTED, "emptyDir": {}}, {"name": GIVEN, "configMap": {"name": name}}] if name else []


def mounts(nim: Object) -> list[Object]:
    """Render the volume mount in which the NIM finds the certificates."""
    return [{"name": TRUSTED, "mountPath": "/etc/ssl"}] if certificates(nim) else []
