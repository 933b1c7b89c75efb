"""`mlops report data`, and the page with which the run of a featurization ends."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest
from runner_bench import Bench, task
from screen import Screen

import cli.report
import cli.work
from cli.client import Opened, Where
from cli.errors import UsageError
from cli.report import data_page, featurized
from cli.work import approve_data, reported

pytestmark = pytest.mark.clause("F5", "F8")


@pytest.mark.parametrize(
    ("job", "source"),
    [
        ("synthetic_omop_featurize", "synthetic_omop"), ("uci130_featurize", "uci130"), ("readmission_featurize", None),
        ("readmission_train", None), ("reference_data_featurize", None),
    ],
)  # fmt: skip
def test_only_the_job_that_makes_a_sources_facts_has_a_quality_report(job: str, source: str | None):
    assert featurized(job) == source


@pytest.mark.parametrize(
    ("where", "job", "lines"),
    [
        (Where(stage="dev"), "uci130_featurize", ["quality report: /pages/dev-uci130.html"]),
        (Where(stage="dev"), "readmission_train", []),
        (Where(stage="dev", principal="r5@cdh.example"), "uci130_featurize", []),
        (Where(stage="dev", azure=True), "uci130_featurize", []),
    ],
)
def test_a_run_ends_with_its_report_where_the_tables_are_here_and_nobody_elses_eyes_are_asked_for(
    where: Where, job: str, lines: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cli.report, "data_page", lambda stage, source: Path(f"/pages/{stage}-{source}.html"))
    screen = Screen()
    reported(screen.console, where, job)
    assert screen.lines == lines


def test_a_source_that_nobody_declared_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"source 'premier2' is not known; valid: .*premier"):
        data_page("dev", "premier2")


def test_an_approval_is_given_in_the_name_of_whom_the_client_signs_in_as(
    bench: Bench, workspace: Opened, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    given = {name: f"{{{{job.parameters.{name}}}}}" for name in ("approved_by", "reason")}
    defaults = [{"name": name, "default": ""} for name in given]
    bench.deploy("uci130_approve", [task("approve", "say", named=given)], parameter=defaults)
    monkeypatch.setattr(cli.work, "opened", lambda _: nullcontext(workspace))
    approve_data(Where(stage="dev"), "uci130", "counts as last year")
    me = workspace.client.current_user.me().user_name
    assert me
    said = f'said {{"approved_by": "{me}", "reason": "counts as last year"}}'
    assert said in " ".join(capsys.readouterr().out.split())
