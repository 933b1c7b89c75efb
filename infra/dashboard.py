"""The dashboard's text: pages of tables, each over one query, as the workspace's own JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from infra.queries import Page, Query, pages
from infra.stages import Stage

WIDTH, HEIGHT = 6, 8


def dataset(query: Query) -> dict[str, Any]:
    """One query that widgets read."""
    return {"name": query.address, "displayName": query.title, "queryLines": query.text.splitlines(keepends=True)}


def table(query: Query, place: int) -> dict[str, Any]:
    """A table over the columns of a query, the full width, below the ones before it."""
    fields = [{"name": name, "expression": f"`{name}`"} for name in query.columns]
    columns = [{"fieldName": name, "displayName": name.replace("_", " ")} for name in query.columns]
    return {
        "widget": {
            "name": query.address,
            "queries": [
                {
                    "name": "main_query",
                    "query": {"datasetName": query.address, "fields": fields, "disaggregated": True},
                }
            ],
            "spec": {
                "version": 1,
                "widgetType": "table",
                "encodings": {"columns": columns},
                "frame": {"showTitle": True, "title": query.title},
            },
        },
        "position": {"x": 0, "y": place * HEIGHT, "width": WIDTH, "height": HEIGHT},
    }


def page(one: Page) -> dict[str, Any]:
    """One tab."""
    widgets = [table(query, place) for place, query in enumerate(one.queries)]
    if not widgets:
        said = {"name": f"{one.address}_none", "multilineTextboxSpec": {"lines": [one.otherwise]}}
        widgets = [{"widget": said, "position": {"x": 0, "y": 0, "width": WIDTH, "height": 1}}]
    return {"name": one.address, "displayName": one.title, "pageType": "PAGE_TYPE_CANVAS", "layout": widgets}


def serialized(stage: Stage, models: Sequence[str]) -> str:
    """The dashboard of a stage with these live models: the same text each time."""
    made = pages(stage, models)
    document = {
        "datasets": [dataset(query) for one in made for query in one.queries],
        "pages": [page(one) for one in made],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"))
