"""Every entry point of the wheel: the name a `python_wheel_task` asks for, and the function behind it."""

from __future__ import annotations

TASKS = (
    "check", "facts", "featurize", "features",
    "notes", "note_acceptance",
    "reference", "concept_sets",
    "prepare", "tune", "train", "evaluate", "register", "record",
    "judge", "promote",
    "score", "observe", "withdraw", "unseal", "approve",
)  # fmt: skip

ENTRY_POINTS: dict[str, str] = {name: f"jobs.tasks.{name}:{name}" for name in TASKS}
