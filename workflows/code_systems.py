"""Code systems by the vocabulary_id that OMOP gives them: the form of a code, and one spelling for each.

A code is nothing without its vocabulary: `042` is HIV in ICD-9-CM and an operation in ICD-9-CM procedures. The one
spelling is that of OMOP's concept table: ICD with its dot, NDC as 11 digits. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from workflows.errors import DeclarationError


def plain(text: str) -> str:
    """Without white space around it, in capitals."""
    return text.strip().upper()


def dotted(after: int, letter: str = "", after_letter: int = 0) -> Callable[[str], str]:
    """Spells a code with a dot after so many characters (another number for codes that begin with `letter`)."""

    def spell(text: str) -> str:
        code = plain(text)
        place = after_letter if letter and code.startswith(letter) else after
        if "." in code and (code.find(".") != place or code.count(".") > 1):
            return code
        bare = code.replace(".", "")
        return bare if len(bare) <= place else f"{bare[:place]}.{bare[place:]}"

    return spell


def eleven_digits(text: str) -> str:
    """NDC: its three parts padded to 5, 4 and 2 digits, and the dashes left out."""
    code = plain(text)
    parts = code.split("-")
    if len(parts) == 3 and all(
        part.isdigit() and len(part) <= width for part, width in zip(parts, (5, 4, 2), strict=True)
    ):
        return "".join(part.zfill(width) for part, width in zip(parts, (5, 4, 2), strict=True))
    return code


@dataclass(frozen=True, kw_only=True)
class CodeSystem:
    """One vocabulary. form: what a code in the one spelling looks like. example: one such code. spell: writes any."""

    vocabulary_id: str
    form: re.Pattern[str]
    example: str
    spell: Callable[[str], str] = plain

    def spelled(self, code: str) -> str | None:
        """The one spelling of a code, or None where it does not have the form of this vocabulary."""
        one = self.spell(code)
        return one if self.form.fullmatch(one) else None


def system(vocabulary_id: str, form: str, example: str, spell: Callable[[str], str] = plain) -> CodeSystem:
    """A code system."""
    return CodeSystem(vocabulary_id=vocabulary_id, form=re.compile(form, re.ASCII), example=example, spell=spell)


SYSTEMS: dict[str, CodeSystem] = {
    one.vocabulary_id: one
    for one in (
        system("CPT4", r"\d{4}[0-9A-Z]", "99213"),
        system("CVX", r"\d{2,3}", "208", lambda text: plain(text).zfill(2)),
        system("HCPCS", r"[A-Z]\d{4}", "J0696"),
        system("ICD10CM", r"[A-Z]\d[0-9A-Z](\.[0-9A-Z]{1,4})?", "I50.9", dotted(3)),
        system("ICD10PCS", r"[0-9A-HJ-NP-Z]{7}", "0DTJ4ZZ"),
        system("ICD9CM", r"(\d{3}|V\d{2})(\.\d{1,2})?|E\d{3}(\.\d)?", "250.83", dotted(3, "E", 4)),
        system("ICD9Proc", r"\d{2}(\.\d{1,2})?", "36.15", dotted(2)),
        system("LOINC", r"\d{1,7}-\d", "4548-4"),
        system("NDC", r"\d{11}", "00071015523", eleven_digits),
        system("RxNorm", r"\d{1,8}", "213469"),
        system("SNOMED", r"[1-9]\d{5,17}", "74474003"),
        system("UCI130 drug", r"[a-z]+(-[a-z]+)*", "metformin", str.strip),
    )
}


def system_of(vocabulary_id: str, owner: str, file: str | None = None) -> CodeSystem:
    """The code system; raises naming the ones there are."""
    if vocabulary_id not in SYSTEMS:
        raise DeclarationError(owner, "vocabulary_id", vocabulary_id, sorted(SYSTEMS), file)
    return SYSTEMS[vocabulary_id]


def one_spelling(owner: str, vocabulary_id: str, code: str) -> None:
    """Raise where a code of a known vocabulary is not in the one spelling, by which alone codes are compared."""
    codes = SYSTEMS.get(vocabulary_id)
    if codes is not None and (spelled := codes.spelled(code)) != code:
        raise DeclarationError(owner, vocabulary_id, code, spelled or f"a code such as {codes.example}")


def zeros_restored(code: str) -> str:
    """An ICD-9-CM code that went through a number format: `8` was `008` and `38.9` was `038.9`.

    Only where the part before a dot was written: without a dot, `10` can be `010` as well as `001.0`.
    """
    whole, dot, rest = code.strip().partition(".")
    return f"{whole.zfill(3)}{dot}{rest}" if whole.isdigit() else code.strip()


def above(vocabulary_id: str, code: str) -> tuple[str, ...]:
    """The headers of an ICD code in the one spelling, longest first: `250.83` stands below `250.8` and `250`."""
    if not vocabulary_id.startswith("ICD") or "." not in code:
        return ()
    whole, _, rest = code.partition(".")
    return (*(f"{whole}.{rest[:length]}" for length in range(len(rest) - 1, 0, -1)), whole)
