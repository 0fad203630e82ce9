"""Speaker diarisation, for recordings with several speakers on one channel: none of our own, any package's by its name.

A package offers one as an entry point of the group ``convmine.diarisers``: a function that is given ``AsrSettings`` and
returns a ``pipeline.ports.Diariser``.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from pipeline.errors import Config
from pipeline.ports import Diariser
from pipeline.settings import AsrSettings

GROUP: Final = "convmine.diarisers"
NONE: Final = "none"


def build_diariser(settings: AsrSettings) -> Diariser | None:
    """The diariser that the settings name; None for ``none``.

    Raises:
        Config: no installed package offers one by this name.
    """
    if settings.diariser == NONE:
        return None
    offered = _offered()
    if settings.diariser not in offered:
        names = ", ".join(sorted([NONE, *offered]))
        raise Config(
            "CONVMINE_ASR_DIARISER",
            f"no installed package offers the diariser {settings.diariser!r}",
            hint=f"set it to one of: {names}",
        )
    diariser: Diariser = offered[settings.diariser].load()(settings)
    return diariser


def _offered() -> Mapping[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}
