"""Many policies of one namespace: a bounded number is in force, and the rest says so."""

import time
from dataclasses import replace
from typing import Any

import yaml

from bench.translation import EVERY_FIELD, large_policies
from runai_nim.domain.policy import Policy, Scope, compile_policies
from runai_nim.domain.policy.compile import MAX_OF_PROJECT


def of_project(number: int, **content: Any) -> list[Policy]:
    return [Policy(f"p{index:04}", Scope.PROJECT, namespace="team-a", **content) for index in range(number)]


def test_no_more_than_the_first_ones_by_name_are_in_force() -> None:
    wide = [Policy(f"w{index}", Scope.CLUSTER) for index in range(MAX_OF_PROJECT + 1)]
    policies = of_project(MAX_OF_PROJECT + 2)

    compiled = compile_policies([*reversed(policies), *wide], {policies[-1].key: policies[-1]})

    assert compiled.policies == (*sorted(wide, key=lambda one: one.name), *policies[:MAX_OF_PROJECT])
    assert [(one.policy, one.finding.message) for one in compiled.rejected] == [
        (
            policy,
            f'metadata.name is "{policy.name}" but must be one of the first 32 policies of the namespace by name: merge'
            " it with another one",
        )
        for policy in policies[MAX_OF_PROJECT:]
    ]


def test_many_large_policies_take_little_time() -> None:
    spec = yaml.safe_load(EVERY_FIELD.read_text(encoding="utf-8"))["spec"]
    (large,) = large_policies(spec).policies
    policies = of_project(1000, defaults=large.defaults, rules=large.rules)

    def seconds() -> float:
        before = time.process_time()
        assert len(compile_policies(policies).policies) == MAX_OF_PROJECT
        return time.process_time() - before

    assert seconds() < 5  # 7 s for 32 before bounds were kept, and 31 s for 64
    policies[7] = replace(policies[7], enforcement="Immediate")
    assert seconds() < 1  # only the changed one is compared
