"""What a machine must have before anything is installed. Runs on any Python 3.7+, standard library only."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import List, NamedTuple, Optional, Tuple


class Tool(NamedTuple):
    """A program that must be there: how to ask for its version, the lowest one that will do, where to get it."""

    name: str
    command: Tuple[str, ...]
    minimum: Tuple[int, ...]
    install: str


class Finding(NamedTuple):
    """A tool, the version that was found (None: not there) and whether that will do."""

    tool: Tool
    found: Optional[str]
    good: bool

    @property
    def needed(self) -> str:
        """The lowest version that will do, as text."""
        return ".".join(map(str, self.tool.minimum))


TOOLS = (
    Tool("Python", (sys.executable, "--version"), (3, 11), "python.org, or your system's packages"),
    Tool("Node", ("node", "--version"), (20,), "nodejs.org, or your system's packages"),
    Tool("npm", ("npm", "--version"), (9,), "comes with Node"),
    Tool("JDK", ("javac", "-version"), (17,), "a JDK (not only a JRE), such as Eclipse Temurin 17"),
    Tool("terraform", ("terraform", "version"), (1, 7), "developer.hashicorp.com/terraform, or your system's packages"),
)


def version_of(command: Tuple[str, ...]) -> Optional[str]:
    """The first version number that `command` prints, or None when it is not there or does not answer."""
    if shutil.which(command[0]) is None:
        return None
    try:
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = (answer.stdout + answer.stderr).decode(errors="replace")
    # terraform warns about its configuration before it names its version.
    match = re.search(r"(?:Python |javac |Terraform v|^v?)(\d+(?:\.\d+)*)", text, re.MULTILINE)
    return match.group(1) if match else None


def findings(tools: Tuple[Tool, ...] = TOOLS) -> List[Finding]:
    """What was found of each tool."""
    result = []
    for tool in tools:
        found = version_of(tool.command)
        numbers = tuple(int(part) for part in found.split(".")) if found else ()
        result.append(Finding(tool, found, bool(found) and numbers >= tool.minimum))
    return result


def main() -> int:
    """Name every tool that is missing or too old; 1 if there is one."""
    missing = [finding for finding in findings() if not finding.good]
    for finding in missing:
        print(
            "%s: found %s, needed %s or later. Get it from %s."
            % (finding.tool.name, finding.found or "none", finding.needed, finding.tool.install),
            file=sys.stderr,
        )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
