"""Dashboards as Grafana reads them: JSON, with a place for each panel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from dashboards.panels import Dashboard, Panel, Variable

COLUMNS: Final = 24
"""Width of a dashboard, as Grafana counts."""
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
"""What is chosen as data source at the top of a page."""
SCHEMA: Final = 38
"""Version of the format: that of Grafana 10, which later ones read."""


def places(panels: Sequence[Panel]) -> Iterator[dict[str, int]]:
    """Where each panel lies: beside the one before it as long as there is room, else below all that are there."""
    left = top = below = 0
    for one in panels:
        if left + one.width > COLUMNS:
            left, top = 0, below
        yield {"x": left, "y": top, "w": one.width, "h": one.height}
        left, below = left + one.width, max(below, top + one.height)


def written_panel(one: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    """A panel as Grafana reads it."""
    targets = [
        {"datasource": SOURCE, "expr": query.expression, "legendFormat": query.legend, "refId": chr(ord("A") + at)}
        for at, query in enumerate(one.queries)
    ]
    custom = {"fillOpacity": 10, "showPoints": "never", "spanNulls": False} if one.kind == "timeseries" else {}
    return {
        "id": number,
        "type": one.kind,
        "title": one.title,
        "description": one.says,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": one.unit, "min": 0, "custom": custom}, "overrides": []},
        "targets": targets,
    }


def written_variable(one: Variable) -> dict[str, Any]:
    """A choice as Grafana reads it: several values, or all."""
    return {
        "name": one.name,
        "label": one.name,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": f"label_values({one.metric}, {one.name})", "refId": one.name},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
        "sort": 1,
    }


def written(board: Dashboard) -> dict[str, Any]:
    """A dashboard as Grafana reads it; its data source is chosen at the top of the page."""
    source = {"name": "datasource", "label": "data source", "type": "datasource", "query": "prometheus", "current": {}}
    found = zip(board.panels, places(board.panels), strict=True)
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.says,
        "tags": ["convmine"],
        "schemaVersion": SCHEMA,
        "editable": False,
        "refresh": "30s",
        "time": {"from": board.since, "to": "now"},
        "links": [{"type": "dashboards", "tags": ["convmine"], "title": "convmine", "asDropdown": False}],
        "templating": {"list": [source, *(written_variable(one) for one in board.variables)]},
        "panels": [written_panel(one, number, place) for number, (one, place) in enumerate(found, start=1)],
    }
