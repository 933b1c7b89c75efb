"""Failures that a task explains itself: their text is safe to show."""

from __future__ import annotations


class TaskError(Exception):
    """A task cannot do its work. The text names the thing and the valid values, and no person."""
