"""Policies: `effective_spec(resource, policies)` fills in defaults and checks rules, before validation.

A policy is checked by `check_policy` and combined with others by `compile_policies`, once; applying the result to a
resource is fast.
"""

from runai_nim.domain.policy.compile import CompiledPolicies, RejectedPolicy, compile_policies
from runai_nim.domain.policy.conflicts import check_policy
from runai_nim.domain.policy.effective import EffectiveSpec, effective_spec, own_spec
from runai_nim.domain.policy.policy import RESOURCE, Policy, Scope, ValueOrigin
from runai_nim.domain.policy.selection import PolicySet

__all__ = [
    "RESOURCE",
    "CompiledPolicies",
    "EffectiveSpec",
    "Policy",
    "PolicySet",
    "RejectedPolicy",
    "Scope",
    "ValueOrigin",
    "check_policy",
    "compile_policies",
    "effective_spec",
    "own_spec",
]
