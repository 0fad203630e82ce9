"""Any server with OpenAI's ``/v1/audio/transcriptions``: OpenAI, vLLM, Speaches, LocalAI and others."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import TYPE_CHECKING, Any, Final

from pipeline.asr.engine_whisper_spans import is_silence, timed
from pipeline.asr.pcm import wav_bytes
from pipeline.asr.vocabulary import prompt_of
from pipeline.dependencies import answered
from pipeline.errors import Config, ConvmineError
from pipeline.llm.openai_errors import Service, translated
from pipeline.ports import AsrEngine, Recognition, Speech
from pipeline.settings import OPENAI_URL, AsrSettings

if TYPE_CHECKING:
    import openai

_RATE_HZ: Final = 16_000
_CODE: Final = re.compile(r"[a-z]{2,3}")
_WISH_REFUSED: Final = frozenset({400, 415, 422})
_NAMED_AS: Final = (("words", "timestamp_granularities"), ("details", "response_format"), ("prompt", "prompt"))
_PROMPT_BYTES: Final = 448  # OpenAI's server keeps the last 224 tokens; a token is two bytes and more


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What a server is asked for besides the words; each server takes what it takes."""

    details: bool = True
    words: bool = True
    prompt: bool = True

    def without(self, name: str) -> _Wishes:
        return replace(self, **{name: False})


def build(settings: AsrSettings) -> AsrEngine:
    """The engine for ``settings.base_url``, or OpenAI's own server; a server of your own may need no key.

    Raises:
        Config: OpenAI's own server is meant, and there is no key.
    """
    key = settings.api_key.get_secret_value() if settings.api_key else None
    if key is None and settings.base_url is None:
        raise Config(
            "CONVMINE_ASR_API_KEY", "OpenAI's server needs a key", hint="or set CONVMINE_ASR_BASE_URL to another server"
        )
    from openai import AsyncOpenAI

    client = AsyncOpenAI(
        api_key=key or "none", base_url=settings.base_url or OPENAI_URL, timeout=settings.timeout_s, max_retries=0
    )
    return OpenAIEngine(client, model=settings.model, at_once=settings.batch)


class OpenAIEngine:
    """Sends each span as a WAV file in memory, ``at_once`` side by side; retrying is the runtime's business.

    It asks for the times of words and for what tells silence, and gives the vocabulary as a prompt, until the server
    refuses one of these by name; from then on without it.
    """

    sample_rate_hz: Final = _RATE_HZ

    def __init__(self, client: openai.AsyncOpenAI, *, model: str, at_once: int) -> None:
        self._client = client
        self._model = model
        self._service = Service(
            title="the transcription server",
            dependency="asr",
            model=model,
            key_variable="CONVMINE_ASR_API_KEY",
            model_variable="CONVMINE_ASR_MODEL",
            url_variable="CONVMINE_ASR_BASE_URL",
        )
        self._slots = asyncio.Semaphore(at_once)
        self._wishes = _Wishes()

    @property
    def name(self) -> str:
        return f"openai-{self._model}"

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        """Recognise all stretches; the first failure ends them all.

        Raises:
            Retryable: the server is away, slow or busy; carries the wait that it asked for.
            Poison: the server refuses this audio.
            Config: the server refuses the key or does not have the model.
        """
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._recognise(speech)) for speech in speeches]
        except* ConvmineError as errors:
            failure = _first(errors)
        else:
            return [task.result() for task in tasks]
        raise failure

    async def close(self) -> None:
        await self._client.close()

    async def _recognise(self, speech: Speech) -> Recognition:
        import openai

        audio = wav_bytes(speech)
        async with self._slots:
            try:
                return await self._agreed(audio, speech)
            except openai.OpenAIError as error:
                raise translated(error, self._service) from error

    async def _agreed(self, audio: bytes, speech: Speech) -> Recognition:
        """Ask for all that helps, and for less each time the server says what it does not take."""
        import openai

        while True:
            wishes = self._wishes
            try:
                return await self._ask(audio, speech, wishes)
            except openai.APIStatusError as error:
                refused = _refused(error, wishes)
                if refused is None:
                    raise
                self._wishes = self._wishes.without(refused)

    async def _ask(self, audio: bytes, speech: Speech, wishes: _Wishes) -> Recognition:
        import openai

        prompt = prompt_of(speech.vocabulary, _fits) if wishes.prompt else None
        answer = await self._client.audio.transcriptions.create(
            model=self._model,
            file=("speech.wav", audio, "audio/wav"),
            response_format="verbose_json" if wishes.details else "json",
            timestamp_granularities=["word", "segment"] if wishes.details and wishes.words else openai.omit,
            language=openai.omit if speech.language is None else speech.language.partition("-")[0],
            prompt=openai.omit if prompt is None else prompt,
            temperature=0.0,
        )
        answered(self._service.dependency)
        return _recognition({"text": answer} if isinstance(answer, str) else answer.model_dump(), speech)


def _refused(error: openai.APIStatusError, wishes: _Wishes) -> str | None:
    """Which of the wishes it is about: newer models of OpenAI's answer json only, others take no prompt."""
    if error.status_code not in _WISH_REFUSED:
        return None
    said = str(error)
    return next((name for name, word in _NAMED_AS if word in said and getattr(wishes, name)), None)


def _fits(prompt: str) -> bool:
    return len(prompt.encode()) <= _PROMPT_BYTES


def _first(errors: BaseExceptionGroup[ConvmineError]) -> ConvmineError:
    inner = errors.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _recognition(answer: dict[str, Any], speech: Speech) -> Recognition:
    segments: list[dict[str, Any]] = [
        segment for segment in answer.get("segments") or [] if isinstance(segment.get("avg_logprob"), int | float)
    ]
    language = speech.language or _code(answer.get("language"))
    if segments and all(map(_is_silence, segments)):
        return Recognition("", language=language, cut="no_speech")
    confidence = min(1.0, exp(sum(it["avg_logprob"] for it in segments) / len(segments))) if segments else None
    words = timed(_words(answer), len(speech.samples) / speech.sample_rate_hz)
    return Recognition(str(answer.get("text") or "").strip(), confidence, language, words)


def _words(answer: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """The words with their times in seconds, which some servers put into the segments."""
    inside = (word for segment in answer.get("segments") or [] for word in segment.get("words") or [])
    for word in answer.get("words") or inside:
        start, end = word.get("start"), word.get("end")
        if isinstance(start, int | float) and isinstance(end, int | float):
            yield str(word.get("word") or ""), float(start), float(end)


def _is_silence(segment: dict[str, Any]) -> bool:
    return is_silence(segment.get("no_speech_prob") or 0.0, segment["avg_logprob"])


def _code(language: object) -> str | None:
    # Servers answer "en" or "english"; only a code goes into a transcript.
    return language if isinstance(language, str) and _CODE.fullmatch(language) else None
