"""The client of a workspace, and how its refusals become one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import DatabricksError

from operate.errors import OperateError

__all__ = ["WorkspaceClient", "check_stage", "connected", "line_of", "told"]
SYSTEM = "cdh-mlops"
# How long a workspace that does not answer is asked again.
PATIENCE_SECONDS = 60


def line_of(error: Exception) -> str:
    """What an error says, on one line, without the client's own configuration that the SDK appends."""
    return " ".join(str(error).split()).partition(" Config: ")[0]


@contextmanager
def told() -> Iterator[None]:
    """Turn what the client raises into an `OperateError` of one line."""
    try:
        yield
    except DatabricksError as error:
        code = f" ({error.error_code})" if error.error_code else ""
        raise OperateError(line_of(error) + code) from None
    except (TimeoutError, ConnectionError) as error:
        raise OperateError(f"the workspace does not answer: {error}") from None


def connected(host: str = "", token: str = "", *, patience: int = PATIENCE_SECONDS) -> WorkspaceClient:
    """A client; without host and token from the environment or a profile, as the SDK's own default has it."""
    try:
        if not host:
            return WorkspaceClient(config=Config(retry_timeout_seconds=patience))
        # Whatever else the environment says of authentication is for another workspace.
        return WorkspaceClient(config=Config(host=host, token=token, auth_type="pat", retry_timeout_seconds=patience))
    except (ValueError, DatabricksError, OSError) as error:
        raise OperateError(f"no way into the workspace: {line_of(error)}; set DATABRICKS_HOST and sign in") from None


def check_stage(client: WorkspaceClient, stage: str) -> None:
    """`OperateError` unless the workspace holds this stage: the tags of the jobs that one may see say so."""
    with told():
        for job in client.jobs.list():
            tags = (job.settings.tags if job.settings else None) or {}
            if tags.get("system") != SYSTEM:
                continue
            if tags.get("stage") == stage:
                return
            raise OperateError(
                f"{client.config.host} holds stage {tags.get('stage')!r}, not {stage!r}; "
                f"set DATABRICKS_HOST to the workspace of {stage}"
            )
    raise OperateError(
        f"no job of {SYSTEM} is visible at {client.config.host}: deploy {stage}, or ask for CAN_VIEW on its jobs"
    )
