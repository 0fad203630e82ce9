"""Whisper on CTranslate2 (faster-whisper), in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from math import exp
from typing import Any, Final

from pipeline.dependencies import answered
from pipeline.errors import Config, Poison, Retryable
from pipeline.ports import AsrEngine, Recognition, Speech
from pipeline.settings import AsrSettings

_RATE_HZ: Final = 16_000


def build(settings: AsrSettings) -> AsrEngine:
    """The engine with its model; ``settings.model`` is a size, a name on the Hugging Face Hub or a folder.

    Raises:
        Config: the model cannot be loaded, or the device is not there.
    """
    from faster_whisper import WhisperModel

    try:
        model = WhisperModel(settings.model, device=settings.device)
    except Exception as error:  # the hub, the file system and CTranslate2 each raise kinds of their own
        reason = str(error).partition("\n")[0][:200]
        raise Config(
            "CONVMINE_ASR_MODEL",
            f"the faster-whisper model {settings.model!r} cannot be loaded on {settings.device!r}: {reason}",
            hint="name a size such as small (it is downloaded once), or give the folder of a converted model",
        ) from error
    return FasterWhisperEngine(model, name=f"faster-whisper-{settings.model.rpartition('/')[2]}")


class FasterWhisperEngine:
    """Recognises span after span; its own voice activity detection stays off, as ours has cut already."""

    sample_rate_hz: Final = _RATE_HZ

    def __init__(self, model: Any, *, name: str) -> None:  # noqa: ANN401 - faster_whisper is not checked here
        self._model = model
        self._name = name
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="faster-whisper")

    @property
    def name(self) -> str:
        return self._name

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        """Recognise the stretches one after the other; the language is detected where it is not given.

        Raises:
            Retryable: the device has no memory left.
            Poison: the model does not know the language.
        """
        loop = asyncio.get_running_loop()
        results = [await loop.run_in_executor(self._thread, self._recognise, speech) for speech in speeches]
        answered("faster-whisper")
        return results

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    def _recognise(self, speech: Speech) -> Recognition:
        language = None if speech.language is None else speech.language.partition("-")[0]
        if language is not None and language not in self._model.supported_languages:
            raise Poison(f"the model {self._name} does not know the language {language!r}")
        try:
            found, info = self._model.transcribe(
                speech.samples,
                language=language,
                beam_size=1,
                temperature=0.0,  # a redelivery must say the same
                without_timestamps=True,
                condition_on_previous_text=False,
                vad_filter=False,
            )
            segments = list(found)
        except RuntimeError as error:
            if "out of memory" in str(error).lower():
                raise Retryable("faster-whisper has no memory left", dependency="faster-whisper") from error
            raise
        text = " ".join(segment.text.strip() for segment in segments).strip()
        return Recognition(text, _confidence(segments), str(info.language))


def _confidence(segments: Sequence[Any]) -> float | None:
    seconds = sum(segment.end - segment.start for segment in segments)
    if seconds <= 0:
        return None
    mean = sum(segment.avg_logprob * (segment.end - segment.start) for segment in segments) / seconds
    return min(1.0, exp(mean))
