"""States, conditions and messages in the status of a NIMService."""

from typing import Any

from local.nim_operator.children import Object

Condition = dict[str, str]


def rollout(deployment: Object | None) -> tuple[str, bool]:
    """The message about a Deployment, and whether it is fully rolled out.

    Like the real one, it ignores observedGeneration: shortly after a change the result can be about the previous spec.
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
    """The message about a LeaderWorkerSet, and whether its groups are ready. No recording has it.

    With `parallelism.pipeline: 1` the real one never becomes ready.
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


def ready_status(message: str, model: dict[str, str]) -> Object:
    """Status of a NIMService whose model answers."""
    return {
        "state": "Ready",
        "model": model,
        "conditions": [condition("Ready", "True", "Ready", message), condition("Failed", "False", "Ready", "")],
    }


def not_ready_status(reason: str, message: str) -> Object:
    """Status of a NIMService that is not ready yet. Recorded: its condition Failed has reason Ready."""
    return {
        "state": "NotReady",
        "conditions": [condition("Ready", "False", reason, message), condition("Failed", "False", "Ready", message)],
    }


def failed_status(reason: str, message: str) -> Object:
    """Status of a NIMService of which a child can't be written."""
    return {
        "state": "Failed",
        "conditions": [condition("Ready", "False", "Failed", ""), condition("Failed", "True", reason, message)],
    }


def claim_created_status(previous: Object) -> Object:
    """Status after the claim was created: the previous conditions and one more."""
    made = condition("NIM_CACHE_PVC_CREATED", "True", "PVCCreated", "The PVC has been created for storing NIM")
    others = [known for known in previous.get("conditions", []) if known["type"] != made["type"]]
    return {"state": "PVC-Created", "conditions": [*others, made]}


def condition(type_: str, status: str, reason: str, message: str) -> Condition:
    """A condition without lastTransitionTime."""
    return {"type": type_, "status": status, "reason": reason, "message": message}


def add_transition_times(status: Object, previous: Object, now: str) -> Object:
    """Add lastTransitionTime to each condition: the previous one if the condition's status is the same, else `now`."""
    times = {(known["type"], known["status"]): known["lastTransitionTime"] for known in previous.get("conditions", [])}
    conditions = [
        {"lastTransitionTime": times.get((made["type"], made["status"]), now), **made} for made in status["conditions"]
    ]
    return {**status, "conditions": conditions}


def is_same(status: Object, previous: Object) -> bool:
    """Whether a merge patch of `previous` with `status` would change nothing."""
    return all(previous.get(key) == value for key, value in status.items())


def model_name(answer: Any) -> str:
    """The model's name in a response to GET /v1/models; empty if the real one finds none."""
    if not isinstance(answer, dict) or answer.get("object") != "list":
        return ""
    models = answer.get("data") or []
    if len(models) == 1:
        return str(models[0].get("id", ""))
    roots = [model["id"] for model in models if model.get("object") == "model" and model.get("root") == model.get("id")]
    return str(roots[0]) if roots else ""


def cache_obstacle(name: str, cache_name: str, cache: Object | None) -> tuple[Object, tuple[str, str, str]] | None:
    """Status and Event (type, reason, message) of a NIMService whose NIMCache is not ready; None if it is."""
    if cache is None:
        message = f"NIMCache {cache_name} not found"
        return failed_status("NIMCacheNotFound", message), ("Warning", "Failed", message)
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
        return failed_status("NIMCacheFailed", message), ("Warning", "Failed", message)
    if state != "Ready":
        message = f"NIMCache {cache_name} not ready"
        event = ("Normal", "NotReady", f"NIMService {name} not ready yet, msg: {message}")
        return not_ready_status("NIMCacheNotReady", message), event
    return None
