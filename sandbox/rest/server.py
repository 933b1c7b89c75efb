"""Serves the REST door on loopback."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox.errors import SandboxError
from sandbox.rest.door import Door
from sandbox.rest.tokens import Person, Tokens
from sandbox.runner.run import TaskServices
from sandbox.services import Services
from sandbox.workspace import Workspace

LOOPBACK = "127.0.0.1"
# How long closing the door may take to be noticed.
_POLL_SECONDS = 0.05


class _Quiet(WSGIRequestHandler):
    """Keeps connections open between requests and logs no request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Served:
    """A door that is open. host: what clients are given. wait: blocks until the process is asked to stop."""

    host: str
    tokens: Tokens
    door: Door

    def wait(self, stop: threading.Event) -> None:
        """Serve until ``stop`` is set, or Ctrl-C."""
        stop.wait()


@contextmanager
def serving(
    workspace: Workspace,
    cache: Path,
    people: Iterable[Person] = (),
    *,
    port: int = 0,
    services: TaskServices | None = None,
) -> Iterator[Served]:
    """Open the door for the time of the ``with``; every principal has a token then.

    port: 0 for any free one. services: the servers to use; by default the door's own, started when they are needed.
    ``SandboxError`` when the port is taken.
    """
    with ExitStack() as stack:
        listening = stack.enter_context(_listening(port))
        used = services if services is not None else stack.enter_context(Services(workspace, cache))
        door = Door(workspace, cache, used)
        door.tokens.issue(people)
        server: BaseWSGIServer = make_server(
            LOOPBACK, port, door, threaded=True, request_handler=_Quiet, fd=listening.fileno()
        )
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="rest-door", daemon=True)
        thread.start()
        try:
            yield Served(f"http://{LOOPBACK}:{listening.getsockname()[1]}", door.tokens, door)
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """A socket on loopback; werkzeug's own would end the process when the port is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((LOOPBACK, port))
        except OSError as error:
            what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise SandboxError(f"port {port} {what} on {LOOPBACK}; give another one, or 0 for any free one") from None
        except OverflowError:
            raise SandboxError(f"port {port} is not valid; valid: 0 to 65535") from None
        made.listen(128)
        yield made
