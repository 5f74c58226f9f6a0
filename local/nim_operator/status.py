"""What the NIM Operator says about a NIMService: states, conditions and messages. Pure."""

from typing import Any

from local.nim_operator.children import Object

Condition = dict[str, str]


def rollout(deployment: Object | None) -> tuple[str, bool]:
    """Return the message about a Deployment and whether it is fully rolled out.

    As in the real one, observedGeneration isn't looked at: just after a change this can be about the previous spec.
    """
    if deployment is None:
        return "", False
    name = deployment["metadata"]["name"]
    status = deployment.get("status", {})
    wanted = deployment["spec"].get("replicas", 1)
    total, updated, available = (status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas"))
    progress = f'Waiting for deployment "{name}" rollout to finish: '
    if _progressing_reason(status) == "ProgressDeadlineExceeded":
        return f'deployment "{name}" exceeded its progress deadline', False
    if wanted == 0:
        return f'deployment "{name}" is scaled down', False
    if updated < wanted:
        return f"{progress}{updated} out of {wanted} new replicas have been updated...\n", False
    if total > updated:
        return f"{progress}{total - updated} old replicas are pending termination...\n", False
    if available < updated:
        return f"{progress}{available} of {updated} updated replicas are available...\n", False
    return f'deployment "{name}" successfully rolled out\n', True


def groups(leader_worker_set: Object | None) -> tuple[str, bool]:
    """Return the message about a LeaderWorkerSet and whether its groups are ready. Not recorded.

    With a pipeline of 1 the real one never becomes ready.
    """
    if leader_worker_set is None:
        return "", False
    name = leader_worker_set["metadata"]["name"]
    conditions = leader_worker_set.get("status", {}).get("conditions", [])
    available = ("Available", "True") in {(known["type"], known["status"]) for known in conditions}
    if not available or leader_worker_set["spec"]["leaderWorkerTemplate"]["size"] == 1:
        return f'leaderworkerset "{name}" is not ready', False
    return f'leaderworkerset "{name}" is ready', True


def _progressing_reason(status: Object) -> str | None:
    return next(
        (condition.get("reason") for condition in status.get("conditions", []) if condition["type"] == "Progressing"),
        None,
    )


def ready(message: str, model: dict[str, str]) -> Object:
    """Status of a NIMService whose model answers."""
    return {
        "state": "Ready",
        "model": model,
        "conditions": [condition("Ready", "True", "Ready", message), condition("Failed", "False", "Ready", "")],
    }


def not_ready(reason: str, message: str) -> Object:
    """Status of one that isn't ready yet; condition Failed has reason Ready, as recorded."""
    return {
        "state": "NotReady",
        "conditions": [condition("Ready", "False", reason, message), condition("Failed", "False", "Ready", message)],
    }


def failed(reason: str, message: str) -> Object:
    """Status of one that can't be made."""
    return {
        "state": "Failed",
        "conditions": [condition("Ready", "False", "Failed", ""), condition("Failed", "True", reason, message)],
    }


def claim_created(previous: Object) -> Object:
    """Status just after a claim was made: a condition more, the others as they were."""
    made = condition("NIM_CACHE_PVC_CREATED", "True", "PVCCreated", "The PVC has been created for storing NIM")
    others = [known for known in previous.get("conditions", []) if known["type"] != made["type"]]
    return {"state": "PVC-Created", "conditions": [*others, made]}


def condition(type_: str, status: str, reason: str, message: str) -> Condition:
    """Return a condition without its time."""
    return {"type": type_, "status": status, "reason": reason, "message": message}


def timed(status: Object, previous: Object, now: str) -> Object:
    """Return the status with each condition's lastTransitionTime: kept while its status stays, else `now`."""
    times = {(known["type"], known["status"]): known["lastTransitionTime"] for known in previous.get("conditions", [])}
    conditions = [
        {"lastTransitionTime": times.get((made["type"], made["status"]), now), **made} for made in status["conditions"]
    ]
    return {**status, "conditions": conditions}


def says_the_same(status: Object, previous: Object) -> bool:
    """Tell whether writing `status` (with times) over `previous` would change nothing."""
    return all(previous.get(key) == value for key, value in status.items())


def model_name(answer: Any) -> str:
    """Name of the model in an answer to GET /v1/models, empty where the real one finds none."""
    if not isinstance(answer, dict) or answer.get("object") != "list":
        return ""
    models = answer.get("data") or []
    if len(models) == 1:
        return str(models[0].get("id", ""))
    roots = [model["id"] for model in models if model.get("object") == "model" and model.get("root") == model.get("id")]
    return str(roots[0]) if roots else ""


def cache_obstacle(name: str, cache_name: str, cache: Object | None) -> tuple[Object, tuple[str, str, str]] | None:
    """Status and event (type, reason, message) of a NIMService whose NIMCache isn't ready; None when it is."""
    if cache is None:
        message = f"NIMCache {cache_name} not found"
        return failed("NIMCacheNotFound", message), ("Warning", "Failed", message)
    state = cache.get("status", {}).get("state")
    if state == "Failed":
        message = next(
            (
                known["message"]
                for known in cache["status"].get("conditions", [])
                if (known["type"], known["status"]) == ("Failed", "True")
            ),
            "",
        )
        return failed("NIMCacheFailed", message), ("Warning", "Failed", message)
    if state != "Ready":
        message = f"NIMCache {cache_name} not ready"
        event = ("Normal", "NotReady", f"NIMService {name} not ready yet, msg: {message}")
        return not_ready("NIMCacheNotReady", message), event
    return None
