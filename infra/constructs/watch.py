"""What tells people how the platform is: alerts that are sent, and a dashboard that anyone may open."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from infra import queries
from infra.constructs.access import Access
from infra.constructs.folder import Folders
from infra.constructs.principals import Principals
from infra.constructs.sql import SqlCompute
from infra.dashboard import serialized
from infra.names import Addresses
from infra.providers import (
    AlertV2,
    AlertV2Evaluation,
    AlertV2EvaluationNotification,
    AlertV2EvaluationNotificationSubscriptions,
    AlertV2EvaluationSource,
    AlertV2EvaluationThreshold,
    AlertV2EvaluationThresholdValue,
    AlertV2RunAs,
    AlertV2Schedule,
    Dashboard,
    NotificationDestination,
    NotificationDestinationConfigA,
    NotificationDestinationConfigEmail,
)
from infra.queries import Alert
from infra.roles import On, Principal
from infra.stages import Stage
from infra.starts import checked_cron

RETRIGGER_SECONDS = 24 * 3600


# Not proved here: that an alert is evaluated and its message arrives. Why: nothing evaluates an alert here; its query
# runs on local Spark in tests. On Azure: let one job fail on purpose, press "run now" on the alert "Failed runs".
class Alerts(Construct):
    """destination: where messages go, in a stage that sends any; a mailbox of the operators, never a person.

    alerts: by address. Each carries its own query and reads as `sp-deploy`.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, models: Sequence[str], alert_address: str,
                 sql: SqlCompute, folders: Folders, principals: Principals, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.stage, self.sql, self.folders = stage, sql, folders
        self.destination: NotificationDestination | None = None
        self.run_as = AlertV2RunAs(service_principal_name=principals.application_ids[Principal.DEPLOY])
        if stage.alerts:
            self.destination = NotificationDestination(
                self, "destination", display_name="Operators of the platform",
                config=NotificationDestinationConfigA(
                    email=NotificationDestinationConfigEmail(addresses=[alert_address])
                ),
            )  # fmt: skip
            addresses.place(self.destination, "operators", "where alerts go")
        self.alerts: dict[str, AlertV2] = {}
        for one in queries.alerts(stage, models):
            self.alerts[one.address] = made = self.alert(one)
            addresses.place(made, one.address, f"the alert {one.title!r}")

    def alert(self, one: Alert) -> AlertV2:
        """One alert; where nothing starts by itself, it waits to be run by hand."""
        told = (
            [AlertV2EvaluationNotificationSubscriptions(destination_id=self.destination.id)] if self.destination else []
        )
        # The service answers with /Workspace before the folder, and the provider takes no other answer than was planned
        # (issue 5042 of databricks/terraform-provider-databricks).
        return AlertV2(
            self, one.address, display_name=one.title, custom_summary=one.title, query_text=one.text,
            warehouse_id=self.sql.warehouse.id, parent_path=self.folders.alerts.directory.workspace_path,
            run_as=self.run_as,
            evaluation=AlertV2Evaluation(
                source=AlertV2EvaluationSource(name=one.column), comparison_operator="GREATER_THAN",
                threshold=AlertV2EvaluationThreshold(value=AlertV2EvaluationThresholdValue(double_value=one.above)),
                empty_result_state="OK",
                notification=AlertV2EvaluationNotification(
                    notify_on_ok=False, retrigger_seconds=RETRIGGER_SECONDS, subscriptions=told
                ),
            ),
            schedule=AlertV2Schedule(
                quartz_cron_schedule=checked_cron(one.title, one.schedule), timezone_id="UTC",
                pause_status="UNPAUSED" if self.stage.scheduled else "PAUSED",
            ),
        )  # fmt: skip


class Status(Construct):
    """dashboard: the state of the platform in counts. Its readers see what its publisher may read (ADR 15)."""

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, models: Sequence[str], sql: SqlCompute,
                 folders: Folders, access: Access, addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.dashboard = Dashboard(
            self, "dashboard", display_name="Platform status", parent_path=folders.status.path,
            warehouse_id=sql.warehouse.id, embed_credentials=True, serialized_dashboard=serialized(stage, models),
        )  # fmt: skip
        addresses.place(self.dashboard, "status", "the dashboard of the platform")
        access.permit("dashboard_status", On.DASHBOARD, dashboard_id=self.dashboard.id)
