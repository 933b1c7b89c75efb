"""The codes that reference data know, by vocabulary: whether a code is there, a header, or retired."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from jobs.codes import files
from workflows.code_systems import SYSTEMS, above

FOREVER = date(2099, 12, 31)


@dataclass(frozen=True)
class Entry:
    """What the reference says of one code. leaf: it is no header, so it can be billed. until: its last valid day."""

    leaf: bool
    until: date = FOREVER


@dataclass
class Known:
    """Codes by vocabulary. A vocabulary that is not in it cannot be judged."""

    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)

    def add(self, vocabulary_id: str, code: str, entry: Entry) -> None:
        """Take in one code; a leaf stays one."""
        codes = self.entries.setdefault(vocabulary_id, {})
        if code not in codes or entry.leaf:
            codes[code] = entry

    def entry(self, vocabulary_id: str, code: str) -> Entry | None:
        """What is known of a code in the one spelling of its vocabulary."""
        return self.entries.get(vocabulary_id, {}).get(code)

    def judges(self, vocabulary_id: str) -> bool:
        """Whether there are codes of this vocabulary to compare with."""
        return bool(self.entries.get(vocabulary_id))

    def retires(self, vocabulary_id: str) -> bool:
        """Whether any code of this vocabulary is known to have ended: many files list only what is valid."""
        return any(entry.until != FOREVER for entry in self.entries.get(vocabulary_id, {}).values())

    def elsewhere(self, code: str, other_than: str) -> tuple[str, ...]:
        """The other vocabularies that know a code, spelled their way."""
        ways = ((name, SYSTEMS[name].spelled(code)) for name in self.entries if name != other_than and name in SYSTEMS)
        return tuple(sorted(name for name, one in ways if one is not None and one in self.entries[name]))

    def headed(self) -> Known:
        """With the headers of vocabularies whose files list none: what stands above a code and is no code itself."""
        for vocabulary_id, codes in self.entries.items():
            for code in tuple(codes) if all(entry.leaf for entry in codes.values()) else ():
                for header in above(vocabulary_id, code):
                    codes.setdefault(header, Entry(leaf=False))
        return self


def of_concepts(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, Entry]]:
    """CONCEPT of an Athena bundle. Its classes say which codes of ICD cannot be billed."""
    for row in rows:
        vocabulary_id = row["vocabulary_id"]
        if (system := SYSTEMS.get(vocabulary_id)) and (code := system.spelled(str(row["concept_code"]))):
            header = "nonbill" in str(row["concept_class_id"]) or "Hierarchy" in str(row["concept_class_id"])
            until = date.fromisoformat(str(row["valid_end_date"])) if row["invalid_reason"] else FOREVER
            yield vocabulary_id, code, Entry(leaf=not header, until=until)


def of_source_codes(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, Entry]]:
    """The source side of an equivalence map: billable codes."""
    for row in rows:
        yield row["source_vocabulary_id"], row["source_code"], Entry(leaf=True)


Told = Callable[[Iterable[Mapping[str, Any]]], Iterator[tuple[str, str, Entry]]]
# What each table tells about codes; tables that are not here tell nothing that another does not (the map of ICD-9-CM
# has no code that CCS lacks).
TELLS: dict[str, Told] = {
    "icd10cm": lambda rows: (("ICD10CM", row["concept_code"], Entry(leaf=row["is_billable"])) for row in rows),
    "icd9cm_ccs": lambda rows: (("ICD9CM", row["concept_code"], Entry(leaf=True)) for row in rows),
    "icd9proc_icd10pcs_gem": of_source_codes,
    "concept": of_concepts,
}


def known(tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> Known:
    """The codes that these reference tables know."""
    made = Known()
    for table, rows in tables.items():
        for vocabulary_id, code, entry in TELLS[table](rows) if table in TELLS else ():
            made.add(vocabulary_id, code, entry)
    return made.headed()


def known_in(folder: Path) -> Known:
    """The codes that the reference files of a folder know."""
    return known({table: files.rows(table, file) for table, file in files.found(folder).items() if table in TELLS})
