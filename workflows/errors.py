"""What a wrong declaration says: the thing, the file, the field, the bad value and the valid ones."""

from __future__ import annotations

from collections.abc import Iterable


class DeclarationError(ValueError):
    """A declaration that cannot be: `owner` is its name, `valid` what would have been right."""

    def __init__(self, owner: str, field: str, value: object, valid: str | Iterable[str], file: str | None = None):
        self.owner, self.field, self.value, self.file = owner, field, value, file
        self.valid = valid if isinstance(valid, str) else ", ".join(valid)
        where = f"{file}: " if file else ""
        super().__init__(f"{where}{owner}: {field} = {value!r} is not valid; valid: {self.valid}")

    def at(self, file: str) -> DeclarationError:
        """The same error, naming the file it was found in."""
        return DeclarationError(self.owner, self.field, self.value, self.valid, file)
