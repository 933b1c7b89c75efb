"""Reads the fields of a stored job, which a person may have edited: every wrong value is named with its place."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.errors import SandboxError


class Fields:
    """One block of a job. ``where``: what it is called in errors."""

    def __init__(self, where: str, body: object) -> None:
        if not isinstance(body, dict):
            raise SandboxError(f"{where} = {_shown(body)} is not valid; valid: an object")
        self.where, self.body = where, body

    def text(self, name: str, default: str | None = None) -> str:
        """A string; without ``default`` it has to be there."""
        value = self.body.get(name)
        if value in (None, ""):
            if default is None:
                raise SandboxError(f"{self.where}: {name} is missing")
            return default
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.wrong(name, "a string")
        return str(value)

    def number(self, name: str, default: int = 0, low: int = 0, high: int | None = None) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.body.get(name)
        if value is None:
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
            raise self.wrong(name, f"a whole number from {low}" + (f" to {high}" if high is not None else ""))
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self.body.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, "true, false")
        return value

    def choice(self, name: str, valid: Sequence[str], default: str | None = None) -> str:
        """One of ``valid``."""
        value = self.text(name, default)
        if value not in valid:
            raise self.wrong(name, ", ".join(valid))
        return value

    def texts(self, name: str) -> dict[str, str]:
        """A map of strings."""
        value = self.body.get(name) or {}
        if not isinstance(value, dict):
            raise self.wrong(name, "a map of strings")
        return {str(key): str(one) for key, one in value.items()}

    def items(self, name: str) -> list[str]:
        """A list of strings."""
        value = self.body.get(name) or []
        if not isinstance(value, list | tuple):
            raise self.wrong(name, "a list of strings")
        return [str(one) for one in value]

    def blocks(self, name: str) -> list[Fields]:
        """A block as a list: terraform keeps a single block as a list of one, JSON configuration as an object."""
        value = self.body.get(name) or []
        several = [value] if isinstance(value, dict) else value
        if not isinstance(several, list | tuple):
            raise self.wrong(name, "a list of objects")
        return [Fields(f"{self.where}, {name}", one) for one in several if one is not None]

    def block(self, name: str) -> Fields:
        """A single block; an empty one where there is none."""
        found = self.blocks(name)
        return found[0] if found else Fields(f"{self.where}, {name}", {})

    def wrong(self, name: str, valid: str) -> SandboxError:
        """The error about a field."""
        return SandboxError(f"{self.where}: {name} = {_shown(self.body.get(name))} is not valid; valid: {valid}")


def _shown(value: object) -> str:
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
