"""Where a model answers one request at a time."""

from __future__ import annotations

from cdktf import TerraformResourceLifecycle
from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.constructs.registry import Registry
from infra.names import Addresses
from infra.providers import (
    ModelServing,
    ModelServingAiGateway,
    ModelServingAiGatewayInferenceTableConfig,
    ModelServingConfigA,
    ModelServingConfigServedEntities,
    ModelServingConfigTrafficConfig,
    ModelServingConfigTrafficConfigRoutes,
    ModelServingEmailNotifications,
    ModelServingTags,
)
from infra.roles import On
from infra.stages import Stage
from workflows.declare import Model, Online

# The one thing of an endpoint that is promotion's: which version answers.
VERSION = "config[0].served_entities[0].entity_version"


# Not proved here: that an endpoint answers. Why: nothing serves at it here. On Azure: one request as `sp-serve`; the
# inference table `<model>.endpoint_payload` has it within the hour.
class Endpoint(Construct):
    """serving: the endpoint of a live model; `version` is its champion when it is made, and promotion's from then on.

    Who asked what and was answered what is kept in the model's zone, under the grants of its predictions.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, model: Model, online: Online, version: int,
                 alert_address: str, registry: Registry, access: Access, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.serving = ModelServing(
            self, "serving", name=names.endpoint(model.name),
            config=ModelServingConfigA(
                served_entities=[ModelServingConfigServedEntities(
                    name=names.CHAMPION, entity_name=registry.model.id, entity_version=str(version),
                    workload_size=online.size, workload_type="CPU", scale_to_zero_enabled=online.idle,
                )],
                traffic_config=ModelServingConfigTrafficConfig(routes=[ModelServingConfigTrafficConfigRoutes(
                    served_entity_name=names.CHAMPION, traffic_percentage=100
                )]),
            ),
            ai_gateway=ModelServingAiGateway(inference_table_config=ModelServingAiGatewayInferenceTableConfig(
                enabled=True, catalog_name=stage.catalog, schema_name=model.name, table_name_prefix="endpoint",
            )),
            email_notifications=(
                ModelServingEmailNotifications(on_update_failure=[alert_address]) if stage.alerts else None
            ),
            tags=[ModelServingTags(key=key, value=value) for key, value in names.tags(stage, model.name).items()],
            lifecycle=TerraformResourceLifecycle(ignore_changes=[VERSION]),
        )  # fmt: skip
        addresses.place(self.serving, model.name, f"the endpoint of {model.name}")
        access.permit(
            f"endpoint_{model.name}", On.ENDPOINT, source=model.source,
            serving_endpoint_id=self.serving.serving_endpoint_id,
        )  # fmt: skip
