"""Reads the files that reference data come in. A file that is cut short or of another shape is refused by name.

Each reader yields the rows of one table of the `reference` zone, by the columns of its contract.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from datetime import date
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.errors import TaskError
from workflows.code_systems import SYSTEMS

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


def refused(file: Path, line: int, valid: str) -> TaskError:
    """What is said of a line that cannot be. It quotes nothing: a wrong delivery may hold anything."""
    return TaskError(f"{file.name}, line {line}, is not valid; valid: {valid}; deliver the file again")


def text_of(file: Path) -> str:
    """The whole text of a file, unpacked where its name ends in `.gz`."""
    try:
        raw = file.read_bytes()
        whole = gzip.decompress(raw) if file.suffix == ".gz" else raw
        text = whole.decode("utf-8-sig")
    except (EOFError, OSError, zlib.error) as error:
        raise TaskError(f"{file.name} cannot be read to its end ({error}); deliver the file again") from error
    except UnicodeDecodeError as error:
        raise TaskError(f"{file.name} is not UTF-8 text (byte {error.start}); deliver the file again") from error
    if not text:
        raise TaskError(f"{file.name} is empty; deliver the file again")
    if not text.endswith("\n"):
        raise TaskError(f"{file.name} ends in the middle of a line: it is cut short; deliver the file again")
    return text


def spelled(vocabulary_id: str, code: str, file: Path, line: int) -> str:
    """The one spelling of a delivered code."""
    system = SYSTEMS[vocabulary_id]
    if (one := system.spelled(code)) is None:
        raise refused(file, line, f"a code of {vocabulary_id} such as {system.example}")
    return one


def icd10cm_order(file: Path) -> Iterator[Row]:
    """ICD-10-CM's order file: order number, code, whether it is billable, short and long description, by position."""
    for number, line in enumerate(text_of(file).splitlines(), 1):
        if not re.fullmatch("[0-9]{5}", line[:5]) or line[14:15] not in ("0", "1") or len(line) < 78:
            raise refused(file, number, "5 digits, a code, 0 or 1 in column 15, two descriptions")
        if int(line[:5]) != number:
            raise refused(file, number, f"order number {number:05d}, as lines count up from 00001")
        yield {
            "concept_code": spelled("ICD10CM", line[6:14], file, number),
            "is_billable": line[14] == "1",
            "short_name": line[16:77].strip(),
            "concept_name": line[77:].strip(),
        }


def ccs_single(file: Path) -> Iterator[Row]:
    """AHRQ's single-level CCS of ICD-9-CM: two lines of heading, values in single quotes, only billable codes."""
    lines = text_of(file).splitlines()
    heading = "'ICD-9-CM CODE','CCS CATEGORY','CCS CATEGORY DESCRIPTION','ICD-9-CM CODE DESCRIPTION'"
    if len(lines) < 3 or not lines[1].startswith(heading):
        raise refused(file, 2, heading)
    for number, line in enumerate(lines[2:], 3):
        values = [value.strip() for value in next(csv.reader([line], quotechar="'"))]
        if len(values) < 4 or not re.fullmatch("[0-9]{1,9}", values[1]):
            raise refused(file, number, "a code, the number of a category, its name, the code's name")
        if values[0]:
            # The one line without a code is the category of codes that are not valid.
            yield {
                "concept_code": spelled("ICD9CM", values[0], file, number),
                "ccs_category": int(values[1]),
                "ccs_category_name": values[2],
                "concept_name": values[3].strip('"'),
            }


def gem(file: Path, source: str, target: str) -> Iterator[Row]:
    """CMS's general equivalence map from one vocabulary to another; a code that maps to nothing has no target."""
    source_column, target_column = {"ICD9CM": ("icd9cm", "icd10cm"), "ICD9Proc": ("icd9pcs", "icd10pcs")}[source]
    reader = csv.DictReader(text_of(file).splitlines(), restkey="more")
    wanted = [source_column, target_column, "flags", "approximate", "no_map", "combination", "scenario", "choice_list"]
    if reader.fieldnames != wanted:
        raise refused(file, 1, ", ".join(wanted))
    for row in reader:
        if "more" in row or None in row.values() or row["no_map"] not in ("0", "1"):
            raise refused(file, reader.line_num, f"{len(wanted)} values, no_map 0 or 1")
        if not all(re.fullmatch("[0-9]{1,9}", row[name]) for name in wanted[6:]):
            raise refused(file, reader.line_num, "scenario and choice_list whole numbers")
        unmapped = row["no_map"] == "1"
        yield {
            "source_vocabulary_id": source,
            "source_code": spelled(source, row[source_column], file, reader.line_num),
            "target_vocabulary_id": target,
            "target_code": None if unmapped else spelled(target, row[target_column], file, reader.line_num),
            "is_approximate": row["approximate"] == "1",
            "scenario": int(row["scenario"]),
            "choice_list": int(row["choice_list"]),
        }


def athena(name: str, file: Path) -> Iterator[Row]:
    """One table of an Athena bundle, row by row; the columns that are read of it are there and can be read."""
    table = athena_table(file)
    if [one for one in READ[name] if table.column_names.count(one) != 1]:
        tabs = "" if file.suffix == ".parquet" else " between tabs"
        raise refused(file, 1, f"columns{tabs}, among them {', '.join(READ[name])}")
    for column, valid in READ[name].items():
        if valid and (place := misfit(table[column], valid)) is not None:
            # Below the heading, which a parquet file does not have.
            raise refused(file, place + (1 if file.suffix == ".parquet" else 2), f"{column} = {valid}")
    for batch in table.to_batches():
        yield from batch.to_pylist()


def misfit(column: pa.ChunkedArray, valid: str) -> int | None:
    """The place of the first value that cannot be read as what is valid."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if wrong := [value for value in pc.unique(column).to_pylist() if not fits(value, valid)]:
        place: int = pc.index(pc.is_in(column, value_set=pa.array(wrong, type=column.type)), True).as_py()
        return place
    return None


def fits(value: Any, valid: str) -> bool:
    """Whether a value is a whole number or a day."""
    if valid == WHOLE:
        return isinstance(value, int) or re.fullmatch("-?[0-9]{1,18}", str(value)) is not None
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return True


def athena_table(file: Path) -> pa.Table:
    """One table of an Athena bundle: parquet, or text with tabs and no quotes, dates as YYYYMMDD or YYYY-MM-DD."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(file) if file.suffix == ".parquet" else tabbed(file)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        # Arrow's own message quotes the line.
        kind = "parquet file" if file.suffix == ".parquet" else "table with tabs and as many values in every line"
        raise TaskError(
            f"{file.name} is not a whole {kind} ({type(error).__name__}); deliver the file again"
        ) from error


def tabbed(file: Path) -> pa.Table:
    """A table of text; an empty value is null, and what is named a date becomes YYYY-MM-DD."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv as arrow_csv

    with file.open("rb") as stream:
        names = stream.readline().decode("utf-8-sig").rstrip("\r\n").split("\t")
        stream.seek(0, 2)
        if stream.tell():
            stream.seek(-1, 2)
            if stream.read(1) != b"\n":
                raise TaskError(f"{file.name} ends in the middle of a line: it is cut short; deliver the file again")
    read = arrow_csv.read_csv(
        file,
        parse_options=arrow_csv.ParseOptions(delimiter="\t", quote_char=False, double_quote=False),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
        ),
    )
    for place, name in enumerate(names):
        if name.endswith("_date"):
            dashed = pc.replace_substring_regex(read.column(place), r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3")
            read = read.set_column(place, name, dashed)
    return read


def table(name: str, file: Path) -> pa.Table:
    """All rows of a table in its file, as a frame can be made of them."""
    import pyarrow as pa

    if name in ATHENA:
        return athena_table(file)
    return pa.Table.from_pylist(list(rows(name, file)))


WHOLE, DAY = "a whole number", "a day (YYYYMMDD or YYYY-MM-DD)"
# table of an Athena bundle -> (the columns that are read row by row, what their values have to be)
READ: dict[str, dict[str, str]] = {
    "concept": {
        "concept_id": WHOLE, "vocabulary_id": "", "concept_class_id": "", "concept_code": "", "valid_end_date": DAY,
        "invalid_reason": "",
    },
    "concept_relationship": {"concept_id_1": WHOLE, "concept_id_2": WHOLE, "relationship_id": "", "invalid_reason": ""},
    "concept_ancestor": {"ancestor_concept_id": WHOLE, "descendant_concept_id": WHOLE},
    "vocabulary": {},
}  # fmt: skip
ATHENA = tuple(READ)
# table of the reference zone -> (the names its file may have, how it is read)
READERS: dict[str, tuple[tuple[str, ...], Callable[[Path], Iterator[Row]]]] = {
    "icd10cm": (("icd10cm-order*.txt", "icd10cm-order*.txt.gz", "icd10cm_order*.txt"), icd10cm_order),
    "icd9cm_ccs": (("*ccs_single_dxref*.csv", "$dxref*.csv"), ccs_single),
    "icd9cm_icd10cm_gem": (("icd9toicd10cmgem.csv",), lambda file: gem(file, "ICD9CM", "ICD10CM")),
    "icd9proc_icd10pcs_gem": (("icd9toicd10pcsgem.csv",), lambda file: gem(file, "ICD9Proc", "ICD10PCS")),
    **{name: ((f"{name.upper()}.csv", f"{name}.csv", f"{name}.parquet"), partial(athena, name)) for name in ATHENA},
}


def found(folder: Path) -> dict[str, Path]:
    """The reference tables that a folder holds files of; two files of one table are refused."""
    if not folder.is_dir():
        raise TaskError(f"reference folder {folder.name!r} is not there; valid: a folder with {looked_for()}")
    files: dict[str, Path] = {}
    for table, (patterns, _) in READERS.items():
        # By the name that a file has: some disks find one under another, and it would be two.
        there = sorted(file for file in folder.iterdir() if any(fnmatchcase(file.name, one) for one in patterns))
        if len(there) > 1:
            raise TaskError(f"{folder.name} holds {', '.join(file.name for file in there)}; valid: one file of {table}")
        if there:
            files[table] = there[0]
    if not files:
        raise TaskError(f"{folder.name} holds no reference file; looked for {looked_for()}")
    return files


def looked_for() -> str:
    """The file names of every table."""
    return "; ".join(f"{table}: {' or '.join(patterns)}" for table, (patterns, _) in READERS.items())


def rows(table: str, file: Path) -> Iterator[Row]:
    """The rows of a table in its file."""
    try:
        yield from READERS[table][1](file)
    except csv.Error as error:
        # Its own message quotes nothing.
        raise TaskError(f"{file.name} is not a CSV file that can be read ({error}); deliver the file again") from error
