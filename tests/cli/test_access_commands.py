"""`mlops who-can` and `mlops what-can`, on the project's own stages as they are synthesized."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli.__main__ import app
from cli.errors import UsageError
from cli.json_file import write
from review.deployed import ReviewError


def asked(*arguments: str):
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


@pytest.mark.clause("P5")
def test_who_can_names_principals_with_the_address_of_the_grant(tmp_path):
    answer = asked("who-can", "prod", "set-alias", "model/readmission", "--json", str(tmp_path / "who.json"))
    assert answer.exit_code == 0, answer.output
    assert "sp-promote" in answer.output
    (one,) = json.loads((tmp_path / "who.json").read_text())
    assert one["principal"] == "sp-promote"
    assert one["through"][-1]["address"] == "databricks_registered_model.readmission"


def test_json_goes_into_a_folder_that_is_made_and_a_file_that_cannot_be_written_is_named(tmp_path):
    written = asked("what-can", "prod", "R3-uci130", "--json", str(tmp_path / "new" / "what.json"))
    assert written.exit_code == 0, written.output
    assert json.loads((tmp_path / "new" / "what.json").read_text())
    with pytest.raises(UsageError, match=r"--json = '.*what.json/x.json' is not valid: .*; valid: a file that can be"):
        write([], tmp_path / "new" / "what.json" / "x.json")


def test_what_can_answers_for_a_role_and_each_dataset_of_it(tmp_path):
    answer = asked("what-can", "prod", "R3-uci130", "--json", str(tmp_path / "what.json"))
    assert answer.exit_code == 0, answer.output
    found = json.loads((tmp_path / "what.json").read_text())
    assert {one["principal"] for one in found} == {"cdh-ml-data-science-analysts-uci130"}
    assert {one["verb"] for one in found} == {"execute", "find", "open", "query", "read", "use", "view"}


def test_a_stage_that_there_is_not_is_refused_with_the_nearest():
    answer = asked("who-can", "pord", "read", "ml.lineage")
    assert isinstance(answer.exception, ReviewError)
    assert "did you mean 'prod'" in str(answer.exception)
