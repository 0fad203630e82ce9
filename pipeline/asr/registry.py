"""The speech engines by name; a new one is a file and a line here."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from pipeline.errors import Config
from pipeline.ports import AsrEngine
from pipeline.settings import AsrSettings


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an engine's ``build(settings)`` is, the module that it needs, and the extra that installs that."""

    module: str
    needs: str
    extra: str | None


ENGINES: Final[Mapping[str, Entry]] = {
    "pocketsphinx": Entry("pipeline.asr.engine_pocketsphinx", "pocketsphinx", "local"),
    "whisper": Entry("pipeline.asr.engine_whisper", "whisper", "whisper"),
    "faster-whisper": Entry("pipeline.asr.engine_faster_whisper", "faster_whisper", "faster-whisper"),
    "openai": Entry("pipeline.asr.engine_openai", "openai", None),
}


def build_engine(settings: AsrSettings) -> AsrEngine:
    """The engine that the settings name, with its model loaded; can take seconds.

    Raises:
        Config: its package is not installed, or its model, device or key is missing.
    """
    entry = ENGINES[settings.engine]
    if find_spec(entry.needs) is None:
        install = f"convmine[{entry.extra}]" if entry.extra else "convmine"
        raise Config(
            "CONVMINE_ASR_ENGINE",
            f"the engine {settings.engine} needs the package {entry.needs}, which is not installed",
            hint=f"pip install '{install}', or choose another engine of {', '.join(ENGINES)}",
        )
    engine: AsrEngine = importlib.import_module(entry.module).build(settings)
    return engine
