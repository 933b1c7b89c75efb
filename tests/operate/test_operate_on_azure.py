"""What `operate` makes of answers in the shapes that Azure Databricks documents, without what only the sandbox gives."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parent))
from azure_answers import Azure, azure

from cli.__main__ import app
from cli.client import Where, opened
from cli.errors import UsageError
from cli.runs import Forest, print_runs
from operate.connection import connected
from operate.errors import OperateError
from operate.logs import logs
from operate.runs import Runs
from operate.status import status
from operate.watch import Watch
from operate.work import repair, start

pytestmark = pytest.mark.clause("P5")


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Azure]:
    """A workspace that the environment names, as a person on Azure has it."""
    with azure() as told:
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("DATABRICKS_CONFIG_PROFILE", "DATABRICKS_CLIENT_ID", "http_proxy", "HTTP_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("DATABRICKS_HOST", told.host)
        monkeypatch.setenv("DATABRICKS_TOKEN", "dapi0")
        yield told


def test_a_tree_is_read_from_documented_answers_alone(there: Azure):
    found = Runs(connected()).newest(5)
    file = StringIO()
    print_runs(Console(file=file, width=120, highlight=False), "prod", Forest.of(found, 5))
    lines = [line.rstrip() for line in file.getvalue().splitlines()]
    assert lines == [
        "prod stage: 2 runs, 1 started by its schedule",
        "✗ run 900 readmission_train  1 min 30 s  2026-01-01 10:00:00, FAILED, 1 repair",
        "  folds=[3, 4]",
        "  Task bad failed with message: Workload failed, see run output for details.",
        "├── ✗ bad  1 min 09 s  FAILED, 2 attempts",
        "│     ValueError: no such fold",
        "├── ✓ good  19.0 s",
        "├── ✓ wanted  1.0 s",
        "│     '{{tasks.observe.values.retrain}}' EQUAL_TO 'true' is true",
        "├── ✓ start  19.0 s",
        "│   └── ✓ run 950 child  17.0 s  2026-01-01 10:00:22",
        "│       └── ✓ inner  17.0 s",
        "└── ✗ each  39.0 s  FAILED, 2 iterations: 1 failed, 1 done",
        "    └── ✗ each.2  38.0 s  FAILED",
        "          ValueError: no such fold",
    ]


def test_logs_are_in_the_order_of_the_work_with_the_trace_and_say_what_was_cut(there: Azure):
    client = connected()
    found = [(one.task.task_key, one.attempt.attempt, one.lines) for one in logs(client, 900)]
    trace = ("before", "Traceback (most recent call last):", "ValueError: no such fold")
    assert found == [
        ("good", 1, ("line of 901",)), ("wanted", 1, ()), ("bad", 1, trace), ("start", 1, ()), ("each", 1, ()),
        ("each.1", 1, ("line of 911",)), ("each.2", 1, trace), ("bad", 2, trace),
    ]  # fmt: skip
    assert [(one.lines, one.cut) for one in logs(client, 950)] == [(("line of 951",), True)]


def test_a_run_whose_log_comes_at_its_end_is_watched_all_the_same(there: Azure):
    client, seen = connected(), []
    run_id = start(client, "readmission_train", {"folds": "[1]"})
    run = Watch(client, lambda one: seen.append(type(one).__name__), 0.01).follow(run_id)
    assert ("POST", "/api/2.2/jobs/run-now", {"job_id": 11, "job_parameters": {"folds": "[1]"}}) in there.asked
    assert (run.result, seen) == ("SUCCESS", ["Started", "Wrote", "Ended", "Finished"])


def test_a_second_repair_names_the_last_one(there: Azure):
    repair(connected(), 900, [], {})
    (sent,) = [given for _, path, given in there.asked if path.endswith("/runs/repair")]
    assert sent == {
        "run_id": 900, "latest_repair_id": 77, "rerun_all_failed_tasks": True, "rerun_dependent_tasks": True,
    }  # fmt: skip


def test_status_says_what_it_may_not_know_and_leaves_other_catalogs_out(there: Azure):
    found = status(connected(), "cdh_prod")
    assert (found.who, found.schemas, found.active) == ("r3@cdh.example", ("ml",), ())
    assert [(one.name, one.champion, one.unknown) for one in found.models] == [
        ("cdh_prod.ml.closed", None, "User does not have EXECUTE on Model."),
        ("cdh_prod.readmission.readmission", 7, ""),
    ]
    assert [(one.name, one.code, one.last and one.last.result) for one in found.jobs] == [
        ("child", "abc123", "SUCCESS"), ("readmission_train", "abc123", "FAILED"),
    ]  # fmt: skip
    assert [(one.task_key, one.outcome) for one in found.jobs[1].conditions] == [("wanted", "true")]


def test_the_workspace_of_another_stage_is_refused_before_anything_is_done(there: Azure):
    with opened(Where(stage="prod", azure=True)) as found:
        assert (found.catalog, found.ours) == ("cdh_prod", False)
    for where, error, said in (
        (Where(stage="dev", azure=True), OperateError, "holds stage 'prod', not 'dev'; set DATABRICKS_HOST to the"),
        (Where(stage="x", azure=True), UsageError, "stage 'x' is unknown; valid: dev, validation, prod"),
        (Where(stage="prod", azure=True, principal="r3@cdh.example"), UsageError, "--as is for the sandbox"),
    ):
        with pytest.raises(error, match=said), opened(where):
            pass
    assert {method for method, _, _ in there.asked} == {"GET"}


def test_a_run_or_a_job_that_is_not_there_is_named_with_those_that_are(there: Azure):
    with pytest.raises(OperateError, match=r"^run 77 is unknown; the newest: 950, 900$"):
        Runs(connected()).run(77)
    with pytest.raises(OperateError, match=r"^job 'x' is not deployed, .*; valid: child, readmission_train$"):
        start(connected(), "x", {})
    with pytest.raises(OperateError, match=r"^job 'readmission_train' has no parameter 'b'; valid: folds$"):
        start(connected(), "readmission_train", {"b": "1"})


COMMANDS = {
    "status prod": ("cdh_prod.readmission.readmission", "version 7"),
    "runs prod": ("✗ run 900 readmission_train", "✓ run 950 child"),
    "logs prod 900 bad --attempt 2": ("bad, attempt 2 of 2", "ValueError: no such fold"),
    "run prod readmission_train folds=[1]": ("▸ readmission_train only", "SUCCESS readmission_train, run 960"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_works_on_the_workspace_that_the_environment_names(command, there: Azure, monkeypatch):
    monkeypatch.setattr("cli.client.AZURE_POLL", 0.01)
    done = CliRunner().invoke(app, [*command.split(), "--azure"], env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    for said in COMMANDS[command]:
        assert said in done.output


@pytest.mark.parametrize("command", ["cancel prod 900", "run dev readmission_train", "repair prod 77"])
def test_a_command_that_cannot_be_sends_nothing_that_changes_anything(command, there: Azure):
    done = CliRunner().invoke(app, [*command.split(), "--azure"])
    assert isinstance(done.exception, OperateError)
    assert {method for method, _, _ in there.asked} == {"GET"}


def test_without_a_way_to_sign_in_one_line_says_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(OperateError, match=r"^no way into the workspace: .*; set DATABRICKS_HOST and sign in$"):
        connected()
