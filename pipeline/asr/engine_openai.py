"""Any server with OpenAI's ``/v1/audio/transcriptions``: OpenAI, vLLM, Speaches, LocalAI and others."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING, Any, Final, Literal

from pipeline.asr.pcm import wav_bytes
from pipeline.dependencies import answered
from pipeline.errors import Config, ConvmineError
from pipeline.llm.openai_errors import Service, translated
from pipeline.ports import AsrEngine, Recognition, Speech
from pipeline.settings import OPENAI_URL, AsrSettings

if TYPE_CHECKING:
    import openai

_RATE_HZ: Final = 16_000
_NO_SPEECH: Final = 0.6
_AVERAGE_LOGPROB: Final = -1.0
_CODE: Final = re.compile(r"[a-z]{2,3}")
_FORMAT_REFUSED: Final = frozenset({400, 415, 422})


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
    """Sends each span as a WAV file in memory, ``at_once`` side by side; retrying is the runtime's business."""

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
        self._format: Literal["verbose_json", "json"] = "verbose_json"

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
                try:
                    return await self._ask(audio, speech.language)
                except openai.APIStatusError as error:
                    if not self._refuses_format(error):
                        raise
                self._format = "json"
                return await self._ask(audio, speech.language)
            except openai.OpenAIError as error:
                raise translated(error, self._service) from error

    async def _ask(self, audio: bytes, language: str | None) -> Recognition:
        import openai

        answer = await self._client.audio.transcriptions.create(
            model=self._model,
            file=("speech.wav", audio, "audio/wav"),
            response_format=self._format,
            language=openai.omit if language is None else language.partition("-")[0],
            temperature=0.0,
        )
        answered(self._service.dependency)
        return _recognition({"text": answer} if isinstance(answer, str) else answer.model_dump(), language)

    def _refuses_format(self, error: openai.APIStatusError) -> bool:
        # Newer models of OpenAI's answer json only, and say so.
        return self._format != "json" and error.status_code in _FORMAT_REFUSED and "response_format" in str(error)


def _first(errors: BaseExceptionGroup[ConvmineError]) -> ConvmineError:
    inner = errors.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _recognition(answer: dict[str, Any], asked: str | None) -> Recognition:
    segments: list[dict[str, Any]] = [
        segment for segment in answer.get("segments") or [] if isinstance(segment.get("avg_logprob"), int | float)
    ]
    language = asked or _code(answer.get("language"))
    if segments and all(map(_is_silence, segments)):
        return Recognition("", language=language)
    confidence = min(1.0, exp(sum(it["avg_logprob"] for it in segments) / len(segments))) if segments else None
    return Recognition(str(answer.get("text") or "").strip(), confidence, language)


def _is_silence(segment: dict[str, Any]) -> bool:
    return (segment.get("no_speech_prob") or 0.0) > _NO_SPEECH and segment["avg_logprob"] < _AVERAGE_LOGPROB


def _code(language: object) -> str | None:
    # Servers answer "en" or "english"; only a code goes into a transcript.
    return language if isinstance(language, str) and _CODE.fullmatch(language) else None
