"""Child processes of the sandbox: on a leash and with a small environment of their own.

This module is the one place below the sandbox's `__main__`s that reads `os.environ`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import psutil

from sandbox.errors import SandboxError

_LEASH = Path(__file__).with_name("leash.py")
_PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "JAVA_HOME")


def environment(**added: str) -> dict[str, str]:
    """The environment of a child: what every program needs, UTC, and ``added``; nothing else of the caller's."""
    kept = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return {**kept, "TZ": "UTC", "PYTHONUNBUFFERED": "1", **added}


def inherited_environment(**added: str) -> dict[str, str]:
    """The caller's whole environment and ``added``: for tools that a person configures by it (proxies, mirrors)."""
    return {**os.environ, **added}


def java() -> str:
    """The `java` program: JAVA_HOME's, else the path's. ``SandboxError`` when there is none."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=os.path.join(home, "bin") if home else None) or shutil.which("java")
    if not found:
        raise SandboxError("java is not found; install JDK 17 or set JAVA_HOME")
    return found


def started(pid: int) -> float | None:
    """When the process started (seconds since 1970), or None when there is no such process: with the pid, who it is."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.NoSuchProcess:
        return None


class Leashed:
    """A running command that ends when this process ends. ``stdout`` and ``stderr`` as of ``subprocess.Popen``.

    keep: descriptors that stay open in it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        stdout: int | IO[Any] | None = None,
        stderr: int | IO[Any] | None = None,
        cwd: Path | None = None,
        keep: Sequence[int] = (),
    ) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._leash = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LEASH), *command],
                env=dict(env),
                stdin=theirs.fileno(),
                stdout=stdout,
                stderr=stderr,
                cwd=cwd,
                start_new_session=True,
                pass_fds=keep,
            )
        self.stdout, self.stderr = self._leash.stdout, self._leash.stderr

    def poll(self) -> int | None:
        """The exit code (128 + signal when a signal ended it), or None while it runs."""
        code = self._leash.poll()
        if code is not None and code < 0:
            self._sweep()
            code = 128 - code
        return code

    def wait(self, seconds: float) -> int | None:
        """As ``poll``, waiting up to ``seconds``."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._leash.wait(seconds)
        return self.poll()

    def terminate(self) -> None:
        """Ask the command to end (SIGTERM)."""
        self._leash.terminate()

    def kill(self) -> int:
        """End the command and all that it started, now; its exit code. For one that has ended: only that code."""
        with contextlib.suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)
        code = self.wait(10)
        if code is None:
            self._leash.kill()
            code = self.wait(10)
        self.close()
        return 128 + signal.SIGKILL if code is None else code

    def close(self) -> None:
        """Let go of the pipes of a command that has ended."""
        self._line.close()
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def _sweep(self) -> None:
        """The leash itself was killed: end what is left in its session."""
        for pid in psutil.pids():
            with contextlib.suppress(OSError):
                if os.getsid(pid) == self._leash.pid:
                    os.kill(pid, signal.SIGKILL)
