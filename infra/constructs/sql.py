"""What SQL runs on: one small warehouse in the stage's own network."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.names import Addresses
from infra.providers import SqlEndpoint, SqlEndpointTags, SqlEndpointTagsCustomTags
from infra.roles import On
from infra.stages import Stage

AUTO_STOP_MINUTES = 10


# Not proved here: that a query runs on the warehouse. Why: the sandbox starts none; the queries run on local Spark in
# tests. On Azure: open the dashboard "Platform status" as an analyst, who may not use the warehouse in prod.
class SqlCompute(Construct):
    """warehouse: not serverless, since the lake opens to the stage's own network only."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, access: Access, addresses: Addresses) -> None:
        super().__init__(scope, id_)
        tags = [SqlEndpointTagsCustomTags(key=key, value=value) for key, value in names.tags(stage, "platform").items()]
        # What the service would choose is stated: what only it says is not seen to change.
        self.warehouse = SqlEndpoint(
            self, "warehouse", name=names.PLATFORM, cluster_size="2X-Small", warehouse_type="PRO",
            enable_serverless_compute=False, min_num_clusters=1, max_num_clusters=1, auto_stop_mins=AUTO_STOP_MINUTES,
            spot_instance_policy="RELIABILITY_OPTIMIZED", tags=SqlEndpointTags(custom_tags=tags),
        )  # fmt: skip
        addresses.place(self.warehouse, names.PLATFORM, "the SQL warehouse")
        access.permit("warehouse_cdh", On.WAREHOUSE, sql_endpoint_id=self.warehouse.id)
