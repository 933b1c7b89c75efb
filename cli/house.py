"""Where things are on this machine: the repository, the sandbox, the caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cli.errors import UsageError

if TYPE_CHECKING:
    from report.stores import Tables
    from workflows.declare import Model
    from workflows.discover import Catalogue

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class House:
    """The folders the commands work in; everything but `root` is made on demand and never committed."""

    root: Path = ROOT
    home: Path = ROOT / ".sandbox"

    @property
    def cache(self) -> Path:
        """Downloads and compiled things that survive a demo."""
        return self.root / ".cache"

    @property
    def out(self) -> Path:
        """What synth writes."""
        return self.root / "cdktf.out"

    @property
    def report(self) -> Path:
        """The demo's page."""
        return self.home / "report.html"


def refuse_missing(tables: Tables, owner: str, jobs: Mapping[str, str], stage: str = "this stage") -> None:
    """Raise UsageError where a table is not there yet. jobs: table -> the job that makes it."""
    for table, job in jobs.items():
        if not tables.there(table):
            raise UsageError(f"{owner}: {table} is not there yet; run the job {job} on {stage} first")


def model_of(catalogue: Catalogue, name: str) -> Model:
    """A declared model; raises UsageError that lists those there are."""
    if name not in catalogue.models:
        raise UsageError(f"model {name!r} is not declared; valid: {', '.join(catalogue.models)}")
    return catalogue.models[name]
