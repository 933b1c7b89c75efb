"""`mlops check` of a path that is no file of models says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.check import check_file
from cli.errors import UsageError

WORKFLOWS = Path(__file__).parents[2] / "workflows"


@pytest.mark.parametrize(("path", "told"), [
    ("sources/uci130.py", "no file of models"), ("models", "no file of models"),
    ("models/__init__.py", "declares no model"), ("models/readmision.py", "is not there"),
    # Nothing lies above these.
    ("/nope.py", "^/nope.py is not there"), ("/tmp", "^/tmp is no file of models"), ("/", "^/ is no file of models"),
])  # fmt: skip
def test_what_is_no_file_of_models_is_named_with_what_is_one(path: str, told: str):
    with pytest.raises(UsageError, match=told):
        check_file(WORKFLOWS / path)
