"""Hosts of a route, ours or anybody's: an Ingress, HTTPRoute or GRPCRoute as the API gives it. Values only."""

from runai_nim.api.resources import ObjectView


def hosts_of(route: ObjectView) -> frozenset[str]:
    """The hosts that it names; none where it takes those of its Gateway, or any. Never raises."""
    spec = route.get("spec")
    if not isinstance(spec, dict):
        return frozenset()
    names, rules = spec.get("hostnames"), spec.get("rules")
    hosts = [*names] if isinstance(names, list) else []
    hosts += [rule.get("host") for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    return frozenset(host for host in hosts if isinstance(host, str) and host)
