"""One job: its DAG, its compute, who it runs as and who may run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cdktf import Token
from constructs import Construct

from infra import names
from infra.constructs.access import Access
from infra.constructs.artifacts import Artifacts
from infra.constructs.compute import Compute
from infra.constructs.principals import Principals
from infra.names import Addresses
from infra.pipelines import TASK_TIMEOUT, JobPlan, Task, timeout
from infra.providers import (
    Job,
    JobContinuous,
    JobEmailNotifications,
    JobHealth,
    JobHealthRules,
    JobNotificationSettings,
    JobParameter,
    JobQueue,
    JobRunAs,
    JobSchedule,
    JobTask,
    JobTaskConditionTask,
    JobTaskDependsOn,
    JobTaskLibrary,
    JobTaskPythonWheelTask,
    JobTaskRunJobTask,
    JobTrigger,
    JobTriggerFileArrival,
    JobTriggerTableUpdate,
)
from infra.stages import Stage
from infra.starts import BETWEEN_SECONDS, SETTLED_SECONDS, checked_cron, checked_timezone, checked_update
from workflows.updates import Continuous, OnFiles

RETRIES = 1
RETRY_AFTER_MILLIS = 10_000
TIMEZONE = "UTC"


class Pipeline(Construct):
    """job: the resource. timeout_seconds: after which it is stopped. Tasks and depends_on are in key order, as the
    provider reads them back.

    others: the pipelines that this one's tasks run, by job name. awaits: tables (schema.table) whose change starts it,
    in place of its schedule. as_of_days: by zone, what its tables are made with.
    """

    def __init__(self, scope: Construct, id_: str, *, stage: Stage, plan: JobPlan, code: str, alert_address: str,
                 artifacts: Artifacts, compute: Compute, principals: Principals, access: Access, addresses: Addresses,
                 others: Mapping[str, Pipeline], as_of_days: Mapping[str, int],
                 awaits: Sequence[str] = ()) -> None:  # fmt: skip
        super().__init__(scope, id_)
        self.stage, self.plan, self.artifacts, self.others, self.awaits = stage, plan, artifacts, others, awaits
        self.as_of_days = ",".join(f"{zone}={days}" for zone, days in sorted(as_of_days.items()))
        self.timeout_seconds: int = timeout(plan, {name: other.timeout_seconds for name, other in others.items()})
        run_as = principals.application_ids[plan.run_as]
        self.job = Job(
            self, "job", name=plan.name, max_concurrent_runs=1, timeout_seconds=self.timeout_seconds,
            run_as=JobRunAs(service_principal_name=run_as), queue=JobQueue(enabled=True),
            tags=names.tags(stage, plan.declared, code=code),
            parameter=[JobParameter(name=name, default=default) for name, default in self.defaults()] or None,
            job_cluster=[compute.job_cluster(plan.cluster, declared=plan.declared, run_as=run_as)],
            task=[self.task(one) for one in sorted(plan.tasks, key=lambda one: one.key)],
            schedule=self.schedule(), trigger=self.trigger(), continuous=self.continuous(),
            # Half of what would stop it is worth a look.
            health=JobHealth(rules=[JobHealthRules(
                metric="RUN_DURATION_SECONDS", op="GREATER_THAN", value=self.timeout_seconds // 2
            )]),
            email_notifications=self.notifications(alert_address),
            # A run that a person cancelled, or that was skipped because another ran, is no news.
            notification_settings=JobNotificationSettings(
                no_alert_for_canceled_runs=True, no_alert_for_skipped_runs=True
            ) if stage.alerts else None,
        )  # fmt: skip
        addresses.place(self.job, plan.name, f"a job of {plan.declared}")
        access.permit(f"job_{plan.name}", plan.purpose, source=plan.source or None, job_id=self.job.id)

    def defaults(self) -> list[tuple[str, str]]:
        """The job parameters by name, with the stage's default where the plan leaves it to the stage."""
        return sorted(self.told(self.plan.parameters).items())

    def told(self, parameters: Mapping[str, str | None]) -> dict[str, str]:
        """Parameters with what the stage's row says where the plan leaves it to the stage."""
        return {name: str(getattr(self.stage, name)) if one is None else one for name, one in parameters.items()}

    def notifications(self, address: str) -> JobEmailNotifications | None:
        """Whom the job writes to: the operators, of a run that failed or takes long, where the stage alerts; of all it
        does, if it is told."""
        if self.plan.told:
            return JobEmailNotifications(on_start=[address], on_success=[address], on_failure=[address])
        if not self.stage.alerts:
            return None
        return JobEmailNotifications(on_failure=[address], on_duration_warning_threshold_exceeded=[address])

    # Not proved here: when a schedule or trigger starts a job, and whom a notification reaches. Why: here time is a
    # clock that a test moves, and notifications go to an outbox. On Azure: the job's page; next run, queue,
    # notification.
    def schedule(self) -> JobSchedule | None:
        """When the job starts by itself, in a stage where jobs do; it is right in every stage."""
        if self.plan.schedule is None:
            return None
        expression = checked_cron(self.plan.name, self.plan.schedule)
        if not self.stage.scheduled or self.awaits or isinstance(self.plan.updates, (OnFiles, Continuous)):
            return None
        timezone = checked_timezone(self.plan.name, TIMEZONE)
        return JobSchedule(quartz_cron_expression=expression, timezone_id=timezone, pause_status="UNPAUSED")

    def trigger(self) -> JobTrigger | None:
        """The tables that start the job when they are new, or the folder in which files arrive; it then has no
        schedule, which excludes it."""
        if isinstance(self.plan.updates, OnFiles) and self.stage.scheduled:
            arrival = JobTriggerFileArrival(
                url=f"{names.volume(self.stage, names.LANDING)}/{self.plan.updates.folder}/",
                wait_after_last_change_seconds=SETTLED_SECONDS, min_time_between_triggers_seconds=BETWEEN_SECONDS,
            )  # fmt: skip
            return JobTrigger(file_arrival=arrival, pause_status="UNPAUSED")
        if not self.awaits or not self.stage.scheduled:
            return None
        tables = tuple(names.table(self.stage, table) for table in self.awaits)
        update = JobTriggerTableUpdate(
            table_names=list(checked_update(self.plan.name, tables, SETTLED_SECONDS, BETWEEN_SECONDS)),
            condition=self.plan.condition, wait_after_last_change_seconds=SETTLED_SECONDS,
            min_time_between_triggers_seconds=BETWEEN_SECONDS,
        )  # fmt: skip
        return JobTrigger(table_update=update, pause_status="UNPAUSED")

    # Not proved here: that a continuous job is started again when it has ended. Why: the sandbox keeps the block and
    # starts no such job. On Azure: the job's page, a second run within a minute of the end of the first.
    def continuous(self) -> JobContinuous | None:
        """Whether the job starts again as soon as it has ended."""
        running = isinstance(self.plan.updates, Continuous) and self.stage.scheduled
        return JobContinuous(pause_status="UNPAUSED") if running else None

    def task(self, one: Task) -> JobTask:
        """One node of the DAG."""
        after = [
            JobTaskDependsOn(task_key=key, outcome=outcome)
            for key, outcome in sorted(one.after, key=lambda edge: edge[0])
        ]
        if one.condition is not None:
            left, operator, right = one.condition
            return JobTask(task_key=one.key, depends_on=after or None,
                           condition_task=JobTaskConditionTask(left=left, op=operator, right=right))  # fmt: skip
        if one.runs:
            job_id = Token.as_number(self.others[one.runs].job.id)
            run = JobTaskRunJobTask(
                job_id=job_id, job_parameters=dict(sorted(self.told(one.parameters).items())) or None
            )
            return JobTask(task_key=one.key, depends_on=after or None, run_job_task=run)
        # A job that runs without end is started again by the service, and may not try again by itself; what took an
        # hour takes an hour again: the time of a job is that of its tasks, once each.
        again: dict[str, Any] = {
            "max_retries": 0 if self.plan.told else RETRIES, "min_retry_interval_millis": RETRY_AFTER_MILLIS,
            "retry_on_timeout": False,
        } if not isinstance(self.plan.updates, Continuous) else {}  # fmt: skip
        return JobTask(
            task_key=one.key, depends_on=after or None, job_cluster_key=self.plan.cluster,
            timeout_seconds=TASK_TIMEOUT, **again,
            library=[
                JobTaskLibrary(requirements=self.artifacts.paths[f"requirements_{self.plan.cluster}"]),
                JobTaskLibrary(whl=self.artifacts.paths["wheel"]),
            ],
            python_wheel_task=JobTaskPythonWheelTask(
                package_name=names.DISTRIBUTION, entry_point=one.entry_point, named_parameters=self.parameters(one)
            ),
        )  # fmt: skip

    def parameters(self, one: Task) -> dict[str, str]:
        """The named parameters of a wheel task: what every task gets, and its own."""
        common = {
            "as_of_days": self.as_of_days,
            "catalog": self.stage.catalog,
            "declaration": self.artifacts.paths[f"declaration_{self.plan.declared}"],
            "requirements": self.artifacts.paths[f"requirements_{self.plan.cluster}"],
            "job_id": "{{job.id}}",
            "job_run_id": "{{job.run_id}}",
            "task_run_id": "{{task.run_id}}",
        }
        return dict(sorted({**common, **self.told(one.parameters)}.items()))
