"""What a laptop cannot prove: a page made from the comments that stand where the sandbox is not the real thing.

Such a comment reads, over as many lines as it takes:

    # Not proved here: WHAT. Why: BECAUSE. On Azure: WHAT TO LOOK AT.
"""

from __future__ import annotations

import re
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "not-proved-here.md"
PLACES = ("sandbox", "operate", "jobs", "infra", "synthetic", "cli")
MARK = "Not proved here:"
SHAPE = re.compile(r"Not proved here: (?P<what>.+?)\. Why: (?P<why>.+?)\. On Azure: (?P<look>.+?)\.?$")
HEAD, FOOT = "<!-- made from the code by `make docs` -->", "<!-- end -->"


@dataclass(frozen=True)
class Limit:
    """One thing that is not shown here, why not, and how to see it on Azure; `file` is where the comment stands."""

    what: str
    why: str
    look: str
    file: str


class MarkError(ValueError):
    """A comment that begins like a mark and is none."""


def limits(root: Path = ROOT) -> list[Limit]:
    """Every mark below PLACES, by file and line; MarkError names a file and line whose mark has not all parts."""
    return [limit for place in PLACES for path in sorted((root / place).rglob("*.py")) for limit in _of(path, root)]


def _of(path: Path, root: Path) -> Iterator[Limit]:
    for line, text in _comments(path):
        if MARK in text:
            file = str(path.relative_to(root))
            found = SHAPE.fullmatch(text[text.index(MARK) :])
            if not found:
                raise MarkError(
                    f"{file}:{line}: {text!r} is no mark; valid: {MARK} WHAT. Why: BECAUSE. On Azure: LOOK."
                )
            yield Limit(**found.groupdict(), file=file)


def _comments(path: Path) -> Iterator[tuple[int, str]]:
    """Each block of comment lines as one text, with the line it begins on."""
    with path.open("rb") as source:
        tokens = [one for one in tokenize.tokenize(source.readline) if one.type == tokenize.COMMENT]
    # What stands behind code on its line is no part of a block.
    lines = [(one.start[0], one.string.lstrip("# ")) for one in tokens if one.line.lstrip().startswith("#")]
    block: list[str] = []
    began = last = -1
    for number, text in lines:
        if block and (number != last + 1 or text.startswith(MARK)):
            yield began, " ".join(block)
            block = []
        if not block:
            began = number
        block.append(text.strip())
        last = number
    if block:
        yield began, " ".join(block)


def table(found: Iterable[Limit]) -> str:
    """The marks as a Markdown table."""
    rows = [f"| {one.what} | {one.why} | {one.look} | `{one.file}` |" for one in found]
    return "\n".join(["| not shown here | why | look at it on Azure by | marked in |", "|---|---|---|---|", *rows])


def page(text: str, found: Iterable[Limit]) -> str:
    """The page with its table made anew."""
    before, _, rest = text.partition(HEAD)
    _, _, after = rest.partition(FOOT)
    return f"{before}{HEAD}\n{table(found)}\n{FOOT}{after}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), limits()), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written", file=sys.stderr)


if __name__ == "__main__":
    main()
