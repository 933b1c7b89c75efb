"""Bulk source data: any size from a seed, whole by themselves, with defects that are where they say and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthetic.sources.abfm import SHARES as ABFM
from synthetic.sources.defects import KINDS
from synthetic.sources.omop import SHARES as OMOP
from synthetic.sources.premier import SHARES as PREMIER
from synthetic.sources.write import SHAPES, main, write

SHARES = {"omop": OMOP, "premier": PREMIER, "abfm": ABFM}
EACH = pytest.mark.parametrize("name", sorted(SHAPES))


@EACH
@pytest.mark.parametrize("events", [1_000, 25_000])
def test_the_events_of_all_tables_are_as_many_as_asked_for(name, events, tmp_path):
    rows = write(name, tmp_path, events=events, form="parquet")
    assert sum(rows[table] for table in SHARES[name]) == events
    assert {path.stem for path in tmp_path.glob("*.parquet")} == set(rows)


@EACH
def test_the_same_arguments_write_the_same_bytes_and_another_seed_others(name, tmp_path):
    def bytes_of(folder, seed):
        write(name, tmp_path / folder, events=2_000, seed=seed, defects={"encoding": 3})
        return {path.name: path.read_bytes() for path in sorted((tmp_path / folder).iterdir())}

    first = bytes_of("a", 1)
    assert first == bytes_of("b", 1)
    assert first != bytes_of("c", 2)


@EACH
@pytest.mark.parametrize("seed", range(4))
def test_every_planted_defect_changes_exactly_its_rows_and_none_is_shared(name, seed, tmp_path):
    kinds = [kind for kind in KINDS[name] if kind != "missing_column"]
    plant = {
        kind: int(k) for kind, k in zip(kinds, np.random.default_rng(seed).integers(0, 20, len(kinds)), strict=True)
    }
    write(name, tmp_path / "right", events=3_000, seed=seed)
    write(name, tmp_path / "wrong", events=3_000, seed=seed, defects=plant)
    for table in {KINDS[name][kind].table for kind in kinds}:
        right, wrong = (
            pd.read_csv(tmp_path / folder / f"{table}.csv", dtype=str, keep_default_na=False, encoding="latin-1")
            for folder in ("right", "wrong")
        )
        of_table = {kind: plant[kind] for kind in kinds if KINDS[name][kind].table == table}
        assert len(wrong) - len(right) == of_table.get("exact_duplicate", 0)
        assert wrong.duplicated().sum() - right.duplicated().sum() == of_table.pop("exact_duplicate", 0)
        changed = (wrong.iloc[: len(right)] != right).sum(axis=1)
        assert changed.max() <= 1
        assert changed.sum() == sum(of_table.values())


def test_a_byte_that_is_no_utf8_is_in_the_file(tmp_path):
    write("premier", tmp_path, events=1_000, defects={"encoding": 4})
    content = (tmp_path / "lab_res.csv").read_bytes()
    assert content.count(b"\xe9") == 4
    with pytest.raises(UnicodeDecodeError):
        content.decode()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"shape": "truveta"}, "shape 'truveta' is not known; valid: abfm, omop, premier"),
        ({"form": "xml"}, "form 'xml' is not known; valid: csv, parquet"),
        ({"events": 10}, "events = 10 is not valid; valid: 1,000 or more"),
        ({"defects": {"gremlins": 3}}, "defect 'gremlins' is not valid for omop; valid: after_extraction, "),
        ({"defects": {"missing_column": 3}}, "missing_column = 3 is not valid; valid: 0 or 1"),
        ({"defects": {"encoding": 3}, "form": "parquet"}, "'encoding' is not valid for parquet, whose text is UTF-8"),
        ({"defects": {"unknown_code": 900}}, "procedure_occurrence has 98 rows for this defect, not 900; make more events"),
    ],
)  # fmt: skip
def test_a_wrong_argument_names_what_is_valid_and_writes_nothing(given, says, tmp_path):
    arguments = {"shape": "omop", "events": 1_000} | given
    with pytest.raises(ValueError) as refused:
        write(arguments.pop("shape"), tmp_path / "out", **arguments)
    assert says in str(refused.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (["--plant", "orphan_vist=3"], "defect 'orphan_vist' is not valid for premier; valid: after_extraction, "),
        (["--plant", "orphan_visit"], "'orphan_visit' is not valid; valid: KIND=COUNT, such as orphan_visit=13"),
        (["--plant", "orphan_visit=1", "--plant", "orphan_visit=3"], "--plant orphan_visit is not valid twice"),
        (["--plant", "orphan_visit=-3"], "'orphan_visit=-3' is not valid; valid: KIND=COUNT"),
        (["--events", "100"], "events = 100 is not valid; valid: 1,000 or more"),
    ],
)
def test_what_is_typed_wrong_is_told_in_a_line_with_what_is_valid(typed, says, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["write", "premier", str(tmp_path / "out"), *typed])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_command_writes_what_is_typed_and_says_how_many_rows(tmp_path, monkeypatch, capsys):
    typed = ["--events", "1000", "--plant", "orphan_visit=13", "--plant", "encoding=4"]
    monkeypatch.setattr("sys.argv", ["write", "premier", str(tmp_path / "typed"), *typed])
    main()
    rows = write("premier", tmp_path / "called", events=1_000, defects={"orphan_visit": 13, "encoding": 4})
    assert capsys.readouterr().out.splitlines() == [f"{name}: {count:,} rows" for name, count in rows.items()]
    for name in rows:
        assert (tmp_path / f"typed/{name}.csv").read_bytes() == (tmp_path / f"called/{name}.csv").read_bytes()
