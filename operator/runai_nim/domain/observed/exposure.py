"""Hosts of a route: an Ingress, HTTPRoute or GRPCRoute in the API's representation."""

from runai_nim.api.resources import ObjectView


def hosts_of(route: ObjectView) -> frozenset[str]:
    """The hosts that the route names; empty if it uses those of its Gateway, or any host. Never raises."""
    spec = route.get("spec")
    if not isinstance(spec, dict):
        return frozenset()
    names = spec.get("hostnames")
    rules = spec.get("rules")
    hosts = [*names] if isinstance(names, list) else []
    hosts += [rule.get("host") for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []
    return frozenset(host for host in hosts if isinstance(host, str) and host)
