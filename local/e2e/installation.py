"""Installs what users install: namespaces, a certificate, the NIM Operator or its stand-in, and the chart."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml

from local.cluster import CHECKOUT, OPERATOR_NAMESPACE, OPERATOR_SERVICE_ACCOUNT
from local.e2e.clusters import Cluster
from local.e2e.images import Images
from local.objects import Object
from local.programs import chart_programs, programs

CHART = CHECKOUT / "charts" / "runai-nim-operator"
RELEASE = OPERATOR_SERVICE_ACCOUNT
NIM_OPERATOR_NAMESPACE = "nim-operator"
REST_HOST = f"{RELEASE}-rest.{OPERATOR_NAMESPACE}.svc"
REST_SECRET = "rest-tls"  # noqa: S105 (its name)
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


def install(cluster: Cluster, images: Images, nim_operator_chart: str, say: Callable[[str], None]) -> None:
    """Install everything and wait until it is ready; raises CalledProcessError with the words of who refused."""
    kubectl, helm = kubectl_of(cluster.kubeconfig), helm_of(cluster.kubeconfig)
    if nim_operator_chart:
        say("installing the NIM Operator")
        helm(
            "install", "nim-operator", nim_operator_chart, *_in(NIM_OPERATOR_NAMESPACE), "--create-namespace", "--wait"
        )
    else:
        say("installing the stand-in for the NIM Operator")
        kubectl("apply", "--server-side", *(f"--filename={crd}" for crd in _kinds()))
        kubectl("apply", "--server-side", "--filename=-", stdin=stand_in_manifests(images.stand_in.name))
        kubectl("rollout", "status", "deployment/nim-operator", *_in(NIM_OPERATOR_NAMESPACE), "--timeout=120s")
    say("installing the chart")
    kubectl("apply", "--filename=-", stdin=yaml.safe_dump(namespace(OPERATOR_NAMESPACE, RESTRICTED)))
    kubectl("apply", "--filename=-", stdin=yaml.safe_dump(tls_secret(REST_SECRET, REST_HOST)))
    arguments = values(images.operator.name, cluster.pull_policy)
    helm("upgrade", "--install", RELEASE, str(CHART), *_in(OPERATOR_NAMESPACE), *arguments, "--wait", "--timeout=5m")
    say("helm test")
    helm("test", RELEASE, *_in(OPERATOR_NAMESPACE), "--logs", "--timeout=2m")


class Command:
    """kubectl or helm on a cluster: `kubectl("get", "nodes")` returns what it prints.

    Raises CalledProcessError, whose text has the command's own words.
    """

    def __init__(self, kubeconfig: Path, program: str) -> None:
        self._program = program
        self._environment = os.environ | {"KUBECONFIG": str(kubeconfig)}

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run it and return its output."""
        ended = self.attempt(*arguments, stdin=stdin)
        if ended.returncode:
            error = subprocess.CalledProcessError(ended.returncode, ended.args, ended.stdout, ended.stderr)
            error.add_note(ended.stdout + ended.stderr)
            raise error
        return ended.stdout

    def attempt(self, *arguments: str, stdin: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run it and return how it ended."""
        return subprocess.run(
            [self._program, *arguments],
            input=stdin,
            env=self._environment,
            text=True,
            capture_output=True,
            check=False,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start it; the caller closes its input and waits for its end."""
        return subprocess.Popen(
            [self._program, *arguments],
            env=self._environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )


def kubectl_of(kubeconfig: Path) -> Command:
    """The kubectl of PATH, so that none has to be built, or else the one that is built."""
    return Command(kubeconfig, shutil.which("kubectl") or str(programs() / "kubectl"))


def helm_of(kubeconfig: Path) -> Command:
    """The helm of this checkout."""
    return Command(kubeconfig, str(chart_programs() / "helm"))


def values(image: str, pull_policy: str, *others: str) -> list[str]:
    """Values of the chart, as arguments of helm: what the scenarios need, and all that is optional."""
    repository, _, tag = image.rpartition(":")
    given = (
        f"image.repository={repository}",
        f"image.pullPolicy={pull_policy}",
        "networkPolicy.enabled=true",
        "rest.enabled=true",
        f"rest.tls.secretName={REST_SECRET}",
        "settings.scheduler_name=default-scheduler",
        *others,
    )
    return [f"--set-string=image.tag={tag}", *(f"--set={value}" for value in given)]


def namespace(name: str, labels: dict[str, str]) -> Object:
    """A Namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def tls_secret(name: str, host: str, in_namespace: str = OPERATOR_NAMESPACE) -> Object:
    """A Secret with a new self-signed certificate for `host`."""
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = Path(folder, "key"), Path(folder, "certificate")
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        about = ["-days", "2", "-subj", "/CN=e2e", "-addext", f"subjectAltName=DNS:{host}"]
        files = ["-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*new, *about, *files], check=True, capture_output=True)
        pair = {"tls.crt": certificate.read_text(), "tls.key": key.read_text()}
    metadata = {"name": name, "namespace": in_namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "kubernetes.io/tls", "stringData": pair}


def stand_in_manifests(image: str) -> str:
    """The manifests of deploy/kind/nim-operator with this image."""
    text = (CHECKOUT / "deploy" / "kind" / "nim-operator" / "stand-in.yaml").read_text(encoding="utf-8")
    found = list(yaml.safe_load_all(text))
    (deployment,) = (manifest for manifest in found if manifest["kind"] == "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    container["image"] = image
    return yaml.safe_dump_all(found)


def described(kubeconfig: Path) -> str:
    """Diagnostics after a failure: pods, Events, RunaiNimServices, and the operators' logs."""
    kubectl = kubectl_of(kubeconfig)
    logs = ("logs", "--prefix", "--tail=500", "--all-containers")
    commands = [
        ("get", "pods", "--all-namespaces", "--output=wide"),
        ("get", "runainimservices,nimservices", "--all-namespaces", "--output=yaml"),
        ("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"),
        (*logs, *_in(OPERATOR_NAMESPACE), f"--selector=app.kubernetes.io/instance={RELEASE}"),
        (*logs, *_in(NIM_OPERATOR_NAMESPACE), "deployment/nim-operator"),
    ]
    asked = ((command, kubectl.attempt(*command)) for command in commands)
    return "\n".join(f"$ kubectl {' '.join(command)}\n{ended.stdout}{ended.stderr}" for command, ended in asked)


def _kinds() -> list[Path]:
    """The NIM Operator's kinds, cut down."""
    return [CHECKOUT / "local" / "crds" / f"{plural}.yaml" for plural in ("nimcaches", "nimservices")]


def _in(name: str) -> tuple[str]:
    return (f"--namespace={name}",)
