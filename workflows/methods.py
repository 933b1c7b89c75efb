"""What each method takes: the outcome types it fits, its fixed values, its search space and its seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from workflows.errors import DeclarationError
from workflows.typed import fits, kinds


@dataclass(frozen=True, init=False)
class Choice:
    """A finite set of values that tuning may choose from."""

    values: tuple[Any, ...]

    def __init__(self, *values: Any) -> None:
        if not all(isinstance(one, (bool, int, float, str)) for one in values):
            raise DeclarationError("Choice", "values", values, "the values one by one, such as Choice(2, 3)")
        if len(set(values)) < 2 or len(set(values)) != len(values):
            raise DeclarationError("Choice", "values", values, "two or more different values")
        object.__setattr__(self, "values", values)


@dataclass(frozen=True, kw_only=True)
class Method:
    """A learning method. `ranges` are the values each parameter may take, `fixed` what is never searched.

    packages: what a cluster must have for it.
    """

    outcome_types: ClassVar[tuple[str, ...]] = ()
    packages: ClassVar[tuple[str, ...]] = ()
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {}
    fixed: ClassVar[Mapping[str, Any]] = {}

    seed: int = 42

    def __post_init__(self) -> None:
        of: type = type(self)
        owner = of.__name__
        if not self.outcome_types:
            raise DeclarationError("Model", "method", owner, [one.__name__ for one in Method.__subclasses__()])
        if type(self.seed) is not int or not 0 <= self.seed < 2**31:
            raise DeclarationError(owner, "seed", self.seed, "a whole number from 0 to 2147483647")
        for name, (low, high) in self.ranges.items():
            value = getattr(self, name)
            kind, word = (int, "a whole number") if int in kinds(of)[name] else (float, "a number")
            for one in value.values if isinstance(value, Choice) else (value,):
                if not fits(one, (kind,)) or not low <= one <= high:
                    raise DeclarationError(owner, name, one, f"{word} from {low} to {high}, or Choice of such")

    @property
    def parameters(self) -> dict[str, Any]:
        """Every declared parameter but the seed, fixed values included; a `Choice` where tuning decides."""
        return dict(self.fixed) | {f.name: getattr(self, f.name) for f in fields(self) if f.name != "seed"}

    @property
    def search_space(self) -> dict[str, tuple[Any, ...]]:
        """The parameters tuning decides, with their values in the declared order."""
        return {k: v.values for k, v in self.parameters.items() if isinstance(v, Choice)}


@dataclass(frozen=True, kw_only=True)
class LogisticRegression(Method):
    """L2-penalised logistic regression on standardised numbers and one-hot categories."""

    outcome_types = ("binary",)
    packages = ("scikit-learn",)
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {"C": (1e-6, 1e6)}
    fixed: ClassVar[Mapping[str, Any]] = {"max_iter": 100, "solver": "newton-cholesky", "tol": 1e-6}

    C: float | Choice = 1.0


@dataclass(frozen=True, kw_only=True)
class GradientBoosting(Method):
    """Histogram gradient boosting of trees; early stopping is off so that a fit depends on its inputs alone."""

    outcome_types = ("binary",)
    packages = ("scikit-learn",)
    ranges: ClassVar[Mapping[str, tuple[float, float]]] = {
        "max_depth": (1, 16),
        "learning_rate": (1e-4, 1.0),
        "max_iter": (1, 5000),
        "min_samples_leaf": (11, 100_000),  # a leaf of fewer would be theirs
    }
    fixed: ClassVar[Mapping[str, Any]] = {"early_stopping": False}

    max_depth: int | Choice = 3
    learning_rate: float | Choice = 0.1
    max_iter: int | Choice = 100
    min_samples_leaf: int | Choice = 50
