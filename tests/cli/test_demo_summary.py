"""What a demo says of a cohort whose last count is not released."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from cli.summary import Zone, eligible_encounters, told


@pytest.mark.parametrize(
    ("last", "says"),
    [(22_871, "22,871 eligible encounters"), (None, "too few eligible encounters to say how many")],
)
def test_a_count_that_was_kept_back_is_said_to_be_and_stops_nothing(last: int | None, says: str, tmp_path: Path):
    rows = [
        {"job_run_id": "10", "step": 0, "encounters": 31_230, "persons": 9_104},
        {"job_run_id": "10", "step": 1, "encounters": last, "persons": last},
    ]
    schema = pa.schema(
        [("job_run_id", pa.string()), ("step", pa.int64()), ("encounters", pa.int64()), ("persons", pa.int64())]
    )
    write_deltalake(tmp_path / "attrition", pa.Table.from_pylist(rows, schema=schema))
    found = eligible_encounters(Zone(tmp_path))
    assert found == last
    assert told(found) == says
