"""The one stack class: everything of one stage but its Azure layer."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf import AzurermBackend, TerraformStack
from constructs import Construct

from infra import names
from infra.clusters import Cluster
from infra.constructs.access import Access
from infra.constructs.artifacts import Artifacts
from infra.constructs.compute import Compute
from infra.constructs.pipeline import Pipeline
from infra.constructs.principals import Principals
from infra.constructs.registry import Folder, Registry
from infra.constructs.storage import Bindings, Storage
from infra.constructs.warehouse import Warehouse
from infra.delivery import Delivery
from infra.inputs import Inputs
from infra.names import Addresses
from infra.pipelines import JobPlan, jobs
from infra.providers import DatabricksProvider
from infra.stages import Stage
from infra.zones import as_of_days, zones
from workflows.discover import Catalogue
from workflows.errors import DeclarationError


def check_entry_points(plan: JobPlan, known: frozenset[str]) -> None:
    """Raise unless the wheel has every entry point that a job's tasks ask for."""
    for task in plan.tasks:
        if task.entry_point and task.entry_point not in known:
            where = f"{plan.name}.{task.key}"
            raise DeclarationError(where, "entry_point", task.entry_point, sorted(known), "jobs/entry_points.py")


class StageStack(TerraformStack):
    """principals, bindings, storage, warehouse, artifacts, compute, folder; registries by model; pipelines by job."""

    def __init__(self, scope: Construct, *, stage: Stage, catalogue: Catalogue, clusters: Mapping[str, Cluster],
                 delivery: Delivery, inputs: Inputs, dist: str) -> None:  # fmt: skip
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
        self.bindings = Bindings(self, "bindings", stage=stage, inputs=inputs, addresses=addresses)
        self.storage = Storage(
            self, "storage", stage=stage, inputs=inputs, principals=self.principals, access=self.access,
            bindings=self.bindings, addresses=addresses,
        )  # fmt: skip
        plans = zones(catalogue, stage)
        self.warehouse = Warehouse(
            self, "warehouse", stage=stage, plans=plans, principals=self.principals, storage=self.storage,
            access=self.access, bindings=self.bindings, addresses=addresses,
        )  # fmt: skip
        self.artifacts = Artifacts(
            self, "artifacts", stage=stage, delivery=delivery, dist=dist, storage=self.storage,
            warehouse=self.warehouse, principals=self.principals, access=self.access, addresses=addresses,
        )  # fmt: skip
        self.compute = Compute(self, "compute", stage=stage, clusters=clusters, access=self.access, addresses=addresses)
        self.folder = Folder(self, "folder", stage=stage, access=self.access, addresses=addresses)
        self.registries = {
            model.name: Registry(
                self, f"registry_{model.name}", stage=stage, model=model, folder=self.folder, warehouse=self.warehouse,
                principals=self.principals, access=self.access, addresses=addresses,
            )
            for model in catalogue.models.values()
        }  # fmt: skip
        self.pipelines: dict[str, Pipeline] = {}
        for plan in (plan for one in catalogue.declarations for plan in jobs(one)):
            check_entry_points(plan, delivery.entry_points)
            self.pipelines[plan.name] = Pipeline(
                self, f"pipeline_{plan.name}", stage=stage, plan=plan, code=delivery.code,
                alert_address=inputs.alert_address, artifacts=self.artifacts, compute=self.compute,
                principals=self.principals, access=self.access, addresses=addresses, others=self.pipelines,
                as_of_days=as_of_days(plans, stage, declared=plan.declared, source=plan.source),
            )  # fmt: skip
