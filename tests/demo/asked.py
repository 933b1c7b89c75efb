"""The rights of service principals as rows of `infra.roles`, and which of them a demo's record asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from needed_rights import thing as named

from infra.roles import On, Principal
from sandbox.grants.replay import Grant, replay
from sandbox.workspace import Workspace
from workflows.sources import names

SOURCES = names()
STAGES = ("dev", "validation", "prod")
Right = tuple[Principal, On, str]


def workspaces(home: Path) -> list[Workspace]:
    return [Workspace(home / f"dbw-cdh-{stage}") for stage in STAGES]


def thing(securable: str) -> On:
    """What a securable is, by the names that the platform gives them."""
    return On[named(securable, SOURCES)]


def right(workspace: Workspace, grant: Grant) -> Right:
    principals = {
        one.body["application_id"]: one.body["display_name"]
        for one in workspace.store.list("databricks_service_principal")
    }
    return Principal(principals[grant[0]].rpartition("-")[0]), thing(grant[2]), grant[1]


def rights(homes: Iterable[Path]) -> tuple[set[Right], set[Right]]:
    """(needed, not needed) over all stages: a right that one stage, source or model needed is needed."""
    needed: set[Right] = set()
    every: set[Right] = set()
    for home in homes:
        for workspace in workspaces(home):
            for grant, use in replay(workspace).items():
                every.add(right(workspace, grant))
                if use.needed:
                    needed.add(right(workspace, grant))
    return needed, every - needed
