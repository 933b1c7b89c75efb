"""`mlops check FILE`: a file of models, and what its examples come to, on this machine and without Spark."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from cli.errors import UsageError
from cli.house import House
from infra.clusters import load as load_clusters
from infra.clusters import refuse_lacking
from workflows.discover import Catalogue, discover
from workflows.errors import DeclarationError
from workflows.examples import checked_codes
from workflows.interpreter import differences
from workflows.loading import label


def check_file(path: Path) -> None:
    """Check all declarations, run the examples of the models in the file; exit code 1 if one does not come out."""
    begun, console = time.monotonic(), Console(highlight=False, soft_wrap=True)
    file = path.resolve()
    root = file.parent.parent
    if not path.exists():
        raise UsageError(f"{path} is not there; valid: workflows/models/<name>.py")
    if not file.is_file() or file.parent.name != "models" or not (root / "sources").is_dir():
        raise UsageError(f"{path} is no file of models; valid: workflows/models/<name>.py")
    clusters = load_clusters(House().root)
    catalogue = discover(root, clusters=clusters, examples=False)
    refuse_lacking(catalogue.models.values(), clusters, catalogue.files)
    where = label(file, root)
    names = [name for name in catalogue.models if catalogue.files[f"declaration:{name}"] == where]
    if not names:
        raise UsageError(f"{where} declares no model; valid: a file with <name> = Model(...)")
    wrong = sum(_model(console, catalogue, name, where) for name in names)
    console.print(f"{wrong or 'none'} wrong, in {time.monotonic() - begun:.1f} s")
    if wrong:
        sys.exit(1)


def _model(console: Console, catalogue: Catalogue, name: str, where: str) -> int:
    """Show the examples of one model; how many do not come out."""
    model = catalogue.models[name]
    source = catalogue.sources[model.source]
    console.print(f"{where}: {name}: {model.question}", markup=False)
    if not model.examples:
        console.print("  no examples: say of an invented patient what must come out (`examples=[Example(...)]`)")
    wrong = 0
    for example in model.examples:
        try:
            checked_codes(name, example, source.vocabularies)
            found = differences(model, example, source)
        except DeclarationError as error:
            console.print(f"  [red]✗[/red] {escape(example.name)}")
            console.print(f"      {error.at(where)}", markup=False)
            wrong += 1
            continue
        asked = len(example.features) + (example.outcome is not None)
        console.print("  [red]✗[/red]" if found else "  [green]✓[/green]", end=" ")
        console.print(f"{example.name} ({asked - len(found)} of {asked} as expected)", markup=False)
        for one in found:
            console.print(f"      {one}", markup=False)
        wrong += bool(found)
    return wrong
