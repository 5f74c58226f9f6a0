from runai_nim.config.permissions import PERMISSIONS, Access, required_access
from runai_nim.kube.leader_election import LEASE_NAME


def test_in_every_namespace_and_without_an_election() -> None:
    wanted = [
        Access(verb, one.group, one.resource, "") for one in PERMISSIONS for verb in one.verbs if one.scope == "cluster"
    ]

    assert list(required_access((), None)) == wanted
    assert Access("watch", "", "namespaces", "") in wanted


def test_in_listed_namespaces_and_with_an_election() -> None:
    found = list(required_access(("a", "b"), "system"))

    assert len(found) == len(set(found))
    assert {access.verb for access in found if access.resource == "namespaces"} == {"get"}
    assert {access.namespace for access in found if access.resource == "leases"} == {"system"}
    assert {access.namespace for access in found if access.resource != "leases"} == {"a", "b"}
    # Without watch on namespaces, get on priorityclasses, and list, watch and patch for the cluster's policies.
    assert sum(access.namespace == "a" for access in found) == len(list(required_access((), None))) - 5
    assert not any(access.resource.startswith(("priorityclasses", "clusterrunainimpolicies")) for access in found)


def test_an_access_is_named_as_kubectl_does() -> None:
    assert str(Access("list", "", "pods", "")) == "list pods"
    assert str(Access("patch", "runai-nim.io", "runainimservices/status", "a")) == (
        "patch runainimservices/status.runai-nim.io in namespace a"
    )
    assert str(Access("patch", group="coordination.k8s.io", resource="leases", namespace="a", name="mine")) == (
        "patch leases.coordination.k8s.io mine in namespace a"
    )


def test_of_leases_only_its_own_is_asked_for() -> None:
    (lease,) = {access.name for access in required_access((), "system") if access.resource == "leases"}

    assert lease == LEASE_NAME
    assert {access.name for access in required_access((), "system") if access.resource != "leases"} == {""}


def test_what_it_can_do_without_is_to_read_whose_an_object_is_and_why_something_is_stuck() -> None:
    optional = {access for access in required_access((), "system") if access.optional}

    assert {access.resource for access in optional if access.verb != "get"} == {"events", "horizontalpodautoscalers"}
    assert {access.verb for access in optional} == {"get", "list", "watch"}
    assert len(optional) == 13
    assert not any(access.resource in ("nimservices", "runainimservices", "leases") for access in optional)
    assert Access("get", "", "services", "team-a").optional
    assert not Access("list", "", "services", "").optional
