"""Which workspace a command works on: the one on Azure that the environment names, or the sandbox's, by its REST door.

The one place that knows both; all that is done with the client is in `operate`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.errors import UsageError
from cli.house import House
from cli.people import people
from sandbox.rest.announced import living
from sandbox.rest.tokens import DEPLOYER, Tokens
from sandbox.workspace import Workspace, workspace_of

if TYPE_CHECKING:
    from operate.connection import WorkspaceClient

# How often a run is looked at: a local door answers in milliseconds, Azure counts requests.
SANDBOX_POLL, AZURE_POLL = 0.25, 4.0
# A local door answers at once or not at all.
PATIENCE = 10


@dataclass(frozen=True, kw_only=True)
class Where:
    """What a person says of a workspace. principal: whose eyes to see with, in the sandbox; "" for who deploys."""

    stage: str
    azure: bool = False
    principal: str = ""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A client for the time of a command. ours: whether what it starts ends with this process."""

    client: WorkspaceClient
    catalog: str
    poll: float
    ours: bool


@contextmanager
def opened(where: Where) -> Iterator[Opened]:
    """A client of the stage's workspace; `UsageError`, `SandboxError` or `OperateError` say why there is none."""
    if where.azure:
        with _azure(where) as found:
            yield found
    else:
        house = House()
        with of_sandbox(workspace_of(house.home, house.out, where.stage), where.principal) as found:
            yield found


@contextmanager
def of_sandbox(workspace: Workspace, principal: str = "", **door: object) -> Iterator[Opened]:
    """A client of a local workspace: of its door that is open (`mlops serve`), else of one opened for this command."""
    with _door(workspace, door) as (host, ours):
        from operate.connection import connected

        token = Tokens(workspace).named(principal or DEPLOYER).token
        _past_proxies()
        client = connected(host, token, patience=PATIENCE)
        yield Opened(client=client, catalog=workspace.catalog, poll=SANDBOX_POLL, ours=ours)


@contextmanager
def _azure(where: Where) -> Iterator[Opened]:
    from infra.stages import STAGES, StageName
    from operate.connection import check_stage, connected

    if where.principal:
        raise UsageError("--as is for the sandbox; on Azure you are who you signed in as")
    valid = [name.value for name in StageName]
    if where.stage not in valid:
        raise UsageError(f"stage '{where.stage}' is unknown; valid: {', '.join(valid)}")
    client = connected()
    check_stage(client, where.stage)
    yield Opened(client=client, catalog=STAGES[StageName(where.stage)].catalog, poll=AZURE_POLL, ours=False)


@contextmanager
def _door(workspace: Workspace, door: dict[str, object]) -> Iterator[tuple[str, bool]]:
    host = living(workspace)
    if host is not None:
        yield host, False
        return
    from sandbox.rest.server import serving

    # `door` holds keywords of it, of several types.
    with serving(workspace, House().cache, people(workspace), **door) as served:  # type: ignore[arg-type]
        yield served.host, True


def _past_proxies() -> None:
    """Loopback is never asked for through a proxy, whatever the person's environment says."""
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [one for one in os.environ.get(name, "").split(",") if one]
        if "127.0.0.1" not in hosts:
            os.environ[name] = ",".join([*hosts, "127.0.0.1"])
