"""Who did what is kept, and who answers for the stage hears of its cost."""

from __future__ import annotations

from dataclasses import dataclass

from constructs import Construct

from infra.azure.providers import (
    ConsumptionBudgetResourceGroup,
    ConsumptionBudgetResourceGroupNotification,
    ConsumptionBudgetResourceGroupTimePeriod,
    LogAnalyticsWorkspace,
    MonitorActionGroup,
    MonitorActionGroupEmailReceiver,
    MonitorDiagnosticSetting,
    MonitorDiagnosticSettingEnabledLog,
    MonitorDiagnosticSettingEnabledMetric,
)
from infra.azure.site import PLATFORM, Site
from infra.constructs.lifecycle import keeping
from infra.storage import Data


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A resource (`target`, its Azure id) whose logs are kept. metric: the category of its metrics, if it has any."""

    address: str
    target: str
    logs: str = "allLogs"
    metric: str | None = None


class Logs(Construct):
    """workspace: where all logs of a stage go. settings: by the address of what is watched.

    Read by people through the portal, written by Azure itself: keys and ingestion from outside are off.
    """

    def __init__(self, scope: Construct, id_: str, *, site: Site) -> None:
        super().__init__(scope, id_)
        self.site = site
        self.settings: dict[str, MonitorDiagnosticSetting] = {}
        self.workspace = site.place("main", LogAnalyticsWorkspace(
            self, "workspace", name=site.name("log"), location=site.location, resource_group_name=site.group,
            sku="PerGB2018", retention_in_days=site.stage.log_days, local_authentication_enabled=False,
            internet_ingestion_enabled=False, internet_query_enabled=True, allow_resource_only_permissions=True,
            tags=site.tags(zone=PLATFORM, data=Data.INTERNAL), lifecycle=keeping(site.stage),
        ))  # fmt: skip

    def watch(self, watched: Watched) -> None:
        """Keep the logs of one resource, and its metrics where it has any."""
        metrics = [MonitorDiagnosticSettingEnabledMetric(category=watched.metric)] if watched.metric else None
        self.settings[watched.address] = self.site.place(watched.address, MonitorDiagnosticSetting(
            self, f"setting_{watched.address}", name="to-log-analytics", target_resource_id=watched.target,
            log_analytics_workspace_id=self.workspace.id,
            enabled_log=[MonitorDiagnosticSettingEnabledLog(category_group=watched.logs)], enabled_metric=metrics,
        ))  # fmt: skip


# Not proved here: that a budget counts everything. Why: the machines of Databricks are billed in its own resource
# group, which the budget of the group of the stage does not count. On Azure: the cost analysis of both groups, after
# a week.
class Spending(Construct):
    """operators: who is told. budget: when they are told of a month's cost in the stage's group.

    Databricks bills its machines in a group of its own, which it lets nobody write to: they are not counted here.
    """

    def __init__(self, scope: Construct, id_: str, *, site: Site, group: str) -> None:
        """group: the Azure id of the resource group."""
        super().__init__(scope, id_)
        self.operators = site.place("operators", MonitorActionGroup(
            self, "operators", name=site.name("ag", "operators"), short_name="cdh-ops", location="global",
            resource_group_name=site.group, tags=site.tags(zone=PLATFORM, data=Data.INTERNAL),
            email_receiver=[MonitorActionGroupEmailReceiver(
                name="operators", email_address=site.inputs.alert_address, use_common_alert_schema=True,
            )],
        ))  # fmt: skip
        self.budget = site.place("month", ConsumptionBudgetResourceGroup(
            self, "budget", name=site.name("budget"), resource_group_id=group, amount=site.stage.budget,
            time_grain="Monthly",
            time_period=ConsumptionBudgetResourceGroupTimePeriod(
                start_date=f"{site.inputs.azure.budget_from}-01T00:00:00Z",
            ),
            notification=[
                ConsumptionBudgetResourceGroupNotification(
                    operator="GreaterThan", threshold=threshold, threshold_type=kind, enabled=True,
                    contact_groups=[self.operators.id],
                )
                for threshold, kind in ((80, "Actual"), (100, "Forecasted"))
            ],
        ))  # fmt: skip
