"""The one stack class: everything of one stage but its Azure layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from cdktf import AzurermBackend, TerraformStack
from constructs import Construct

from infra import names, retirement
from infra.clusters import Cluster
from infra.constructs.access import Access
from infra.constructs.artifacts import Artifacts
from infra.constructs.compute import Compute
from infra.constructs.endpoint import Endpoint
from infra.constructs.folder import Folders
from infra.constructs.groups import Groups
from infra.constructs.monitor import PredictionsMonitor
from infra.constructs.pipeline import Pipeline
from infra.constructs.principals import Principals
from infra.constructs.registry import Registry
from infra.constructs.secrets import Secrets
from infra.constructs.sql import SqlCompute
from infra.constructs.storage import Storage
from infra.constructs.warehouse import Warehouse
from infra.constructs.watch import Alerts, Status
from infra.delivery import Delivery
from infra.inputs import LABEL, Inputs
from infra.names import Addresses
from infra.pipelines import JobPlan, jobs
from infra.providers import DatabricksProvider
from infra.stages import Stage
from infra.starts import awaited
from infra.zones import as_of_days, zones
from workflows.declare import Batch, Online
from workflows.discover import Catalogue
from workflows.errors import DeclarationError


def check_entry_points(plan: JobPlan, known: frozenset[str]) -> None:
    """Raise unless the wheel has every entry point that a job's tasks ask for."""
    for task in plan.tasks:
        if task.entry_point and task.entry_point not in known:
            where = f"{plan.name}.{task.key}"
            raise DeclarationError(where, "entry_point", task.entry_point, sorted(known), "jobs/entry_points.py")


def checked_live(stage: Stage, catalogue: Catalogue, inputs: Inputs) -> Mapping[str, int]:
    """The stage's live models; one that nobody declares is refused."""
    live = inputs.live[stage.name]
    for name in live:
        if name not in catalogue.models:
            valid = sorted(catalogue.models) or "none: no model is declared"
            raise DeclarationError(stage.name.value, "live", name, valid, LABEL)
    return live


class StageStack(TerraformStack):
    """principals, storage, groups, warehouse, artifacts, compute, folders, secrets, sql, alerts, status;
    registries by model; pipelines by job name; monitors and endpoints by live model.

    destroyed: retired declarations whose data shall go, too.
    """

    def __init__(self, scope: Construct, *, stage: Stage, catalogue: Catalogue, clusters: Mapping[str, Cluster],
                 delivery: Delivery, inputs: Inputs, dist: str, destroyed: Collection[str] = ()) -> None:  # fmt: skip
        super().__init__(scope, stage.name.value)
        self.addresses = addresses = Addresses()
        # Not proved here: the azurerm backend. Why: the sandbox replaces it by a local one, in an override file beside
        # the same `cdk.tf.json`. On Azure: `terraform init` in the stack's folder.
        AzurermBackend(
            self, resource_group_name=names.state_group(stage),
            storage_account_name=names.state_account(stage, inputs.azure.name_suffix),
            container_name=names.STATE, key=f"{stage.name.value}.tfstate", use_azuread_auth=True,
        )  # fmt: skip
        DatabricksProvider(
            self, "databricks",
            azure_workspace_resource_id=names.workspace_resource_id(stage, inputs.subscription_id),
        )  # fmt: skip
        self.principals = Principals(self, "principals", stage=stage, inputs=inputs, addresses=addresses)
        self.access = Access(self, "access", stage=stage, principals=self.principals, addresses=addresses)
        self.storage = Storage(
            self, "storage", stage=stage, inputs=inputs, principals=self.principals, access=self.access,
            addresses=addresses,
        )  # fmt: skip
        plans = zones(catalogue, stage)
        self.warehouse = Warehouse(
            self, "warehouse", stage=stage, inputs=inputs, plans=plans, principals=self.principals,
            storage=self.storage, access=self.access, addresses=addresses,
        )  # fmt: skip
        self.artifacts = Artifacts(
            self, "artifacts", stage=stage, delivery=delivery, dist=dist, storage=self.storage,
            warehouse=self.warehouse, principals=self.principals, access=self.access, addresses=addresses,
        )  # fmt: skip
        self.compute = Compute(self, "compute", stage=stage, clusters=clusters, access=self.access, addresses=addresses)
        self.folders = Folders(self, "folders", stage=stage, access=self.access, addresses=addresses)
        self.registries = {
            model.name: Registry(
                self, f"registry_{model.name}", stage=stage, model=model, folder=self.folders.experiments,
                warehouse=self.warehouse, principals=self.principals, access=self.access, addresses=addresses,
            )
            for model in catalogue.models.values()
        }  # fmt: skip
        live = checked_live(stage, catalogue, inputs)
        # Who only answers online predicts into no table, and its monitor job has nothing to observe.
        scored = [name for name in live if any(isinstance(one, Batch) for one in catalogue.models[name].serve)]
        self.add_platform(stage, inputs, scored)
        self.add_live(stage, catalogue, inputs, live)
        self.pipelines: dict[str, Pipeline] = {}
        for plan in (plan for one in catalogue.declarations for plan in jobs(one)):
            check_entry_points(plan, delivery.entry_points)
            self.pipelines[plan.name] = Pipeline(
                self, f"pipeline_{plan.name}", stage=stage, plan=plan, code=delivery.code,
                alert_address=inputs.alert_address, artifacts=self.artifacts, compute=self.compute,
                principals=self.principals, access=self.access, addresses=addresses, others=self.pipelines,
                as_of_days=as_of_days(plans, stage, declared=plan.declared, source=plan.source),
                awaits=awaited(plan, catalogue, live),
            )  # fmt: skip
        # Not in the binding: what a retired declaration left is forgotten by terraform, and stays.
        if forgotten := retirement.forgotten(catalogue, stage, destroyed):
            self.add_override("removed", [{"from": one, "lifecycle": {"destroy": False}} for one in forgotten])

    def add_platform(self, stage: Stage, inputs: Inputs, scored: Sequence[str]) -> None:
        """What a workspace has once. scored: the live models that its alerts and its dashboard read about."""
        addresses = self.addresses
        self.groups = Groups(self, "groups", stage=stage, inputs=inputs, addresses=addresses)
        self.secrets = Secrets(self, "secrets", stage=stage, inputs=inputs, permitted=self.access, addresses=addresses)
        self.sql = SqlCompute(self, "sql", stage=stage, access=self.access, addresses=addresses)
        self.alerts = Alerts(
            self, "alerts", stage=stage, models=scored, alert_address=inputs.alert_address, sql=self.sql,
            folders=self.folders, principals=self.principals, addresses=addresses,
        )  # fmt: skip
        self.status = Status(
            self, "status", stage=stage, models=scored, sql=self.sql, folders=self.folders, access=self.access,
            addresses=addresses,
        )  # fmt: skip

    def add_live(self, stage: Stage, catalogue: Catalogue, inputs: Inputs, live: Mapping[str, int]) -> None:
        """What needs a model's tables or a version of it to be there."""
        models = {name: catalogue.models[name] for name in live}
        self.monitors = {
            name: PredictionsMonitor(
                self, f"monitor_{name}", stage=stage, model=model, alert_address=inputs.alert_address,
                folders=self.folders, addresses=self.addresses,
            )
            for name, model in models.items() if any(isinstance(one, Batch) for one in model.serve)
        }  # fmt: skip
        self.endpoints = {
            name: Endpoint(
                self, f"endpoint_{name}", stage=stage, model=model, online=online, version=live[name],
                alert_address=inputs.alert_address, registry=self.registries[name], access=self.access,
                addresses=self.addresses,
            )
            for name, model in models.items() for online in model.serve if isinstance(online, Online)
        }  # fmt: skip
