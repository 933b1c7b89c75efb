"""How a workspace stands: what is deployed, what runs, how each job ended last, which versions are champions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service import catalog as unity
from databricks.sdk.service import jobs

from operate.connection import line_of, told
from operate.runs import Run, Runs, Task

CHAMPION = "champion"


@dataclass(frozen=True, kw_only=True)
class JobStatus:
    """A job that one may see. code: the tag of the code that it runs. last: its newest run, if there is one."""

    name: str
    code: str
    last: Run | None

    @property
    def conditions(self) -> tuple[Task, ...]:
        """What the last run decided: its condition tasks, such as whether monitoring wants retraining."""
        return tuple(one for one in (self.last.tasks if self.last else ()) if one.outcome is not None)


@dataclass(frozen=True, kw_only=True)
class ModelStatus:
    """A registered model. champion: the version that its alias names. unknown: why that could not be read, or ""."""

    name: str
    champion: int | None
    unknown: str = ""


@dataclass(frozen=True, kw_only=True)
class Status:
    """A workspace as one principal sees it. schemas: of the catalog."""

    host: str
    who: str
    catalog: str
    schemas: tuple[str, ...]
    jobs: tuple[JobStatus, ...]
    active: tuple[Run, ...]
    models: tuple[ModelStatus, ...]


def status(client: WorkspaceClient, catalog: str) -> Status:
    """How the workspace stands, as far as the client's principal may see."""
    runs = Runs(client)
    with told():
        deployed = sorted(client.jobs.list(), key=lambda one: (one.settings and one.settings.name) or "")
        return Status(
            host=client.config.host or "",
            who=client.current_user.me().user_name or "",
            catalog=catalog,
            schemas=tuple(sorted(one.name or "" for one in _schemas(client, catalog))),
            jobs=tuple(_job(runs, one) for one in deployed),
            active=tuple(runs.active()),
            models=tuple(sorted(_models(client, catalog), key=lambda one: one.name)),
        )


def _job(runs: Runs, found: jobs.BaseJob) -> JobStatus:
    settings = found.settings or jobs.JobSettings()
    tags = settings.tags or {}
    return JobStatus(name=settings.name or "", code=tags.get("code", ""), last=runs.last_of(found.job_id or 0))


def _schemas(client: WorkspaceClient, catalog: str) -> Iterator[unity.SchemaInfo]:
    try:
        yield from client.schemas.list(catalog)
    except DatabricksError:
        # Who may not use the catalog sees none of its schemas.
        return


def _models(client: WorkspaceClient, catalog: str) -> Iterator[ModelStatus]:
    # "If specified, schema_name must be specified": so all of the metastore, of which those of the catalog are ours.
    for one in client.registered_models.list():
        name = one.full_name or ""
        if name.partition(".")[0] != catalog:
            continue
        try:
            aliases = client.registered_models.get(name, include_aliases=True).aliases or []
        except DatabricksError as error:
            yield ModelStatus(name=name, champion=None, unknown=line_of(error))
            continue
        yield ModelStatus(
            name=name, champion=next((alias.version_num for alias in aliases if alias.alias_name == CHAMPION), None)
        )
