"""Whisper on CTranslate2 (faster-whisper), several spans in one pass, in a thread of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import ceil, exp
from typing import Any, Final

import numpy as np

from pipeline.asr.engine_whisper_spans import is_silence, language_of, timed, together
from pipeline.asr.model_thread import ModelThread
from pipeline.errors import Config, Poison, Retryable
from pipeline.ports import AsrEngine, Recognition, Samples, Speech
from pipeline.settings import AsrSettings

_RATE_HZ: Final = 16_000
_LONGEST_S: Final = 30
# Spans are laid one after the other, each at a whole second and so far from the last that what faster-whisper does to
# a long first word, by the time since the last one, is the same in any company.
_APART_S: Final = 4


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
    return FasterWhisperEngine(model, name=f"faster-whisper-{settings.model.rpartition('/')[2]}", batch=settings.batch)


class FasterWhisperEngine:
    """Decodes at most ``batch`` spans of up to 30 s at once, greedily.

    Its own voice activity detection stays off, as ours has cut already. It is not tried again at higher temperatures:
    CTranslate2 draws from a generator that cannot be set anew, so that a redelivery would say something else.

    Args:
        model: a ``faster_whisper.WhisperModel``.
        name: what transcripts name.
        batch: spans at once.
        longest: tokens of one span at most; None is what the model's context holds.
    """

    sample_rate_hz: Final = _RATE_HZ

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - faster_whisper is not checked here
        *,
        name: str,
        batch: int,
        longest: int | None = None,
    ) -> None:
        from faster_whisper import BatchedInferencePipeline

        self._model = model
        self._pipeline = BatchedInferencePipeline(model)
        self._name = name
        self._longest = longest
        self._thread = ModelThread("faster-whisper", self._recognise, batch=batch)

    @property
    def name(self) -> str:
        return self._name

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        """Recognise the stretches, batch by batch; the language is detected where it is not given.

        Raises:
            Retryable: the device has no memory left.
            Poison: the model does not know the language.
        """
        return await self._thread.recognise(speeches)

    async def close(self) -> None:
        await self._thread.close()

    def _recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        for speech in speeches:
            if (code := language_of(speech)) is not None and code not in self._model.supported_languages:
                raise Poison(f"the model {self._name} does not know the language {code!r}")
        try:
            languages = [language_of(speech) or self._language(speech.samples) for speech in speeches]
            results: dict[int, Recognition] = {}
            for (language, vocabulary), rows in together(speeches, languages).items():
                spans = [speeches[row].samples[: _LONGEST_S * _RATE_HZ] for row in rows]
                results.update(zip(rows, self._decode(spans, language, vocabulary), strict=True))
        except RuntimeError as error:
            if "out of memory" in str(error).lower():
                raise Retryable(
                    f"faster-whisper has no memory left for {len(speeches)} spans",
                    dependency="faster-whisper",
                    hint="where this goes on, set CONVMINE_ASR_BATCH to less",
                ) from error
            raise
        return [results[row] for row in range(len(speeches))]

    def _language(self, samples: Samples) -> str:
        known: Sequence[str] = self._model.supported_languages
        return known[0] if len(known) == 1 else str(self._model.detect_language(audio=samples)[0])

    def _decode(self, spans: Sequence[Samples], language: str, vocabulary: tuple[str, ...]) -> list[Recognition]:
        audio, starts = _laid_out(spans)
        found, _ = self._pipeline.transcribe(
            audio,
            language=language,
            beam_size=1,
            temperature=0.0,
            without_timestamps=True,
            word_timestamps=True,
            max_new_tokens=self._longest,
            # Half a sample more, because it multiplies by the rate and rounds down.
            clip_timestamps=[
                {"start": start + 0.5 / _RATE_HZ, "end": start + (len(span) + 0.5) / _RATE_HZ}
                for start, span in zip(starts, spans, strict=True)
            ],
            batch_size=len(spans),
            hotwords=", ".join(vocabulary) + "." if vocabulary else None,
        )
        segments: list[list[Any]] = [[] for _ in spans]
        for segment in found:
            segments[bisect_right(starts, segment.seek / self._model.frames_per_second) - 1].append(segment)
        return [
            _recognition(its, language, start, len(span))
            for its, start, span in zip(segments, starts, spans, strict=True)
        ]


def _laid_out(spans: Sequence[Samples]) -> tuple[Samples, list[int]]:
    """The spans in one recording, parted by silence, and at which second each starts."""
    starts, end_s = [], 0
    for span in spans:
        starts.append(end_s + _APART_S)
        end_s = starts[-1] + ceil(len(span) / _RATE_HZ)
    audio = np.zeros(end_s * _RATE_HZ, dtype=np.float32)
    for start, span in zip(starts, spans, strict=True):
        audio[start * _RATE_HZ : start * _RATE_HZ + len(span)] = span
    return audio, starts


def _recognition(segments: Sequence[Any], language: str, start_s: int, samples: int) -> Recognition:
    """What was found in a span that was laid out at ``start_s``."""
    if not segments:
        return Recognition("", language=language)
    if all(is_silence(it.no_speech_prob, it.avg_logprob) for it in segments):
        return Recognition("", language=language, cut="no_speech")
    text = " ".join(segment.text.strip() for segment in segments).strip()
    words = (
        (str(word.word), word.start - start_s, word.end - start_s)
        for segment in segments
        for word in segment.words or ()
    )
    confidence = min(1.0, exp(sum(segment.avg_logprob for segment in segments) / len(segments)))
    return Recognition(text, confidence, language, timed(words, samples / _RATE_HZ))
