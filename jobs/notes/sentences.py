"""Sentences of a clean text, as offsets into it: nothing is lost but white space, nothing is rewritten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

LONGEST = 140
TOKEN = re.compile(r"\w+|[^\w\s]")
LINE = re.compile(r"[^\n]+")
# `1.` or `b)` begins an item; the item is the sentence.
ITEM = re.compile(r"(?:\d{1,3}|[A-Za-z])[.)]")
# In `98.6 F. No fever` the letter is a unit, which ends a sentence; Punkt takes it for the initial of a name.
UNIT = re.compile(r"(?<=\d )[A-Z]\.(?=\s+[A-Z])")
CLAUSE = frozenset(";:,")
# Clinical abbreviations that end in a dot and go on, unless what follows commonly starts a sentence.
ABBREVIATIONS = frozenset({
    "dr", "mr", "mrs", "ms", "prof", "st", "jr", "sr", "vs", "e.g", "i.e", "etc", "approx", "dept", "fig", "inc", "no",
    "pt", "pts", "hx", "dx", "rx", "tx", "fx", "sx", "wt", "ht", "temp", "resp", "a.m", "p.m", "b.i.d", "t.i.d",
    "q.i.d", "p.r.n", "p.o", "q.d", "q.h.s", "i.v", "i.m", "u.s", "m.d", "r.n", "d.o", "ph.d",
})  # fmt: skip
STARTERS = frozenset({
    "he", "she", "they", "we", "i", "it", "the", "this", "that", "these", "there", "his", "her", "their", "patient",
    "on", "at", "in", "no", "denies", "reports", "states", "follow", "continue", "plan", "assessment",
})  # fmt: skip

Span = tuple[int, int]


@cache
def splitter() -> Any:
    """Punkt with our abbreviations instead of trained ones: the same everywhere, nothing to download."""
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    parameters = PunktParameters()
    parameters.abbrev_types = set(ABBREVIATIONS)
    parameters.sent_starters = set(STARTERS)
    return PunktSentenceTokenizer(parameters)


def sentences(text: str) -> list[Span]:
    """(begin, end) of every sentence in order; a sentence ends with its line, and has at most LONGEST tokens."""
    return [span for line in LINE.finditer(text) for whole in of_line(text, line.span()) for span in parts(text, whole)]


def of_line(text: str, line: Span) -> Iterator[Span]:
    """The sentences of one line; the number of an item stays with it."""
    begin: int | None = None
    for start, end in splitter().span_tokenize(text[line[0] : line[1]]):
        first = line[0] + start if begin is None else begin
        last = line[0] + end
        if ITEM.fullmatch(text[first:last]):
            begin = first
            continue
        begin = None
        for unit in UNIT.finditer(text, first, last):
            yield first, unit.end()
            first = unit.end() + len(text[unit.end() : last]) - len(text[unit.end() : last].lstrip())
        yield first, last
    if begin is not None:
        yield begin, line[0] + len(text[line[0] : line[1]].rstrip())


def parts(text: str, whole: Span) -> Iterator[Span]:
    """A sentence, or the parts of one that is too long: cut after a clause if one ends in its second half."""
    tokens = [(whole[0] + found.start(), whole[0] + found.end()) for found in TOKEN.finditer(text[whole[0] : whole[1]])]
    while len(tokens) > LONGEST:
        cut = cut_after(text, tokens[:LONGEST])
        yield tokens[0][0], tokens[cut - 1][1]
        tokens = tokens[cut:]
    if tokens:
        yield tokens[0][0], tokens[-1][1]


def cut_after(text: str, tokens: list[Span]) -> int:
    """How many of the tokens go into the first part."""
    for count in range(len(tokens), len(tokens) // 2, -1):
        if text[tokens[count - 1][0]] in CLAUSE:
            return count
    return len(tokens)
