"""The tables, the experiment tags and the registered model of one declared model."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.errors import TaskError
from workflows.declare import Declaration, Model

CHAMPION = "champion"
RECORDS = "ml.validation_record"
FEATURES = "feature_"  # what the names of feature tables begin with


def declared_model(declaration: Declaration) -> Model:
    """The declaration, if it is a model's; raises TaskError otherwise."""
    if not isinstance(declaration, Model):
        raise TaskError(f"declaration {declaration.name!r} is a {type(declaration).__name__}; valid: a Model")
    return declaration


@dataclass(frozen=True)
class Names:
    """Every name that the tasks of a model share, as `schema.table`."""

    model: str
    source: str

    @classmethod
    def of(cls, model: Model) -> Names:
        """The names of a declared model."""
        return cls(model.name, model.source)

    @property
    def features(self) -> str:
        """The feature table, written by the features task."""
        return f"{self.source}_ra.{FEATURES}{self.model}"

    def table(self, name: str) -> str:
        """A table of the model's own zone: side, dataset, evaluation, curve, gate, predictions, monitoring."""
        return f"{self.model}.{name}"

    def registered(self, catalog: str) -> str:
        """The registered model."""
        return f"{catalog}.{self.model}.{self.model}"
