"""One deployed stage, as the commands use it: terraform on one side, servers and jobs on the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cli.errors import UsageError
from cli.house import House
from cli.summary import Zone
from sandbox.delivery import deliver
from sandbox.runner import Event, RunResult, TaskFinished, TaskStarted, run_job
from sandbox.services import Services
from sandbox.terraform import Terraform
from sandbox.workspace import Workspace
from workflows.source import Source

Say = Callable[[str], None]


@dataclass
class Stage:
    """A stage by name; servers start when they are first needed and end with `close`."""

    house: House
    name: str
    _services: Services | None = field(default=None, init=False)

    @property
    def terraform(self) -> Terraform:
        """The real terraform, on this machine's workspaces."""
        return Terraform(home=self.house.home, repo=self.house.root)

    @property
    def workspace(self) -> Workspace:
        """The stage's workspace."""
        return self.terraform.workspace(self.name)

    @property
    def services(self) -> Services:
        """The stage's servers."""
        if self._services is None:
            self._services = Services(self.workspace, self.house.cache)
        return self._services

    @property
    def stack(self) -> Path:
        """What was synthesized for the stage."""
        return self.house.out / "stacks" / self.name / "cdk.tf.json"

    def warm_up(self) -> None:
        """Start the servers while terraform works."""
        self.services.start_mlflow()
        self.services.start_spark()
        # The provider finds the server by the address that asking for it records.
        _ = self.services.mlflow_uri

    def deploy(self, say: Say, *, synthesized: bool = False) -> None:
        """`cdktf deploy`; of what is already synthesized, if the caller has just done that."""
        self.terraform.deploy(self.name, say, synthesized=synthesized)

    def changes(self) -> int:
        """How many resources a second plan would change."""
        return self.terraform.plan(self.name).changes

    def resources(self) -> int:
        """How many resources are deployed."""
        return len(self.workspace.store.list())

    def deliver(self, source: Source, folder: Path) -> Mapping[str, int]:
        """Write the curated tables; the Delta version of each."""
        tables = {}
        for delivery in source.deliveries:
            there = [name for name in delivery.files if (folder / name).is_file()]
            tables[delivery.table] = (there[:1], delivery.member)
        return deliver(self.workspace, self.services, source.name, tables, folder)

    def run(self, job: str, say: Say, **parameters: str) -> RunResult:
        """Run a deployed job; raises UsageError with the first reason when it fails."""

        def watch(event: Event) -> None:
            if isinstance(event, TaskStarted):
                say(f"{event.job}: {event.task}" + (f", attempt {event.attempt}" if event.attempt > 1 else ""))
            elif isinstance(event, TaskFinished) and event.result == "FAILED":
                say(f"{event.job}: {event.task} failed: {event.reason}")

        result = run_job(self.workspace, self.services, job, parameters, watch)
        if result.result != "SUCCESS":
            raise UsageError(f"{self.name}: {job} (run {result.run_id}) ended {result.result}: {result.reason}")
        return result

    def zone(self, schema: str) -> Zone:
        """The Delta tables of one schema."""
        return Zone(self.workspace.warehouse / schema)

    def close(self) -> None:
        """End the servers."""
        if self._services is not None:
            self._services.__exit__(None, None, None)
            self._services = None
