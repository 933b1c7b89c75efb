"""What starts the job of a featurization by itself. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.errors import DeclarationError


@dataclass(frozen=True)
class Updates:
    """Base of what starts a job."""


@dataclass(frozen=True)
class Scheduled(Updates):
    """At set times. at: a Quartz expression, UTC."""

    at: str = "0 0 2 * * ?"

    def __post_init__(self) -> None:
        if not isinstance(self.at, str) or len(self.at.split()) not in (6, 7):
            raise DeclarationError("Scheduled", "at", self.at, "a Quartz expression such as '0 0 2 * * ?'")


@dataclass(frozen=True)
class OnTables(Updates):
    """When every curated table of the source is new; nightly until a model of the source is live."""


@dataclass(frozen=True)
class OnFiles(Updates):
    """When files arrive in a folder of the landing volume."""

    folder: str

    def __post_init__(self) -> None:
        parts = self.folder.split("/") if isinstance(self.folder, str) else [""]
        if not all(part and part.replace("_", "").replace("-", "").isalnum() for part in parts):
            raise DeclarationError(
                "OnFiles", "folder", self.folder, "a folder below the landing volume, such as 'labs'"
            )


@dataclass(frozen=True)
class Continuous(Updates):
    """Again as soon as it has ended: changes are applied as a stream."""
