"""The places of the workbench by name; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pipeline.settings import Settings
from pipeline.workbench.place import Workbench


def open_workbench(settings: Settings) -> Workbench:
    """The place that the settings name; it touches nothing before its first use.

    Raises:
        Config: a place on a server is set, but no server.
    """
    return PLACES[settings.workbench.place](settings)


def _sqlite(settings: Settings) -> Workbench:
    from pipeline.workbench.place_sqlite import SqliteWorkbench

    return SqliteWorkbench(settings.workbench.path)


def _qdrant(settings: Settings) -> Workbench:
    from pipeline.store.bare_collection import server_for
    from pipeline.workbench.place_qdrant import QdrantWorkbench

    server = server_for("CONVMINE_WORKBENCH_PLACE", settings.store)
    return QdrantWorkbench(server, prefix=settings.store.prefix)


PLACES: Final[Mapping[str, Callable[[Settings], Workbench]]] = {"sqlite": _sqlite, "qdrant": _qdrant}
