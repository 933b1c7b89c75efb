"""A leash: runs a command and kills it, with all that it started, when the process that holds the leash ends.

    python -I -S leash.py COMMAND [ARGUMENT ...]

Standard input is a socket whose other end only the holder has: it reads as ended as soon as the holder is gone, however
it ended (SIGKILL too), on Linux and macOS alike. Ends with the command's exit code, or 128 + the signal that ended it.
The holder starts it in a session of its own, by which all that the command starts can be found. Only the cheap modules
are imported: a task pays for this start.
"""

import os
import select
import signal
import sys

KILLED = 128 + signal.SIGKILL


def main(command: list[str]) -> int:
    """Run the command until it ends or the holder does."""
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pid = os.posix_spawnp(
        command[0],
        command,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)],
        setpgroup=0,
        setsigdef=[signal.SIGCHLD, signal.SIGPIPE],
    )
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: _signal_group(pid, number))
    held = True
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            break
        if not held:
            _kill_all(pid)
            return KILLED
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 64)
        if 0 in ready:
            held = bool(_read())
    # What the command left running in its group ends with it.
    _signal_group(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def _read() -> bytes:
    try:
        return os.read(0, 1)
    except OSError:
        return b""


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except OSError:
        return


def _kill_all(pid: int) -> None:
    """Kill the command's group, and what it started into other groups (Spark's Python workers) or sessions."""
    for started in _started(pid):
        try:
            os.kill(started, signal.SIGKILL)
        except OSError:
            continue
    _signal_group(pid, signal.SIGKILL)


def _started(pid: int) -> list[int]:
    """The command's descendants and the members of this session, whose parent may have ended before them."""
    children: dict[int, list[int]] = {}
    with os.popen("ps -A -o pid= -o ppid=") as table:
        for line in table:
            child, _, parent = line.strip().partition(" ")
            children.setdefault(int(parent), []).append(int(child))
    found = [pid]
    for ancestor in found:
        found.extend(children.get(ancestor, []))
    everyone = {child for several in children.values() for child in several}
    return [*found, *(other for other in everyone if other != os.getpid() and _session(other) == os.getsid(0))]


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return -1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
