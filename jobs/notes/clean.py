"""A note as clean text: extracted, and normalised so that one text has one form. Case is kept: `US` is not `us`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from jobs.notes.encodings import TEXT_OF, decided, unescaped

COMMAS = re.compile(r",(\s*,)+")
# Spaces of every width, tabs, and the pipes that stood between the cells of a table.
SPACES = re.compile(r"[^\S\n]+|\|")
# Ends of pages, records and lines that are no white space to Unicode's categories.
BREAKS = re.compile(r"[\x0b\x0c\x1c-\x1e\x85]")
# A line that goes on in lower case was broken by its width, not by its writer.
WRAPPED = re.compile(r"(?<=[^\n])\n(?=[a-z])")
WORD = re.compile(r"\w+(?:['’-]\w+)*")


@dataclass(frozen=True)
class Clean:
    """A cleaned note. text is None where the note could not be read; reason says why, without quoting it."""

    encoding: str
    text: str | None
    reason: str | None = None


def normalised(text: str) -> str:
    """The one form of a text. Applied twice it changes nothing more."""
    while (plainer := step(text)) != text:
        text = plainer
    return text


def step(text: str) -> str:
    """Entities, characters, spaces, commas, line breaks; a blank line parts paragraphs."""
    text = unicodedata.normalize("NFC", unescaped(text).replace("\r\n", "\n").replace("\r", "\n"))
    text = BREAKS.sub("\n", text)
    text = "".join(
        one for one in text if one in "\n\t" or unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    text = COMMAS.sub(",", text)
    lines = [SPACES.sub(" ", line) for line in text.replace("\u2028", "\n").replace("\u2029", "\n\n").split("\n")]
    text = "\n".join(" ".join(line.split()) for line in lines)
    text = re.sub(r"\n{3,}", "\n\n", text)
    return WRAPPED.sub(" ", text).strip()


def cleaned(text: str) -> Clean:
    """A note as clean text, whatever it is encoded in."""
    encoding, text = decided(text)
    try:
        found = normalised(TEXT_OF[encoding](text))
    except Exception as error:  # the readers of foreign formats raise what they like; the note is kept apart
        return Clean(encoding, None, f"{encoding} cannot be read ({type(error).__name__})")
    return Clean(encoding, found) if found else Clean(encoding, None, f"{encoding} holds no text")


def words(text: str) -> int:
    """How many words a text has."""
    return sum(1 for _ in WORD.finditer(text))
