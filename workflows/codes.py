"""Concept sets as a declaration names them, or writes them out. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.errors import DeclarationError
from workflows.typed import typed


@dataclass(frozen=True)
class Codes:
    """A concept set written out: its name, and (vocabulary_id, code) pairs that stand for themselves and below."""

    name: str
    codes: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        typed(self)
        if not self.name.isidentifier() or not self.name.islower():
            raise DeclarationError("Codes", "name", self.name, "a lower-case name such as 'nsaid'")
        pairs = self.codes if isinstance(self.codes, (list, tuple)) else ()
        if not pairs or not all(isinstance(pair, (list, tuple)) and len(pair) == 2 for pair in pairs):
            raise DeclarationError("Codes", self.name, self.codes, "(vocabulary_id, code) pairs, at least one")
        for pair in pairs:
            if not all(isinstance(part, str) and part for part in pair):
                raise DeclarationError("Codes", self.name, tuple(pair), "two texts such as ('ICD10CM', 'I50.9')")
        object.__setattr__(self, "codes", tuple(tuple(pair) for pair in pairs))


def one_set(owner: str, concepts: object) -> None:
    """Raise unless `concepts` writes its codes out, or names a collection, one set of it, or a named event."""
    if isinstance(concepts, Codes):
        return
    if not isinstance(concepts, str) or not all(part.isidentifier() for part in concepts.split(".", 1)):
        raise DeclarationError(owner, "concepts", concepts, "'collection.set', Codes(...) or a named event")
