"""Runs, logged models and model versions in MLflow: what the tasks of a model ask of it, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jobs.errors import TaskError
from jobs.io.context import Task
from jobs.io.long_tags import joined, parted
from jobs.model.names import CHAMPION, Names

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.exceptions import MlflowException

PARENT = "mlflow.parentRunId"
CONTEXT = "mlflow.data.context"
# How MLflow, Unity Catalog and their doors say that something is not there.
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND")


def pins(requirements: str) -> list[str]:
    """`name==version` lines of a lock file, without its hashes and comments."""
    lines = [line.split(" --hash")[0].strip().rstrip("\\").strip() for line in requirements.splitlines()]
    return [line for line in lines if line and not line.startswith(("#", "--"))]


class Registry:
    """MLflow as one model's tasks see it. Every run and every version carries the task's tags."""

    def __init__(self, task: Task, names: Names) -> None:
        self._task = task
        quiet()
        self.name = names.registered(task.catalog)
        self.client: Any = task.mlflow.MlflowClient()

    # Runs

    def start(self, experiment: str, name: str, tags: Mapping[str, str], parent: str = "") -> str:
        """A new run in a deployed experiment; its id."""
        found = self.client.get_experiment_by_name(experiment)
        if found is None:
            raise TaskError(f"experiment {experiment!r} does not exist; deploy the stage first")
        more = {PARENT: parent} if parent else {}
        run = self.client.create_run(found.experiment_id, run_name=name, tags={**self._task.tags, **tags, **more})
        return str(run.info.run_id)

    def end(self, run_id: str, failed: bool = False) -> None:
        """Close a run."""
        self.client.set_terminated(run_id, "FAILED" if failed else "FINISHED")

    def run(self, run_id: str) -> Run:
        """A run; raises TaskError if there is none."""
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_run(run_id)
        except MlflowException as error:
            absent(error)
            raise TaskError(
                f"run {run_id!r} does not exist in MLflow; valid: the run_id that the train task set"
            ) from error

    def log(
        self, run_id: str, params: Mapping[str, Any] | None = None, metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None, model_id: str | None = None,
    ) -> None:  # fmt: skip
        """Parameters, metrics and tags of a run in one request; metrics also belong to the logged model, if named."""
        from mlflow.entities import Metric, Param, RunTag

        now = int(time.time() * 1000)
        self.client.log_batch(
            run_id,
            metrics=[Metric(k, v, now, 0, model_id=model_id) for k, v in (metrics or {}).items()],
            params=[Param(k, str(v)) for k, v in (params or {}).items()],
            tags=[RunTag(k, v) for k, v in (tags or {}).items()],
        )

    def read(self, run_id: str, table: str, version: int, context: str) -> None:
        """Record that a run used a Delta table at a version; how many rows of it is not said (ADR 71)."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        full = f"{self._task.catalog}.{table}"
        dataset = Dataset(
            name=full,
            digest=f"v{version}",
            source_type="delta_table",
            source=json.dumps({"delta_table_name": full, "delta_table_version": version}),
        )
        self.client.log_inputs(run_id, [DatasetInput(dataset, [InputTag(CONTEXT, context)])])

    # Logged models

    def log_model(self, run_id: str, fitted: Any, example: pd.DataFrame, params: Mapping[str, Any]) -> str:
        """Log a fitted pipeline with its signature and an invented example row; the logged model's id."""
        from mlflow.models import infer_signature

        mlflow = self._task.mlflow
        requirements = pins(self._task.volume(self._task.parameter("requirements")).read_text(encoding="utf-8"))
        with mlflow.start_run(run_id=run_id):
            info = mlflow.sklearn.log_model(
                fitted,
                name="model",
                serialization_format="cloudpickle",
                signature=infer_signature(example, fitted.predict_proba(example)),
                input_example=example,
                pip_requirements=requirements,
                pyfunc_predict_fn="predict_proba",
                params={name: str(value) for name, value in params.items()},
            )
        return str(info.model_id)

    def model_id(self, run: Run) -> str:
        """The id of the one model that a run logged; raises TaskError if it logged none or several."""
        found = [output.model_id for output in (run.outputs.model_outputs if run.outputs else [])]
        if len(found) != 1:
            raise TaskError(
                f"run {run.info.run_id} logged {len(found)} models; valid: exactly one, run the train task again"
            )
        return str(found[0])

    def load(self, model_id: str) -> Any:
        """The fitted pipeline of a logged model."""
        return self._task.mlflow.sklearn.load_model(f"models:/{model_id}")

    # Versions

    def register(self, run_id: str, model_id: str, tags: Mapping[str, str]) -> ModelVersion:
        """A new version of the registered model from a logged model, or the one that the run has already: its task may
        be tried again. It enters without an alias."""
        self._registered()
        for one in self.versions():
            if one.run_id == run_id:
                return self._fetched(one.version)
        every = parted({**self._task.tags, **tags})
        return self.client.create_model_version(
            self.name, f"models:/{model_id}", run_id=run_id, tags=every, model_id=model_id
        )

    def version(self, number: str) -> ModelVersion:
        """A version by its number; raises TaskError listing the valid ones."""
        known = {str(one.version) for one in self.versions()}
        if number not in known:
            valid = ", ".join(sorted(known, key=int)) or "none yet, run the train job first"
            raise TaskError(f"model_version = {number!r} is not valid for {self.name}; valid: {valid}")
        # Fetched one by one: a search on Unity Catalog gives no tags.
        return self._fetched(number)

    def versions(self) -> list[ModelVersion]:
        """All versions, newest first."""
        found = self.client.search_model_versions(f"name = '{self.name}'")
        return sorted(found, key=lambda one: int(one.version), reverse=True)

    def newest(self) -> ModelVersion:
        """The version that was registered last; raises TaskError if there is none."""
        found = self.versions()
        if not found:
            raise TaskError(f"{self.name} has no version; run the train job first")
        return self._fetched(found[0].version)

    def requested(self, by: str) -> ModelVersion:
        """The version that a job run asked for; raises TaskError if there is none."""
        for one in self.versions():
            version = self._fetched(one.version)
            if by and version.tags.get("requested_by") == by:
                return version
        raise TaskError(f"no version of {self.name} has requested_by = {by!r}; its training job did not register one")

    def champion(self) -> ModelVersion | None:
        """The version that the alias names, or None before the first promotion."""
        number = dict(self._registered().aliases).get(CHAMPION)
        return None if number is None else self._fetched(str(number))

    def crowned(self) -> ModelVersion:
        """The champion; raises TaskError before the first promotion."""
        champion = self.champion()
        if champion is None:
            raise TaskError(f"{self.name} has no {CHAMPION}; run the promote job first")
        return champion

    def crown(self, number: str) -> None:
        """Let the alias name this version."""
        self.client.set_registered_model_alias(self.name, CHAMPION, number)

    def tag(self, number: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version."""
        for key, value in parted(tags).items():
            self.client.set_model_version_tag(self.name, number, key, value)

    def _fetched(self, number: str) -> ModelVersion:
        version = self.client.get_model_version(self.name, number)
        version.tags.update(joined(version.tags))
        return version

    def _registered(self) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self.client.get_registered_model(self.name)
        except MlflowException as error:
            absent(error)
            raise TaskError(f"registered model {self.name} does not exist; deploy the stage first") from error

    def figure(self, run_id: str, figure: Any, file: str) -> None:
        """Store a picture with a run."""
        self.client.log_figure(run_id, figure, file)

    def document(self, run_id: str, content: Mapping[str, Any], file: str) -> None:
        """Store a JSON document with a run."""
        self.client.log_dict(run_id, dict(content), file)


def same_declaration(task: Task, trained: Run) -> None:
    """Raise TaskError if a run was trained from another declaration than the task has: its job was deployed meanwhile.

    What is said of the run would be said of the other.
    """
    if trained.data.tags.get("declaration_hash") != task.declaration_hash:
        raise TaskError(
            f"run {trained.info.run_id} was trained from another declaration of {task.declaration.name} than is "
            "deployed now; run the whole job again instead of repairing it"
        )


def refuse_untold(trained: Run, names: Iterable[str]) -> None:
    """Raise TaskError if a run lacks a tag: an earlier task of it did not run, or another release of the code did."""
    lacking = [name for name in names if name not in trained.data.tags]
    if lacking:
        raise TaskError(
            f"run {trained.info.run_id} has no tag {', '.join(lacking)}; run the train and evaluate tasks first"
        )


def absent(error: MlflowException) -> None:
    """Return if the error says that something does not exist, else raise it: a refusal or an outage must stay one."""
    if error.error_code not in ABSENT:
        raise error


def quiet() -> None:
    """Keep MLflow's advertisements out of the task's log: addresses of its pages, and advice on file formats."""
    import logging

    from mlflow.environment_variables import MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT

    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
