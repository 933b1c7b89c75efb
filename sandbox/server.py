"""One server process of a workspace: leashed, logged, ready when its log says where it listens."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.process import Leashed

# As the MLflow server says it, and as Spark does.
_LISTENS = re.compile(r"(?:listening on|server started at:) (?:127\.0\.0\.1|localhost):(\d+)")
_TAIL_BYTES = 16_384


class ServerError(SandboxError):
    """A server ended, or never came up; the text says why."""


class Server:
    """A command that writes `listening on 127.0.0.1:PORT` (or Spark's words for it) to its log when it is ready.

    The operating system picks the port when the server binds it, so two workspaces never take the same one.
    fatal: words in its log after which it lives on and answers nobody; it is ended then.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, patience: float, fatal: str = ""
    ) -> None:
        self.name, self.log, self._patience, self._fatal = name, log, patience, fatal
        self._searched = 0
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            self._process = Leashed(command, env=env, stdout=output, stderr=output)
        self._begun = time.monotonic()
        self._address = ""
        self._stopped = False
        self._death: str | None = None
        # The address that other processes were told (`services.json`).
        self.recorded = ""
        self._lock = threading.Lock()

    def address(self) -> str:
        """``127.0.0.1:PORT`` once the server is ready; ``ServerError`` when it ended or took too long."""
        while not self._address:
            found = _LISTENS.search(self._tail())
            if found:
                self._address = f"127.0.0.1:{found[1]}"
                break
            reason = self.death()
            if reason:
                raise ServerError(reason)
            if time.monotonic() - self._begun > self._patience:
                self.stop()
                raise ServerError(f"{self.name} was not ready within {self._patience:.0f} s{self._last_words()}")
            time.sleep(0.05)
        return self._address

    def death(self) -> str | None:
        """Why the server ended, or None while it runs."""
        if self._death or self._stopped:
            return self._death or f"{self.name} was stopped"
        code = self._process.poll()
        if code is None:
            return self._given_up() if self._fatal else None
        killed = f"{self.name} was killed by signal {code - 128}"
        self._death = killed if code > 128 else f"{self.name} ended with exit code {code}{self._last_words()}"
        return self._death

    def _given_up(self) -> str | None:
        """Why a server that still runs is of no use any more, or None."""
        size = self.log.stat().st_size
        if size == self._searched:
            return None
        # A line may have been cut where the last look ended.
        begun, self._searched = max(0, self._searched - 500), size
        with self.log.open("rb") as output:
            output.seek(begun)
            lines = output.read(size - begun).decode(errors="replace").splitlines()
        said = next((line.strip() for line in lines if self._fatal in line), "")
        if not said:
            return None
        self._death = f"{self.name} gave up; its log {self.log.name} says: {said[:300]}"
        self._process.kill()
        return self._death

    def stop(self, *, patience: float = 0.0) -> None:
        """End the server; with ``patience`` it is asked first and killed after that many seconds."""
        with self._lock:
            if self._stopped:
                return
            self.death()
            if patience:
                self._process.terminate()
                self._process.wait(patience)
            self._process.kill()
            self._stopped = True

    def _tail(self) -> str:
        with self.log.open("rb") as output:
            output.seek(max(0, output.seek(0, 2) - _TAIL_BYTES))
            return output.read().decode(errors="replace")

    def _last_words(self) -> str:
        # Lines of a stack trace are indented.
        lines = [line.strip() for line in self._tail().splitlines() if line.strip() and line[0] not in " \t"]
        telling = [line for line in lines if re.search(r"error|exception|cannot|failed", line, re.IGNORECASE)] or lines
        return f"; its log {self.log.name} ends: {telling[-1][:300]}" if telling else ""
