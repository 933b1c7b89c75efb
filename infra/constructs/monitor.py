"""The workspace's own profile of a model's predictions, beside what the monitor job computes."""

from __future__ import annotations

from constructs import Construct

from infra import names
from infra.constructs.folder import Folders
from infra.names import Addresses
from infra.providers import (
    QualityMonitor,
    QualityMonitorInferenceLog,
    QualityMonitorNotifications,
    QualityMonitorNotificationsOnFailure,
    QualityMonitorSchedule,
)
from infra.stages import Stage
from infra.starts import checked_cron
from workflows.declare import Model

PROFILED_AT = "0 0 5 * * ?"


# Not proved here: what the workspace profiles. Why: a monitor is stored and nothing runs it; the figures that retrain
# are those of the monitor job. On Azure: the tables `<model>.predictions_profile_metrics` and `_drift_metrics`.
class PredictionsMonitor(Construct):
    """monitor: of the predictions table, which must be there: only a live model has one (ADR 16).

    The score is profiled as the number it is: a predicted risk, not a class.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, model: Model, alert_address: str, folders: Folders,
                 addresses: Addresses) -> None:  # fmt: skip
        super().__init__(scope, id_)
        told = QualityMonitorNotificationsOnFailure(email_addresses=[alert_address])
        self.monitor = QualityMonitor(
            self, "monitor", table_name=names.table(stage, f"{model.name}.predictions"),
            output_schema_name=names.table(stage, model.name), assets_dir=f"{names.MONITORS_FOLDER}/{model.name}",
            inference_log=[QualityMonitorInferenceLog(
                granularities=["1 day"], timestamp_col="scored_at", prediction_col="score",
                model_id_col="model_version", problem_type="PROBLEM_TYPE_REGRESSION",
            )],
            schedule=[QualityMonitorSchedule(
                quartz_cron_expression=checked_cron(model.name, PROFILED_AT), timezone_id="UTC"
            )] if stage.scheduled else None,
            notifications=[QualityMonitorNotifications(on_failure=[told])] if stage.alerts else None,
            depends_on=[folders.monitors.directory],
        )  # fmt: skip
        addresses.place(self.monitor, model.name, f"the monitor of {model.name}'s predictions")
