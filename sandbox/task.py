"""The process of one task: finds the entry point in an unpacked wheel and calls it, as a job cluster does.

    python -P sandbox/task.py FOLDER PACKAGE ENTRY_POINT [ARGUMENT ...]

The wheel comes first on the path and this repository is taken off it: what is not in the deployed wheel (or in the
cluster's requirements) is not there. Only the cheap modules are imported before the entry point's own.
"""

import os
import sys

_GROUPS = ("console_scripts", "databricks")


def main(folder: str, package: str, name: str, arguments: list[str]) -> object:
    """Call the entry point; its result is what the process ends with (None or 0 = success)."""
    repository = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [folder, *(path for path in sys.path if os.path.abspath(path or ".") != repository)]
    module, _, attribute = _find(folder, package, name).partition(":")
    sys.argv = [name, *arguments]
    __import__(module)
    target: object = sys.modules[module]
    for part in attribute.split("."):
        target = getattr(target, part, None)
    if not callable(target):
        raise SystemExit(f"entry point '{name}' of {package} is no function: {module}:{attribute}")
    return target()


def _find(folder: str, package: str, name: str) -> str:
    """`module:function` of the entry point; without one of that name, the package's function of that name."""
    found = _entry_points(folder, package)
    if name in found:
        return found[name]
    if os.path.exists(os.path.join(folder, package, "__init__.py")):
        return f"{package}:{name}"
    raise SystemExit(f"package {package} has no entry point '{name}'; valid: {', '.join(sorted(found)) or 'none'}")


def _entry_points(folder: str, package: str) -> dict[str, str]:
    found: dict[str, str] = {}
    dists = [entry for entry in os.listdir(folder) if entry.endswith(".dist-info")]
    if not any(entry.partition("-")[0].lower() == package.replace("-", "_").lower() for entry in dists):
        raise SystemExit(f"package {package} is not in the wheel; it holds: {', '.join(sorted(dists)) or 'none'}")
    for entry in dists:
        path = os.path.join(folder, entry, "entry_points.txt")
        group = ""
        if os.path.exists(path):
            with open(path, encoding="utf-8") as lines:
                for line in lines:
                    line = line.strip()
                    if line.startswith("["):
                        group = line.strip("[]")
                    elif "=" in line and group in _GROUPS:
                        key, _, value = line.partition("=")
                        found.setdefault(key.strip(), value.partition("[")[0].strip())
    return found


def status(result: object) -> int:
    """The exit code that `sys.exit` would end with: None is 0, a number itself, anything else is told and is 1."""
    if result is None or isinstance(result, int):
        return int(result or 0)
    print(result, file=sys.stderr)
    return 1


def run(folder: str, package: str, name: str, *arguments: str) -> int:
    """The entry point's exit code; what it raises goes to standard error."""
    try:
        return status(main(folder, package, name, list(arguments)))
    except SystemExit as end:
        return status(end.code)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1


def leave(code: int) -> None:
    """End this process now: taking the libraries down takes longer than many a task, and waits for their threads.

    A run on a cluster ends when its entry point does, too.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            code = code or 1
    os._exit(code & 0xFF)


if __name__ == "__main__":
    leave(run(*sys.argv[1:]))
