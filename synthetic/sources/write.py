"""Writes a source of any size into a folder, as CSV or parquet, with planted defects.

python -m synthetic.sources.write omop FOLDER --events 1000000 --seed 42 --plant orphan_visit=13
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from synthetic.sources import abfm, omop, premier
from synthetic.sources.defects import KINDS, NOT_UTF8, planted
from synthetic.sources.population import Population, Table, population

SHAPES: dict[str, Callable[[Population], dict[str, Table]]] = {
    "omop": omop.tables, "premier": premier.tables, "abfm": abfm.tables,
}  # fmt: skip
FORMS = ("csv", "parquet")
CHUNK = 1 << 24


def write(
    shape: str, folder: Path, *, events: int = 10_000, seed: int = 42, form: str = "csv",
    defects: Mapping[str, int] | None = None,
) -> dict[str, int]:  # fmt: skip
    """Write the tables; the rows of each. Same arguments, same bytes. Raises ValueError naming what is valid."""
    for name, value, valid in (("shape", shape, SHAPES), ("form", form, FORMS)):
        if value not in valid:
            raise ValueError(f"{name} {value!r} is not known; valid: {', '.join(sorted(valid))}")
    if "encoding" in (defects or {}) and form != "csv":
        raise ValueError(f"defect 'encoding' is not valid for {form}, whose text is UTF-8; valid: csv")
    people = population(events, seed)
    tables, defects = SHAPES[shape](people), defects or {}
    if defects:
        tables = planted(tables, shape, defects, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,))))
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in tables.items():
        table = pa.table(columns)
        path = folder / f"{name}.{form}"
        if form == "parquet":
            pa.parquet.write_table(table, path)
        else:
            pa.csv.write_csv(table, path)
            if "encoding" in defects and name == KINDS[shape]["encoding"].table:
                spoil(path)
    return {name: len(next(iter(columns.values()))) for name, columns in tables.items()}


def spoil(path: Path) -> None:
    """Put a byte that is no UTF-8 where the tables have a stand-in for it."""
    whole = path.with_suffix(".whole")
    path.rename(whole)
    with whole.open("rb") as before, path.open("wb") as after:
        while chunk := before.read(CHUNK):
            after.write(chunk.replace(NOT_UTF8.encode(), b"\xe9"))
    whole.unlink()


def plant(text: str) -> tuple[str, int]:
    """`KIND=COUNT` as it is typed."""
    kind, _, count = text.partition("=")
    if not count.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not valid; valid: KIND=COUNT, such as orphan_visit=13")
    return kind, int(count)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m synthetic.sources.write", description=__doc__)
    parser.add_argument("shape", choices=sorted(SHAPES))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--form", choices=FORMS, default="csv")
    parser.add_argument("--plant", metavar="KIND=COUNT", type=plant, action="append", default=[])
    given = parser.parse_args()
    shape, folder, defects = given.shape, given.folder, dict(given.plant)
    kinds = [kind for kind, _ in given.plant]
    if twice := sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        parser.error(f"--plant {', '.join(twice)} is not valid twice; valid: each kind once, with its whole count")
    try:
        rows = write(shape, folder, events=given.events, seed=given.seed, form=given.form, defects=defects)
    except ValueError as error:
        parser.error(str(error))
    for name, count in rows.items():
        print(f"{name}: {count:,} rows")


if __name__ == "__main__":
    main()
