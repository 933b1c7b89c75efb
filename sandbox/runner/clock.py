"""The runner's clock: what it reads and waits by, so that a test can pass hours in no time."""

from __future__ import annotations

import threading
import time


class Clock:
    """The machine's own time."""

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Wait until the event or the time is over; whether the event is set."""
        return event.wait(seconds)


class VirtualClock(Clock):
    """A time that only passes when somebody waits or it is told to."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._lock = threading.Lock()

    def time(self) -> float:
        """Seconds since 1970, of this clock."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self.now += seconds

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let the time pass at once; whether the event is set."""
        if not event.is_set():
            self.advance(max(0.0, seconds))
        return event.is_set()
