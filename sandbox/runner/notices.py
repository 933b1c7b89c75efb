"""Who is told of what: the notifications that a job or a task declares, kept with its run.

Sentences are those of the Jobs API (`JobEmailNotifications`, `JobNotificationSettings`, `TaskNotificationSettings`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

EVENTS = ("on_start", "on_success", "on_failure", "on_duration_warning_threshold_exceeded")
SETTINGS = ("no_alert_for_skipped_runs", "no_alert_for_canceled_runs", "alert_on_last_attempt")


@dataclass(frozen=True)
class Notices:
    """recipients: event -> (channel, recipient) pairs; channel `email` or `webhook`. settings: the true ones."""

    recipients: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    settings: frozenset[str] = frozenset()

    def to_json(self) -> str | None:
        """For the store; None when nobody is to be told."""
        if not self.recipients:
            return None
        return json.dumps({"recipients": self.recipients, "settings": sorted(self.settings)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> Notices:
        """As stored."""
        found = json.loads(text) if text else {}
        pairs = found.get("recipients", {}).items()
        recipients = {event: tuple((str(one[0]), str(one[1])) for one in several) for event, several in pairs}
        return cls(recipients, frozenset(found.get("settings", [])))

    def of_start(self, retried: bool) -> str | None:
        """The event of an attempt that starts.

        "If true, do not send notifications to recipients specified in on_start for the retried runs and do not send
        notifications to recipients specified in on_failure until the last retry of the run."
        """
        return None if retried and "alert_on_last_attempt" in self.settings else "on_start"

    def of_end(self, result: str, *, skipped: bool = False, again: bool = False) -> str | None:
        """The event of a run or an attempt that ended. again: whether it will be tried again."""
        if result in ("SUCCESS", "SUCCESS_WITH_FAILURES"):
            return "on_success"
        # "If true, do not send notifications to recipients specified in on_failure if the run is skipped [canceled]."
        quiet = {"skipped": "no_alert_for_skipped_runs", "CANCELED": "no_alert_for_canceled_runs"}
        if quiet.get("skipped" if skipped else result) in self.settings:
            return None
        return None if again and "alert_on_last_attempt" in self.settings else "on_failure"
