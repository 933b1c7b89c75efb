"""Versions on a real MLflow (its database a file): signature, no alias at birth, promotion as the task does it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from model_cohort import cohort

from jobs.errors import TaskError
from jobs.io.context import Surroundings, Task
from jobs.io.registry import Registry, pins
from jobs.model.gates import PASSED, Result, written
from jobs.model.matrix import columns_of, design, example, fit, probabilities
from jobs.model.names import Names
from jobs.tasks.promote import _promote
from workflows.declare import AtLeast, Demographics, Event, InpatientStays, Model, days
from workflows.methods import LogisticRegression

# MLflow's own database layer runs in this process and uses what SQLAlchemy deprecated; jobs reach it over HTTP.
pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")

MODEL = Model(
    name="readmission", question="Who comes back?", source="synthetic_omop", cohort=InpatientStays(),
    outcome=Event("inpatient_admission", time_at_risk=days(1, 30)), features=[Demographics()],
    method=LogisticRegression(C=1.0), cluster="ml_cpu", gates=[AtLeast("auroc", 0.6)],
)  # fmt: skip
EXPERIMENT = "/cdh/readmission"
REQUIREMENTS = "# a lock file\nscikit-learn==1.6.1 \\\n    --hash=sha256:abc\nmlflow==3.17.2 --hash=sha256:def\n"


def task(folder: Path, principal: str, **parameters: str) -> Task:
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    return Task(
        name="test", catalog="cdh_test", declaration=MODEL, declaration_hash="d" * 64, commit="c0ffee",
        requirements_hash="e" * 64, job_id="1", job_run_id="2", task_run_id="3",
        parameters={"requirements": "/Volumes/cdh_test/ml/artifacts/requirements.txt"} | parameters,
        surroundings=Surroundings(
            volumes_root=folder / "volumes", tracking_uri=uri, registry_uri=uri, principal=principal
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(quiet_mlflow: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace in which the stage is deployed: experiment, registered model, requirements file."""
    base = tmp_path_factory.mktemp("registry")
    artifacts = base / "volumes" / "cdh_test" / "ml" / "artifacts"
    artifacts.mkdir(parents=True)
    (artifacts / "requirements.txt").write_text(REQUIREMENTS, encoding="utf-8")
    with contextlib.chdir(base):
        client = task(base, "sp-deploy").mlflow.MlflowClient()
        client.create_experiment(EXPERIMENT, artifact_location=(base / "artifacts").as_uri())
        client.create_registered_model("cdh_test.readmission.readmission")
        yield base


def version(folder: Path, number: str) -> str:
    """A new version, trained and registered as the tasks do."""
    registry = Registry(task(folder, "sp-train"), Names.of(MODEL))
    rows = cohort(encounters=600)
    fitted, columns = fit(MODEL.method, MODEL.method.parameters, rows), columns_of(rows)
    run = registry.start(EXPERIMENT, "train", {"dataset_version": number})
    registry.read(run, "readmission.dataset", int(number), "training")
    model_id = registry.log_model(run, fitted, example(design(rows, columns), columns, rows["person_id"]), {"C": 1.0})
    registry.log(run, {"C": 1.0}, {"auroc": 0.7}, {"parameters": "{}"}, model_id)
    registry.end(run)
    assert registry.model_id(registry.run(run)) == model_id
    made = registry.register(run, model_id, {"created_by": "sp-train", "model_id": model_id, "mlflow_run_id": run})
    return str(made.version)


@pytest.fixture(scope="module")
def versions(folder: Path) -> tuple[str, str]:
    return version(folder, "4"), version(folder, "5")


def judged(folder: Path, number: str, champion: str, state: str = PASSED) -> None:
    tags = {"gates": written([Result("g", state, "")]), "gates_checked": "judge", "gates_champion": champion}
    Registry(task(folder, "sp-promote"), Names.of(MODEL)).tag(number, tags)


@pytest.mark.clause("O10", "23")
def test_a_new_version_enters_without_an_alias_and_with_its_lineage(folder: Path, versions: tuple[str, str]) -> None:
    registry = Registry(task(folder, "sp-train"), Names.of(MODEL))
    for number in versions:
        found = registry.version(number)
        assert found.aliases == []
        assert {"commit": "c0ffee", "job_run_id": "2", "created_by": "sp-train"}.items() <= found.tags.items()
    assert [one.version for one in registry.versions()] == [2, 1]


def test_a_run_that_is_registered_again_has_the_version_it_had(folder: Path, versions: tuple[str, str]) -> None:
    # Its task is tried again where its process died before it had said which version it made.
    registry = Registry(task(folder, "sp-train"), Names.of(MODEL))
    made = registry.version(versions[0])
    again = registry.register(made.tags["mlflow_run_id"], made.tags["model_id"], {"created_by": "sp-train"})
    assert str(again.version) == versions[0]
    assert [str(one.version) for one in registry.versions()] == [*reversed(versions)]


def test_a_text_longer_than_a_tag_is_read_whole_and_no_tag_is_longer_than_unity_catalog_takes(
    folder: Path, versions: tuple[str, str]
) -> None:
    registry = Registry(task(folder, "sp-train"), Names.of(MODEL))
    text = json.dumps({f"count_of_{number}": "a definition" for number in range(100)})
    registry.tag(versions[0], {"source_versions": text})
    assert registry.version(versions[0]).tags["source_versions"] == text
    kept = registry.client.get_model_version(registry.name, versions[0]).tags
    assert len(text) > 1_000 >= max(map(len, kept.values()))


@pytest.mark.clause("C7")
def test_a_run_names_its_table_and_version_and_its_model_has_a_signature(
    folder: Path, versions: tuple[str, str]
) -> None:
    registry = Registry(task(folder, "sp-train"), Names.of(MODEL))
    found = registry.version(versions[0])
    run = registry.run(found.tags["mlflow_run_id"])
    (dataset,) = run.inputs.dataset_inputs
    assert json.loads(dataset.dataset.source) == {
        "delta_table_name": "cdh_test.readmission.dataset", "delta_table_version": 4,
    }  # fmt: skip
    info = registry._task.mlflow.models.get_model_info(f"models:/{found.tags['model_id']}")
    assert set(info.signature.inputs.input_names()) == set(columns_of(cohort(encounters=5)).names)
    assert info.signature.outputs is not None
    loaded = registry.load(found.tags["model_id"])
    assert (probabilities(loaded, cohort(encounters=9)) > 0).all()


def test_the_saved_example_is_no_persons_row(folder: Path, versions: tuple[str, str]) -> None:
    registry = Registry(task(folder, "sp-train"), Names.of(MODEL))
    model_id = registry.version(versions[0]).tags["model_id"]
    place = Path(registry._task.mlflow.artifacts.download_artifacts(f"models:/{model_id}"))
    saved = json.loads((place / "input_example.json").read_text(encoding="utf-8"))
    assert len(saved["data"]) == 1
    rows = cohort(encounters=600)
    row = dict(zip(saved["columns"], saved["data"][0], strict=True))
    assert row["f_x"] == pytest.approx(rows["f_x"].median())
    assert not (rows["f_x"] == row["f_x"]).any()


@pytest.mark.clause("22")
def test_an_exported_model_gives_the_same_scores_where_there_is_no_platform(
    folder: Path, versions: tuple[str, str], tmp_path: Path
) -> None:
    registry = Registry(task(folder, "sp-train"), Names.of(MODEL))
    model_id = registry.version(versions[0]).tags["model_id"]
    exported = registry._task.mlflow.artifacts.download_artifacts(f"models:/{model_id}", dst_path=str(tmp_path))
    rows = cohort(encounters=9)
    design(rows, columns_of(rows)).to_parquet(tmp_path / "rows.parquet")
    program = (
        "import os, sys, pandas, mlflow.sklearn; model = mlflow.sklearn.load_model(sys.argv[1]); "
        "print(*model.predict_proba(pandas.read_parquet(sys.argv[2]))[:, 1], flush=True); "
        # Threads of the libraries sometimes abort a process that ends by itself.
        "os._exit(0)"
    )
    # An interpreter that finds neither this repository nor a tracking server.
    alone = subprocess.run(
        [sys.executable, "-P", "-c", program, exported, str(tmp_path / "rows.parquet")],
        cwd=tmp_path, env={"PATH": os.defpath, "HOME": str(tmp_path), "MLFLOW_DISABLE_TELEMETRY": "true"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [float(score) for score in alone.stdout.split()] == list(probabilities(registry.load(model_id), rows))


@pytest.mark.clause("24")
def test_the_alias_moves_only_to_a_version_that_was_judged_and_signed(
    folder: Path, versions: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = versions
    registry = Registry(task(folder, "sp-promote"), Names.of(MODEL))
    signed = {"approved_by": "engineer@example", "validated_by": "analyst@example", "validated_in": ""}

    def promote(number: str, principal: str = "sp-promote", **given: str) -> str | None:
        _promote(task(folder, principal, model_version=number, **(signed | given)))
        champion = registry.champion()
        return None if champion is None else str(champion.version)

    for given, reason in (
        ({}, "its gates were not judged"),
        ({"approved_by": ""}, "approved_by is empty"),
        ({"principal": "sp-train"}, "sp-train created it and would promote it"),
    ):
        with pytest.raises(TaskError, match=reason):
            promote(first, **given)
        assert registry.champion() is None
    judged(folder, first, champion="")
    assert promote(first) == first
    judged(folder, second, champion=first, state="failed")
    with pytest.raises(TaskError, match="g: failed"):
        promote(second)
    champion = registry.champion()
    assert champion is not None
    assert str(champion.version) == first
    judged(folder, second, champion=first)
    assert promote(second) == second
    assert registry.version(second).tags["approved_by"] == "engineer@example"
    assert "is champion in the place of version 1" in capsys.readouterr().out


def test_an_unknown_version_lists_the_valid_ones(folder: Path, versions: tuple[str, str]) -> None:
    with pytest.raises(TaskError, match=r"model_version = '9' is not valid for .*; valid: 1, 2"):
        Registry(task(folder, "sp-train"), Names.of(MODEL)).version("9")


def test_a_version_is_found_by_who_asked_for_it(folder: Path, versions: tuple[str, str]) -> None:
    registry = Registry(task(folder, "sp-train"), Names.of(MODEL))
    registry.tag(versions[0], {"requested_by": "run-7"})
    assert registry.requested("run-7").version == int(versions[0])
    with pytest.raises(TaskError, match="requested_by = 'run-8'"):
        registry.requested("run-8")


def test_what_is_not_deployed_says_so(folder: Path) -> None:
    registry = Registry(task(folder, "sp-train"), Names("other_model", "synthetic_omop"))
    with pytest.raises(TaskError, match="other_model does not exist; deploy"):
        registry.champion()
    with pytest.raises(TaskError, match="experiment '/Shared/none' does not exist; deploy"):
        registry.start("/Shared/none", "train", {})
    with pytest.raises(TaskError, match="run 'nothing' does not exist"):
        registry.run("nothing")


@pytest.mark.parametrize("code", ["TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR", "PERMISSION_DENIED"])
def test_what_fails_otherwise_is_not_taken_for_what_is_not_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import ErrorCode

    registry = Registry(task(folder, "sp-train"), Names.of(MODEL))

    def fails(_name: str) -> None:
        raise MlflowException("the service is down", error_code=ErrorCode.Value(code))

    monkeypatch.setattr(registry.client, "get_registered_model", fails)
    monkeypatch.setattr(registry.client, "get_run", fails)
    for ask in (registry.champion, lambda: registry.run("nothing")):
        with pytest.raises(MlflowException, match="the service is down"):
            ask()


def test_a_lock_file_gives_its_pins_without_hashes() -> None:
    assert pins(REQUIREMENTS) == ["scikit-learn==1.6.1", "mlflow==3.17.2"]
