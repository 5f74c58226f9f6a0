"""Decides which policies a resource is rendered under: those of today, or those under which its spec was accepted.

A change of a policy must not restart models that run. So what was in force when a spec was accepted stays in force for
it until the spec changes, unless a policy says `enforcement: Immediate`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from runai_nim.api.desired_phase import RUNNING, STOPPED
from runai_nim.api.resources import ObjectView
from runai_nim.domain import names
from runai_nim.domain.finding import Finding
from runai_nim.domain.policy.bounds import shown
from runai_nim.domain.policy.compile import CompiledPolicies, combine
from runai_nim.domain.policy.effective import EffectiveSpec, effective_spec, own_spec
from runai_nim.domain.policy.policy import Policy, ValueOrigin
from runai_nim.domain.policy.precedence import remaining

_SCALING: Final = frozenset({"replicas", "desiredPhase"})
"""Fields that scale and stop a service."""


@dataclass(frozen=True, slots=True)
class AcceptedSpec:
    """A spec that was accepted, and what was in force then.

    `digest`: of the resource's own spec without what stops and scales it. `phase`: the desired one, Running or Stopped.
    `own_replicas`: the number there, None without one; `replicas`: with defaults, None with autoscaling. `policies`:
    those in force, reduced to what gives values.
    """

    digest: str
    phase: str
    own_replicas: int | None
    replicas: int | None
    policies: tuple[Policy, ...]

    def covers(self, own: Mapping[str, Any]) -> bool:
        """Whether it is the accepted spec, or stopped, or with fewer replicas: a model can always be stopped."""
        if _phase_of(own) not in (self.phase, STOPPED):
            return False
        number = own.get("replicas")
        if number != self.own_replicas:
            is_fewer = isinstance(number, int) and self.replicas is not None and number <= self.replicas
            if not is_fewer:
                return False
        return digest_of(own) == self.digest


@dataclass(frozen=True, slots=True)
class Enforcement:
    """The policies of a resource: `current` are those of its namespace, `in_force` those that it is rendered under.

    `accepted`: what its spec was accepted under earlier, if that stays in force.
    """

    current: CompiledPolicies
    in_force: CompiledPolicies
    accepted: AcceptedSpec | None = None


@dataclass(frozen=True, slots=True)
class Compliance:
    """How a resource meets the policies of today.

    `policies`: those that it is rendered under. `violations`: rules of today that it breaks. `changes`: what else would
    change with the next change of its spec, such as `spec.image would be "b" instead of "a"`.
    """

    policies: tuple[Policy, ...]
    violations: tuple[Finding, ...]
    changes: tuple[str, ...]


def digest_of(own: Mapping[str, Any]) -> str:
    """Identifies a spec, whether it is stopped or not, and whatever its replicas.

    Whoever wrote the spec must find no other one with the same digest, which would go round the policies.
    """
    return names.content_digest({name: value for name, value in own.items() if name not in _SCALING})


def _phase_of(own: Mapping[str, Any]) -> str:
    return str(own.get("desiredPhase", RUNNING))


def accepted_before(resource: ObjectView, revisions: Iterable[AcceptedSpec]) -> AcceptedSpec | None:
    """What the spec was accepted under: a revision that covers it, or no policy at all by the status.

    The status tells of specs that were accepted before there were policies. None for a spec that is new.
    """
    own = own_spec(resource)
    if not isinstance(own, Mapping):
        return None
    for revision in revisions:
        if revision.covers(own):
            return revision
    if not _was_accepted_without_policies(resource):
        return None
    return _accepted(own, own, ())


def _was_accepted_without_policies(resource: ObjectView) -> bool:
    status = resource.get("status") or {}
    if "policies" in status:
        return False
    generation = resource["metadata"].get("generation")
    return any(
        condition["type"] == "Translated"
        and condition["status"] == "True"
        and condition.get("observedGeneration") == generation
        for condition in status.get("conditions") or ()
    )


def enforce(current: CompiledPolicies, accepted: AcceptedSpec | None) -> Enforcement:
    """The policies in force for a resource whose spec is new, or was `accepted`."""
    if accepted is None:
        return Enforcement(current, current)
    immediate = [policy for policy in current.policies if policy.enforcement == "Immediate"]
    rejected = frozenset(one.policy.key for one in current.rejected)
    new = tuple(policy for policy in immediate if policy.key not in rejected)
    kept = _yielding_to(new, accepted.policies, current)
    last_valid = tuple(_as_kept(policy, kept) for policy in immediate if policy.key in rejected)
    kept = _yielding_to(last_valid, kept, current)
    return Enforcement(current, _combined(kept, (*new, *last_valid)), accepted)


def _yielding_to(
    immediate: tuple[Policy, ...], kept: tuple[Policy, ...], current: CompiledPolicies
) -> tuple[Policy, ...]:
    """What is kept, without what these policies give now."""
    if not immediate:
        return kept
    given = _given(current, frozenset(policy.origin for policy in immediate))
    return tuple(_without(policy, given) for policy in kept)


def _as_kept(policy: Policy, kept: Iterable[Policy]) -> Policy:
    """A last valid version with the values that are kept of it.

    A wider policy that closes one of its fields takes the default away, and need not be immediate itself.
    """
    known = next((one for one in kept if one.key == policy.key), None)
    if known is None:
        return policy
    return replace(policy, defaults=known.defaults, rules=_merged(known.rules, policy.rules))


def _merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Rules of both; where both have one, `other`'s."""
    found = {**one, **other}
    for name in (one.keys() & other.keys()) - {"defaultFrom"}:
        found[name] = _merged(one[name], other[name])
    return found


def _given(current: CompiledPolicies, origins: frozenset[ValueOrigin]) -> frozenset[str]:
    """Paths of fields and `path/name` of items whose default is from one of these policies."""
    attributes = (attribute for items in current.items for attribute in items.attributes.values())
    fields = (*current.defaults, *current.derived, *attributes)
    items = (
        f"{items.path}/{name}"
        for items in current.items
        for name, (_, origin) in items.instances.items()
        if origin in origins
    )
    return frozenset((*(field.path for field in fields if field.origin in origins), *items))


def _without(policy: Policy, given: frozenset[str]) -> Policy:
    """The policy without the defaults for these fields and items."""
    return replace(policy, defaults=remaining(policy.defaults, given), rules=remaining(policy.rules, given))


@lru_cache(maxsize=128)  # a policy's hash is that of its name, so versions of one are compared
def _combined(kept: tuple[Policy, ...], immediate: tuple[Policy, ...]) -> CompiledPolicies:
    """Immediate policies replace what is kept of them; each change of any policy makes few new combinations."""
    replaced = {policy.key for policy in immediate}
    remaining = (policy for policy in kept if policy.key not in replaced)
    return combine(sorted((*remaining, *immediate), key=lambda one: (one.scope.width, one.name)))


def compliance_of(resource: ObjectView, enforcement: Enforcement, rendered: EffectiveSpec) -> Compliance | None:
    """How a resource, as `rendered`, meets the policies of today; None without policies."""
    current = enforcement.current
    in_force = enforcement.in_force
    if not current.policies and not in_force.policies:
        return None
    if current is in_force:
        return Compliance(in_force.policies, rendered.findings, ())
    now = effective_spec(resource, current)
    return Compliance(in_force.policies, now.findings, tuple(_changes(rendered.spec, now.spec, "spec")))


def _changes(before: Any, after: Any, path: str) -> Iterable[str]:
    """Sentences about the fields that differ; of lists and of what may be secret without values."""
    if before == after:
        return
    if isinstance(before, Mapping | None) and isinstance(after, Mapping | None):
        for name in dict.fromkeys((*(before or {}), *(after or {}))):
            yield from _changes((before or {}).get(name), (after or {}).get(name), f"{path}.{name}")
        return
    old = shown(path, before)
    new = shown(path, after)
    if after is None:
        yield f"{path} would be left out" + (f' instead of "{old}"' if old else "")
    elif new is None:
        yield f"{path} would change"
    else:
        yield f'{path} would be "{new}"' + (f' instead of "{old}"' if old else "")


def giving_values(policies: Iterable[Policy]) -> tuple[Policy, ...]:
    """The policies reduced to what gives values: their defaults, and rules that derive one."""
    return tuple(replace(policy, rules=_deriving(policy.rules), selector=None) for policy in policies)


def _deriving(rules: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, rule in rules.items():
        if not isinstance(rule, Mapping):
            continue
        if "defaultFrom" in rule:
            found[name] = {"defaultFrom": rule["defaultFrom"]}
        elif inner := _deriving(rule):
            found[name] = inner
    return found


def accept(resource: ObjectView, enforcement: Enforcement, rendered: EffectiveSpec) -> AcceptedSpec | None:
    """What has to be kept of the policies if the rendered spec, which is valid, is accepted; None without policies."""
    own = own_spec(resource)
    if not isinstance(own, Mapping) or not (enforcement.current.policies or enforcement.in_force.policies):
        return None
    policies = giving_values(enforcement.in_force.policies)
    if enforcement.accepted is not None:
        return replace(enforcement.accepted, policies=policies)
    return _accepted(own, rendered.spec, policies)


def _accepted(own: Mapping[str, Any], rendered: Mapping[str, Any], policies: tuple[Policy, ...]) -> AcceptedSpec:
    """Of a valid spec."""
    return AcceptedSpec(
        digest_of(own),
        phase=_phase_of(own),
        own_replicas=own.get("replicas"),
        replicas=None if "autoscaling" in rendered else rendered.get("replicas", 1),
        policies=policies,
    )
