"""Import direction: who may know whom, read from the imports themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("workflows", "jobs", "infra", "sandbox", "synthetic", "review", "report", "operate", "cli")
MAY_IMPORT = {
    "workflows": set(),
    "synthetic": set(),
    "jobs": {"workflows"},
    "infra": {"workflows"},
    "sandbox": set(),
    "review": set(),
    # The official client is all it knows: so it works on Azure as it does here.
    "operate": set(),
    "report": {"sandbox"},
    "cli": set(OURS),
}
ONLY_IN = {
    # jobs: the break-glass task asks the workspace, as any client does.
    "databricks": ("operate", "jobs"),
    "cdktf": ("infra",),
    "cdktf_cdktf_provider_databricks": ("infra",),
    "cdktf_cdktf_provider_azurerm": ("infra",),
}


def modules() -> list[Path]:
    return [path for top in OURS for path in sorted((ROOT / top).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_what_its_room_may_know(path):
    top = path.relative_to(ROOT).parts[0]
    for name in imported(path):
        other = name.split(".")[0]
        if other in OURS and other != top:
            assert other in MAY_IMPORT[top], f"{path.relative_to(ROOT)} imports {name}"
        if other in ONLY_IN:
            assert top in ONLY_IN[other], f"{path.relative_to(ROOT)} imports {name}"


READERS = ("os.environ", "getenv")
COMPOSITION_ROOTS = {"jobs/io/context.py", "infra/__main__.py"}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_environment_is_read_at_composition_roots_only(path):
    where = str(path.relative_to(ROOT))
    if where in COMPOSITION_ROOTS or path.name == "__main__.py" or where.startswith(("cli/", "sandbox/")):
        return
    text = path.read_text()
    assert not any(reader in text for reader in READERS), f"{where} reads the environment"


def test_only_the_io_package_of_jobs_touches_sessions_and_mlflow():
    for path in (ROOT / "jobs").rglob("*.py"):
        if "io" in path.relative_to(ROOT / "jobs").parts:
            continue
        text = path.read_text()
        assert "SparkSession" not in text, path
        assert "dbutils" not in text, path
        assert "MlflowClient(" not in text, path
