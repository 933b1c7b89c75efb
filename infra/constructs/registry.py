"""Where a model's runs and versions are kept: two experiments and one registered model."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.constructs.folder import Folder
from infra.constructs.lifecycle import keeping
from infra.constructs.principals import Principals
from infra.constructs.warehouse import Warehouse
from infra.names import Addresses
from infra.providers import MlflowExperiment, RegisteredModel
from infra.roles import On, Principal
from infra.stages import Stage
from workflows.declare import Model


class Registry(Construct):
    """experiment: of trainings. validation_experiment: of a method's validation. model: its versions.

    No alias here: the provider drops it silently; the promote job sets `champion`, and only an owner may, so
    the owner is `sp-promote`.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, model: Model, folder: Folder, warehouse: Warehouse,
                 principals: Principals, access: Access, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.experiment, self.validation_experiment = (
            MlflowExperiment(self, name, name=names.experiment(model.name, validation=validation),
                             depends_on=[folder.directory], lifecycle=keeping(stage))
            for name, validation in (("experiment", False), ("validation_experiment", True))
        )  # fmt: skip
        for made, address, on in (
            (self.experiment, model.name, On.EXPERIMENT),
            (self.validation_experiment, f"{model.name}_validation", On.VALIDATION_EXPERIMENT),
        ):
            addresses.place(made, address, f"an experiment of {model.name}")
            access.permit(f"experiment_{address}", on, source=model.source, experiment_id=made.id)
        zone = warehouse.zones[model.name].schema
        self.model = RegisteredModel(
            self, "model", catalog_name=zone.catalog_name, schema_name=zone.name, name=model.name,
            comment=model.question, owner=principals.application_ids[Principal.PROMOTE], lifecycle=keeping(stage),
        )  # fmt: skip
        addresses.place(self.model, model.name, f"the registered model {model.name}")
        access.grant(f"model_{model.name}", On.REGISTERED_MODEL, source=model.source, securable=self.model.id)
