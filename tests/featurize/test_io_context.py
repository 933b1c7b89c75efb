"""A task's arguments, its doors, and what it says when it fails."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.disclosure import redacted, shown, suppressed
from jobs.entry_points import ENTRY_POINTS
from jobs.errors import TaskError
from jobs.io.context import Surroundings, Task, days_by_schema, parsed, reason, run
from jobs.io.values import FileValues
from workflows.canonical import canonical, digest
from workflows.models.readmission import readmission

GIVEN = {
    "catalog": "cdh_dev", "declaration": "/Volumes/cdh_dev/ml/artifacts/d.json",
    "requirements": "/Volumes/cdh_dev/ml/artifacts/r.txt", "job_id": "1", "job_run_id": "2", "task_run_id": "3",
    "person_sample": "0.25",
}  # fmt: skip


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    folder = tmp_path / "cdh_dev" / "ml" / "artifacts"
    folder.mkdir(parents=True)
    (folder / "d.json").write_text(canonical(readmission), encoding="utf-8")
    (folder / "r.txt").write_bytes(b"numpy\n")
    return Surroundings(session_catalog="cdh_dev", volumes_root=tmp_path, values_file=tmp_path / "values")


def arguments(**given: str) -> list[str]:
    return [f"--{name}={value}" for name, value in given.items()]


def test_a_task_knows_its_declaration_and_the_hashes_of_what_it_ran_with(surroundings: Surroundings):
    task = Task.of("train", arguments(**GIVEN), surroundings)
    assert task.declaration == readmission
    assert task.declaration_hash == digest(readmission)
    assert task.requirements_hash == hashlib.sha256(b"numpy\n").hexdigest()
    assert task.parameter("person_sample") == "0.25"
    assert set(task.tags) == {"commit", "requirements_hash", "declaration_hash", "job_id", "job_run_id", "task_run_id"}


def test_missing_parameters_are_named_with_those_given(surroundings: Surroundings):
    few = {name: value for name, value in GIVEN.items() if name not in ("job_id", "declaration")}
    with pytest.raises(TaskError, match="parameters declaration, job_id are missing; given: catalog"):
        Task.of("train", arguments(**few), surroundings)
    with pytest.raises(TaskError, match="parameter 'table' is missing; given: catalog, declaration"):
        Task.of("train", arguments(**GIVEN), surroundings).parameter("table")


def test_a_catalog_that_the_server_does_not_serve_is_refused(surroundings: Surroundings):
    with pytest.raises(TaskError, match="catalog = 'cdh_prod' is not served here; valid: cdh_dev"):
        Task.of("train", arguments(**GIVEN | {"catalog": "cdh_prod"}), surroundings)


@pytest.mark.parametrize("argument", ["catalog=x", "--catalog", "--=x", "-c=x"])
def test_an_argument_that_is_no_name_and_value_is_refused(argument: str):
    with pytest.raises(TaskError, match="valid: --name=value"):
        parsed([argument])


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), st.text(max_size=20), max_size=5))
def test_every_value_comes_through_whatever_it_holds(given_values: dict[str, str]):
    assert parsed(arguments(**given_values)) == given_values


def test_volume_paths_lead_below_the_volumes_folder_and_nowhere_else(tmp_path: Path):
    local = Surroundings(volumes_root=tmp_path)
    assert local.volume("/Volumes/c/ml/artifacts/x") == tmp_path / "c/ml/artifacts/x"
    assert Surroundings().volume("/Volumes/c/ml/artifacts/x") == Path("/Volumes/c/ml/artifacts/x")
    for path in ("/etc/passwd", "/Volumes/../etc/passwd", "Volumes/c", "/Volumesx/c"):
        with pytest.raises(TaskError, match="volume path"):
            local.volume(path)


def test_task_values_are_one_json_object_a_line(tmp_path: Path):
    values = FileValues(tmp_path / "values")
    values.set("parameters", '{"C": 0.1}\n')
    values.set("run_id", "x")
    lines = (tmp_path / "values").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"key": "parameters", "value": '{"C": 0.1}\n'}, {"key": "run_id", "value": "x"},
    ]  # fmt: skip


def test_counts_of_one_to_ten_persons_are_suppressed():
    assert [suppressed(count) for count in (0, 1, 10, 11)] == [0, None, None, 11]
    assert [shown(count) for count in (0, 3, 1234)] == ["0", "fewer than 11", "1,234"]


def test_a_foreign_error_loses_the_values_it_quotes():
    told = reason(ValueError("could not convert string to float: 'Jane Roe' of person 8821340\nrow: 1, 2, 3"))
    assert told == "ValueError: could not convert string to float: ... of person ..."
    assert redacted("") == ""


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("The value 'Roe, Jane\nDOB 3/5/61' of the type \"STRING\" is malformed.\nat x", "The value ... is malformed."),
        ("The value 'O'Brien M 12.5.1961' is malformed.", "The value ... is malformed."),
        ("Can't parse 'Smith' as a date", "Can... as a date"),
        ("an end that 'Smith never closes", "an end that ..."),
        ("[TABLE_NOT_FOUND] The table `a`.`b`\nselect 'Smith'", "[TABLE_NOT_FOUND] The table `a`.`b`"),
    ],
)
def test_a_quote_goes_whole_whatever_quotes_and_lines_it_holds(message: str, told: str):
    assert redacted(message) == told


def test_a_refusal_names_its_table_in_full():
    refused = RuntimeError(
        "(org.apache.spark.SparkSecurityException) [INSUFFICIENT_PERMISSIONS] Insufficient privileges:\n"
        "User does not have SELECT on Table 'cdh_dev.uci130.encounter'. SQLSTATE: 42501\n\nJVM stacktrace:\nat x"
    )
    assert reason(refused).endswith("does not have SELECT on Table 'cdh_dev.uci130.encounter'. SQLSTATE: 42501")


def fails(task: Task) -> None:
    raise TaskError("uci130.encounter is empty")


def crashes(task: Task) -> None:
    raise KeyError(f"person {47 * 100 + 11}")


@pytest.mark.parametrize(
    ("main", "last"), [(fails, "fails: uci130.encounter is empty"), (crashes, "crashes: KeyError: ...")]
)
def test_a_failed_task_ends_with_one_and_its_reason_as_the_last_line(
    main, last: str, surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("CDH_VOLUMES_ROOT", str(surroundings.volumes_root))
    monkeypatch.setattr(sys, "argv", ["task", *arguments(**GIVEN)])
    with pytest.raises(SystemExit) as exit_:
        run(main)
    assert exit_.value.code == 1
    shown_text = capsys.readouterr().err
    assert shown_text.splitlines()[-1] == last
    assert "4711" not in shown_text


def test_a_declaration_that_was_not_deployed_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("CDH_VOLUMES_ROOT", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["task", *arguments(**GIVEN)])
    with pytest.raises(SystemExit):
        run(fails)
    assert "d.json cannot be read (No such file or directory); deploy the stage first" in capsys.readouterr().err


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_every_entry_point_can_be_called(name: str):
    from importlib import import_module

    module, function = ENTRY_POINTS[name].split(":")
    assert callable(getattr(import_module(module), function))


def test_how_far_back_a_zone_is_kept_comes_with_the_task_and_is_checked():
    assert days_by_schema("ml=30,uci130_ra=7") == {"ml": 30, "uci130_ra": 7}
    assert days_by_schema("") == {}


@pytest.mark.parametrize("text", ["ml", "ml=", "=7", "ml=0", "ml=-1", "ml=a week", "ml=30;x=7"])
def test_a_wrong_number_of_days_is_told_with_what_it_should_be(text):
    with pytest.raises(TaskError, match=r"as_of_days: .* is not valid; valid: <schema>=<days from 1>"):
        days_by_schema(text)
