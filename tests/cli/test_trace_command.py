"""`mlops trace`: keys as they are written on the command line."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli.__main__ import app

NAME = "readmission.feature_x"


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[tuple[str, ...]]:
    """What the command asks for, of each call."""
    calls: list[tuple[str, ...]] = []
    monkeypatch.setattr("cli.trace.show_trace", lambda *given: calls.append(tuple(map(str, given))))
    told = CliRunner().invoke(app, ["trace", "dev", NAME, *arguments])
    assert (told.exit_code == 0) == bool(calls), told.output
    return calls


def test_a_negative_key_is_no_option_wherever_it_stands(monkeypatch: pytest.MonkeyPatch):
    assert asked(monkeypatch, "-123") == [("dev", NAME, "-123", "None")]
    assert asked(monkeypatch, "-123", "--json", "f.json") == [("dev", NAME, "-123", "f.json")]
    assert asked(monkeypatch, "--json", "f.json", "-6512304117203") == [("dev", NAME, "-6512304117203", "f.json")]
    assert asked(monkeypatch, "--", "-123") == [("dev", NAME, "-123", "None")]
    assert asked(monkeypatch, "visit_occurrence_id=-123") == [("dev", NAME, "visit_occurrence_id=-123", "None")]


def test_an_option_that_the_command_does_not_have_is_refused(monkeypatch: pytest.MonkeyPatch):
    assert asked(monkeypatch, "-123", "--jsno", "f.json") == []
