"""The record of checks against the deployed grants: what each grant of a service principal was needed for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.grants.policy import OWNER, Policy
from sandbox.grants.published import grants_of
from sandbox.grants.record import Check, checks
from sandbox.workspace import Workspace

Grant = tuple[str, str, str]
"""(principal, privilege or level, securable such as ``schema/cdh_dev.ml``)"""


@dataclass
class Use:
    """What was asked of one grant.

    needed: checks that nothing else would have passed. covered: checks that ownership or another grant passes too.
    """

    grant: Grant
    needed: list[Check] = field(default_factory=list)
    covered: list[Check] = field(default_factory=list)


def replay(workspace: Workspace) -> dict[Grant, Use]:
    """What every grant and permission of the workspace's service principals was used for, by grant."""
    published = grants_of(workspace)
    principals = {one.body["application_id"] for one in workspace.store.list("databricks_service_principal")}
    uses = {grant: Use(grant) for grant in declared(published) if grant[0] in principals}
    policy = Policy(published)
    for check in checks(workspace):
        if not check.allowed or policy.trusts(check.principal):
            continue
        reasons = policy.reasons(check.principal, check.need, check.owner)
        for reason in reasons:
            if reason[1] != OWNER and reason in uses:
                (uses[reason].needed if len(reasons) == 1 else uses[reason].covered).append(check)
    return uses


def declared(published: Mapping[str, Any]) -> list[Grant]:
    """Every grant and permission that is deployed."""
    found = [
        (principal, privilege, securable)
        for securable, given in published["grants"].items()
        for principal, privileges in given.items()
        for privilege in privileges
    ]
    levels = published["permissions"].items()
    return found + [(principal, level, place) for place, given in levels for principal, level in given.items()]


def table(workspace: Workspace) -> list[str]:
    """One line a grant: who, what, on what, and the first task that needed it."""
    names = {
        one.body["application_id"]: str(one.body["display_name"])
        for one in workspace.store.list("databricks_service_principal")
    }
    lines = []
    for (principal, privilege, securable), use in sorted(replay(workspace).items(), key=lambda one: json.dumps(one[0])):
        asked = use.needed or use.covered
        how = "needed by" if use.needed else "covered, asked by" if use.covered else "nobody asked"
        told = f"{how} run {asked[0].run}, {asked[0].task}" if asked else how
        lines.append(f"{names[principal]:<24} {privilege:<22} {securable:<50} {told}")
    return lines
