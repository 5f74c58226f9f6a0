"""The cluster of the end-to-end scenarios: what `make e2e` has installed there, and a pod to ask Services from."""

import json
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE
from local.e2e.installation import Command, helm_of, kubectl_of, namespace
from local.objects import Objects
from tests.e2e.models import Case, Model

ASK = """
import json, ssl, sys, urllib.error, urllib.request
asked = json.load(sys.stdin)
tls = ssl.create_default_context(cadata=asked["authority"]) if asked["authority"] else None
body = json.dumps(asked["body"]).encode() if asked["body"] is not None else None
request = urllib.request.Request(asked["url"], body, asked["headers"], method=asked["method"])
try:
    answer = urllib.request.urlopen(request, timeout=20, context=tls)
except urllib.error.HTTPError as error:
    answer = error
json.dump([answer.status, answer.read().decode()], sys.stdout)
"""
"""What a pod runs to ask a Service, as users' pods do: by its DNS name."""
HOSTILE = "/hostile"
"""Where that pod has the hostile client of the fault campaign."""
ATTACK_SECONDS = 8


@dataclass(frozen=True)
class Installed:
    """What `make e2e` says of the cluster, by environment variables."""

    kubeconfig: Path
    pull_policy: str
    operator_image: str
    nim_image: str
    released_image: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Installed":
        """Read the environment; KeyError where this isn't run by `make e2e`."""
        names = ("KUBECONFIG", "PULL_POLICY", "OPERATOR_IMAGE", "NIM_IMAGE", "RELEASED_IMAGE")
        kubeconfig, *others = (environment[f"E2E_{name}"] for name in names)
        return cls(Path(kubeconfig), *others)


class Cluster:
    """kubectl and helm as administrator, namespaces, and models."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        self.kubectl, self.helm = kubectl_of(installed.kubeconfig), helm_of(installed.kubeconfig)
        self._run = secrets.token_hex(3)
        self._objects = Objects(installed.kubeconfig, "")
        self.namespaces: list[str] = []
        self._of_no_namespace: list[str] = []

    def name(self, key: str) -> str:
        """The name of this run's namespace for `key`."""
        return f"e2e-{self._run}-{key}"

    def make_namespace(self, key: str, labels: Mapping[str, str]) -> Objects:
        """Make a namespace and return its objects."""
        made = self._objects.apply(namespace(self.name(key), dict(labels)))
        name: str = made["metadata"]["name"]
        self.namespaces.append(name)
        return self.objects(name)

    def objects(self, name: str) -> Objects:
        """The objects of a namespace."""
        return self._objects.of(name)

    def begin(self, case: Case) -> Model:
        """Make a case's namespace, and its model."""
        objects = self.make_namespace(case.key, case.labels)
        for manifest in case.manifests(self.installed.nim_image, objects.namespace):
            made = objects.apply(manifest)
            if "namespace" not in made["metadata"]:
                self._of_no_namespace.append(f"{made['kind']}/{made['metadata']['name']}")
        return Model(objects)

    def model(self, case: Case) -> Model:
        """The model of a case that was begun."""
        return Model(self.objects(self.name(case.key)))

    def close(self) -> None:
        """Begin to delete what was made, and close all connections."""
        made = [*(f"Namespace/{name}" for name in self.namespaces), *self._of_no_namespace]
        if made and not os.environ.get("KEEP"):
            self.kubectl("delete", *made, "--wait=false", "--ignore-not-found")
        self._objects.__exit__()

    def start_client(self) -> "Client":
        """Start a pod that can call Services of the cluster."""
        objects = self.make_namespace("client", {})
        container = {
            "name": "client",
            "image": self.installed.nim_image,
            "command": ["python3", "-c", "import signal; signal.pause()"],
            "volumeMounts": [{"name": "hostile", "mountPath": HOSTILE}],
        }
        volume = {"name": "hostile", "configMap": {"name": "hostile"}}
        pod = {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 0}
        text = (CHECKOUT / "tests" / "faults" / "hostile.py").read_text(encoding="utf-8")
        config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "hostile"}}
        objects.apply({**config_map, "data": {"hostile.py": text}})
        objects.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client"}, "spec": pod})
        return Client(self.kubectl, objects.namespace)

    def container_restarts(self, app: str) -> dict[str, tuple[int, object]]:
        """Restart count and last state of each container in the pods of `app` in the operator's namespace."""
        pods = self.objects(OPERATOR_NAMESPACE).list("v1 Pod", f"app.kubernetes.io/name={app}")
        return {
            f"{pod['metadata']['name']}/{status['name']}": (status["restartCount"], status.get("lastState"))
            for pod in pods
            for status in pod["status"].get("containerStatuses", ())
        }


class Client:
    """A pod with Python that sends the requested HTTP calls."""

    def __init__(self, kubectl: Command, in_namespace: str) -> None:
        self._kubectl = kubectl
        self._where = f"--namespace={in_namespace}"

    def wait(self) -> None:
        """Wait until it runs."""
        self._kubectl("wait", "--for=condition=Ready", "pod/client", self._where, "--timeout=120s")

    def ask(self, method: str, url: str, body: Any = None, token: str = "", authority: str = "") -> tuple[int, str]:
        """HTTP status and text of the answer; raises CalledProcessError where there is none.

        authority: certificates, as PEM, by which an https answer must be signed.
        """
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        asked = {"method": method, "url": url, "body": body, "headers": headers, "authority": authority}
        said = self._kubectl(
            *("exec", "--stdin", "pod/client", self._where, "--", "python3", "-c", ASK), stdin=json.dumps(asked)
        )
        code, text = json.loads(said)
        return int(code), str(text)

    @contextmanager
    def attacking(self, attack: str, url: str, project: str, token: str) -> Iterator["subprocess.Popen[str]"]:
        """Let the hostile client attack the REST API for ATTACK_SECONDS, at whose end the process ends."""
        program = ("python3", f"{HOSTILE}/hostile.py", attack, url, project, str(ATTACK_SECONDS))
        running = self._kubectl.start(*("exec", "--stdin", "pod/client", self._where, "--"), *program)
        with running:
            assert running.stdin
            running.stdin.write(token + "\n")
            running.stdin.close()
            yield running
        assert running.returncode == 0
