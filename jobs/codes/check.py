"""Holds the codes of concept sets against their vocabularies and against reference data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jobs.codes.known import FOREVER, Known
from workflows.code_systems import SYSTEMS
from workflows.concept_sets import Concept, Line, expanded
from workflows.errors import DeclarationError
from workflows.rules import CHARACTERIZATION, CONVENTION, FATAL


@dataclass(frozen=True)
class Check:
    """One thing that is looked for. fatal stops the task, convention should be mended, characterization is told."""

    name: str
    severity: str
    meaning: str
    version: int = 1


CHECKS: dict[str, Check] = {
    one.name: one
    for one in (
        Check("vocabulary", FATAL, "no code system has this vocabulary_id"),
        Check("merged", FATAL, "two codes in one: a comma between them is missing"),
        Check("wrong_vocabulary", FATAL, "a code of another vocabulary"),
        Check("format", FATAL, "not of the form that its vocabulary's codes have"),
        Check("unknown", FATAL, "its vocabulary has no such code"),
        Check("spelling", CONVENTION, "written another way than the vocabulary writes it"),
        Check("duplicate", CONVENTION, "in the same set already, on some of the same days", version=2),
        Check("retired", CONVENTION, "no longer valid before its last day in the set"),
        Check("not_assessable", CONVENTION, "no reference data of its vocabulary: whether it exists is not known"),
        Check("header", CHARACTERIZATION, "a header: it stands for the codes below and cannot be billed itself"),
    )
}


@dataclass(frozen=True)
class Finding:
    """What one check found at one line; the code is as the file has it."""

    check: str
    line: int
    concept: Concept
    detail: str

    @property
    def severity(self) -> str:
        """That of its check."""
        return CHECKS[self.check].severity


def checked(lines: Iterable[Line], known: Known | None = None) -> list[Finding]:
    """Every finding about the lines of a file, in their order. Without reference data, only what needs none."""
    found: list[Finding] = []
    before: dict[tuple[str, int, str, str], list[Line]] = {}
    for line in lines:
        one = line.concept
        if one.vocabulary_id not in SYSTEMS:
            found.append(Finding("vocabulary", line.number, one, f"valid: {', '.join(sorted(SYSTEMS))}"))
            continue
        try:
            codes = expanded(one.code)
        except DeclarationError as error:
            found.append(Finding("format", line.number, one, f"valid: {error.valid}"))
            continue
        about = about_code(codes[0], one, known) if len(codes) == 1 else about_range(codes, one, known)
        found += [Finding(check, line.number, one, detail) for check, detail in about]
        if first := earlier(line, codes, before):
            found.append(Finding("duplicate", line.number, one, f"as in line {first.number}"))
    return found


def earlier(line: Line, codes: Iterable[str], before: dict[tuple[str, int, str, str], list[Line]]) -> Line | None:
    """The line that has one of these codes in the same set on a day of this one; the codes that none has are
    remembered."""
    one, first_line = line.concept, None
    for code in codes:
        spelled = SYSTEMS[one.vocabulary_id].spelled(code) or code
        lines = before.setdefault((one.concept_set_name, one.version, one.vocabulary_id, spelled), [])
        spans = ((other, other.concept.valid_start_date, other.concept.valid_end_date) for other in lines)
        there = [other for other, first, last in spans if first <= one.valid_end_date and one.valid_start_date <= last]
        if there:
            first_line = first_line or there[0]
        else:
            lines.append(line)
    return first_line


def about_code(code: str, one: Concept, known: Known | None) -> Iterator[tuple[str, str]]:
    """(check, detail) of one code; what is wrong with its form comes instead of whether it is known."""
    system = SYSTEMS[one.vocabulary_id]
    spelled = system.spelled(code)
    entry = known.entry(one.vocabulary_id, spelled) if known and spelled else None
    judged = known is not None and known.judges(one.vocabulary_id)
    if entry is None and (spelled is None or judged):
        if pair := halves(code, one.vocabulary_id, known):
            yield "merged", " and ".join(pair)
        elif others := known.elsewhere(code, one.vocabulary_id) if known else ():
            yield "wrong_vocabulary", f"a code of {', '.join(others)}"
        elif spelled is None:
            yield "format", f"valid: such as {system.example}"
        else:
            yield "unknown", ""
        return
    if spelled != code:
        yield "spelling", f"{spelled}"
    if entry is None:
        yield "not_assessable", ""
        return
    if entry.until < one.valid_end_date and entry.until != FOREVER:
        yield "retired", f"valid until {entry.until}"
    if not entry.leaf:
        yield "header", ""


def about_range(codes: Sequence[str], one: Concept, known: Known | None) -> Iterator[tuple[str, str]]:
    """(check, detail) of a range: it may have gaps, as vocabularies have, but some code must be there."""
    system = SYSTEMS[one.vocabulary_id]
    if any(system.spelled(code) is None for code in codes):
        yield "format", f"valid: a range of categories of {one.vocabulary_id}"
    elif known is None or not known.judges(one.vocabulary_id):
        yield "not_assessable", ""
    else:
        there = [entry for code in codes if (entry := known.entry(one.vocabulary_id, code))]
        if not there:
            yield "unknown", f"none of {len(codes)} categories"
        elif not all(entry.leaf for entry in there):
            yield "header", f"{sum(not entry.leaf for entry in there)} of {len(codes)} categories"


def halves(text: str, vocabulary_id: str, known: Known | None) -> tuple[str, str] | None:
    """The two codes of the vocabulary that a text consists of, if it does; known ones where the vocabulary is."""
    system = SYSTEMS[vocabulary_id]
    for place in range(1, len(text)):
        pair = system.spelled(text[:place]), system.spelled(text[place:])
        if pair[0] is None or pair[1] is None:
            continue
        # Any number of digits is two shorter numbers: of a vocabulary of numbers a few digits are no sign of a comma.
        if system.spelled(text) and text.isdigit() and min(place, len(text) - place) < 4:
            continue
        if known is None or not known.judges(vocabulary_id):
            # Without a reference only a split between two whole codes of one length is more than a guess.
            if len(text) == 2 * place and place > 3 and system.spelled(text) is None:
                return pair[0], pair[1]
        elif known.entry(vocabulary_id, pair[0]) and known.entry(vocabulary_id, pair[1]):
            return pair[0], pair[1]
    return None


@dataclass(frozen=True)
class CodeReport:
    """The findings about one collection, and how many lines were looked at."""

    collection: str
    lines: int
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing fatal was found."""
        return not any(finding.severity == FATAL for finding in self.findings)

    def counts(self) -> dict[str, int]:
        """The findings of each check that found any, in the order of the checks."""
        counted = Counter(finding.check for finding in self.findings)
        return {name: counted[name] for name in CHECKS if name in counted}

    def summary(self) -> str:
        """One line: counts by check."""
        said = ", ".join(f"{CHECKS[name].severity} {name} {count}" for name, count in self.counts().items())
        return f"{self.collection}: {self.lines} lines: {said or 'nothing found'}"


def report(collection: str, lines: Sequence[Line], known: Known | None = None) -> CodeReport:
    """The report on the lines of one collection."""
    return CodeReport(collection, len(lines), tuple(checked(lines, known)))
