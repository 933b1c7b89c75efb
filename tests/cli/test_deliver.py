"""`mlops deliver`: a folder that is no source, or a file that is damaged, is one message that says what was wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.commands import deliver_folder
from cli.errors import UsageError
from workflows.sources import named, names


def test_a_folder_that_is_no_source_names_every_source_and_its_files(tmp_path: Path):
    with pytest.raises(UsageError) as refused:
        deliver_folder("dev", tmp_path)
    text = str(refused.value)
    assert "\n" not in text
    for name in names():
        assert f"{name} ({' or '.join(named(name).deliveries[0].files)}" in text


def test_a_damaged_file_is_named_before_anything_is_delivered(tmp_path: Path):
    (tmp_path / "dataset_diabetes.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(UsageError, match=r"dataset_diabetes\.zip is not a whole zip file .*; deliver it again"):
        deliver_folder("dev", tmp_path)
