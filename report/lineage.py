"""The way back from one prediction to source versions, commit and requirements."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from markupsafe import Markup

from report import layout, svg, words
from report.stores import Row, Stage

FIELDS = (  # what must be known about a prediction for its lineage to be complete
    "model_name", "model_version", "mlflow_run_id", "commit", "requirements_hash", "declaration_hash",
    "feature_table", "feature_table_version", "source_versions", "scored_at", "job_run_id",
)  # fmt: skip
PERSON = ("person_id", "visit_occurrence_id", "score")
HEIGHT = 58.0


@dataclass(frozen=True)
class Lineage:
    """Predictions of one run of scoring: how many, how many with every field known, one of them, and its picture."""

    rows: int
    complete: int
    fields: Mapping[str, str]
    person: Mapping[str, str]  # empty unless the data are synthetic
    picture: Markup


def of_predictions(stage: Stage, model: str, synthetic: bool) -> Lineage | None:
    """Lineage of the stage's predictions; null where nothing was scored yet. A row is shown of synthetic data only."""
    table = f"{model}.predictions"
    rows = stage.tables.rows(table, columns=[*FIELDS, *PERSON] if synthetic else FIELDS)
    if not rows:
        return None
    records = stage.tables.rows("ml.lineage", columns=("object", "version", "inputs"))
    last = max(rows, key=lambda row: str(row["scored_at"]))
    person: dict[str, str] = {}
    if synthetic:
        latest = [row for row in rows if row["job_run_id"] == last["job_run_id"]]
        last = max(latest, key=lambda row: (row["score"], str(row["visit_occurrence_id"])))
        person = {name: str(last[name]) for name in PERSON} | {"score": words.number(last["score"])}
    fields = {name: _shown(name, last[name]) for name in FIELDS if name != "source_versions"}
    return Lineage(len(rows), complete(rows, records), fields, person, _draw(records or [], table, last, person))


def complete(rows: Iterable[Row], records: Iterable[Row] | None) -> int:
    """How many predictions name all that they came from: every field, and of every source table its version.

    records: `ml.lineage`, which must say what that version of their features was made from; None where there is none.
    """
    made = None if records is None else {(one["object"], str(one["version"])): one["inputs"] for one in records}

    @cache
    def known(text: str) -> bool:
        found = versions(text)
        return bool(found) and all(found.values())

    def led(row: Row) -> bool:
        features = (row["feature_table"], str(row["feature_table_version"]))
        return known(str(row["source_versions"])) and (made is None or known(str(made.get(features) or "")))

    return sum(all(row[name] is not None and row[name] != "" for name in FIELDS) and led(row) for row in rows)


def versions(text: object) -> dict[str, str]:
    """Inputs written as JSON: an object table -> version, or a list of names or "name@version"; none of other text."""
    try:
        value = json.loads(str(text)) if text else {}
    except ValueError:
        return {}
    if not isinstance(value, (dict, list)):
        return {}
    if isinstance(value, dict):
        return {str(name): "" if version is None else str(version) for name, version in value.items()}
    return dict(str(one).partition("@")[::2] for one in value)


def _shown(name: str, value: object) -> str:
    return words.moment(value) if name.endswith("_at") else words.NOTHING if value is None else str(value)


def _draw(records: Iterable[Row], table: str, row: Row, person: Mapping[str, str]) -> Markup:
    """Boxes for the prediction, its model version, and every table version behind them. records: `ml.lineage`."""
    prediction = "one prediction"
    model = f"{row['model_name']}@{row['model_version']}"
    features = f"{row['feature_table']}@{row['feature_table_version']}"
    sources = [f"{name}@{version}" for name, version in versions(row["source_versions"]).items()]
    after: dict[str, set[str]] = {prediction: {model, features}, model: set()}
    inputs = {f"{one['object']}@{one['version']}": versions(one["inputs"]) for one in records}
    waiting = [features, model]
    while waiting:
        name = waiting.pop()
        befores = {f"{one}@{version}" for one, version in inputs.get(name, {}).items()} - {name}
        after[name] = after.get(name, set()) | befores
        waiting += [before for before in befores if before not in after]
    if features != model and not _reaches(after, model, features) and not inputs.get(model):
        after[model].add(features)
    for source in sources:
        if source not in after:
            after[source] = set()
            after[features].add(source)
    labels = {name: _label(name, prediction, model, table, row, person) for name in after}
    width = (
        max(len(line) * (7.9 if index == 1 else 6.7) for lines in labels.values() for index, line in enumerate(lines))
        + 18
    )
    placed = layout.place(after, width=width, height=HEIGHT, gap_x=30, gap_y=10)
    arrows = [svg.arrow(points) for points in placed.edges.values()]
    boxes = []
    for name, (x, y) in placed.boxes.items():
        parts = [svg.element("title", name), svg.rectangle(x, y, width, HEIGHT, rx=6)]
        for offset, content, class_ in zip((16, 33, 49), labels[name], ("note", "name", "note"), strict=True):
            parts.append(svg.text(x + width / 2, y + offset, content, class_=class_, text_anchor="middle"))
        special = "good" if name in (prediction, model) else "plain"
        boxes.append(svg.element("g", *parts, class_=f"task {special}"))
    described = "; ".join(f"{name} from {', '.join(sorted(befores))}" for name, befores in after.items() if befores)
    return svg.picture(
        placed.width, placed.height, "Lineage of one prediction", described, *arrows, *boxes, class_="wide"
    )


def _reaches(after: Mapping[str, set[str]], start: str, goal: str) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        for before in after.get(waiting.pop(), set()) - seen:
            seen.add(before)
            waiting.append(before)
    return goal in seen


def _label(
    name: str, prediction: str, model: str, table: str, row: Row, person: Mapping[str, str]
) -> tuple[str, str, str]:
    """The three lines in a box."""
    if name == prediction:
        below = f"encounter {person['visit_occurrence_id']}" if person else f"run {words.short(row['job_run_id'])}"
        return table.split(".")[0], f"score {person['score']}" if person else "predictions", below
    if name == model:
        return (
            "model version",
            f"{str(row['model_name']).split('.')[-1]} {row['model_version']}",
            (f"MLflow run {words.short(row['mlflow_run_id'], 8)}"),
        )
    place, _, version = name.rpartition("@")
    *schema, short = place.split(".")
    return schema[-1] if schema else "", short if len(short) <= 26 else short[:25] + "…", f"version {version}"
