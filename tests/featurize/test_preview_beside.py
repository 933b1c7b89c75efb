"""Columns that one preview shows together."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jobs.preview import beside
from jobs.quality.kinds import families
from workflows.covariates import code_rows
from workflows.declare import AnyOf, Codes, days
from workflows.feature_columns import FLAG, FeatureColumn


def test_a_column_is_kept_back_where_it_tells_of_few_beside_one_that_it_lies_within():
    # The example of ADR 59: 503 have any of it in a year, 500 in a month.
    of = Codes("s", (("ICD10CM", "I50"),))
    some = [AnyOf(of, days(-365, -1), label="year"), AnyOf(of, days(-30, -1), label="month")]
    related = families(some, {}, code_rows(some, {}))
    names = sorted({name for family in related for name in family.columns})
    assert len(names) == 2
    declared = {name: FeatureColumn(name=name, title="", holds=FLAG, says={}, missing="zero") for name in names}
    year, month = (next(name for name in names if one in name) for one in ("year", "month"))

    def told(in_year: int, in_month: int) -> set[str]:
        flags = {f"f_{year}": in_year, f"f_{month}": in_month}
        return beside(
            pd.DataFrame({name: np.arange(2_000) < count for name, count in flags.items()}), declared, related
        )

    assert len(told(503, 500)) == 1
    assert told(520, 500) == told(500, 500) == set()
