"""Policies: `effective_spec(resource, policies)` fills in defaults and checks rules, before validation.

A policy is checked by `check_policy` and combined with others by `compile_policies`, once; applying the result to a
resource is fast.
"""

from runai_nim.domain.policy.compile import CompiledPolicies, RejectedPolicy, compile_policies
from runai_nim.domain.policy.conflicts import check_policy
from runai_nim.domain.policy.effective import EffectiveSpec, effective_spec, own_spec
from runai_nim.domain.policy.enforcement import (
    AcceptedSpec,
    Compliance,
    Enforcement,
    accept,
    accepted_before,
    compliance_of,
    enforce,
)
from runai_nim.domain.policy.policy import RESOURCE, Policy, Scope, ValueOrigin
from runai_nim.domain.policy.selection import PolicySet, concerns

__all__ = [
    "RESOURCE",
    "AcceptedSpec",
    "CompiledPolicies",
    "Compliance",
    "EffectiveSpec",
    "Enforcement",
    "Policy",
    "PolicySet",
    "RejectedPolicy",
    "Scope",
    "ValueOrigin",
    "accept",
    "accepted_before",
    "check_policy",
    "compile_policies",
    "compliance_of",
    "concerns",
    "effective_spec",
    "enforce",
    "own_spec",
]
