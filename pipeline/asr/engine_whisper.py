"""OpenAI's Whisper in this process: several spans in one forward pass, in a thread of its own."""

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
# The thresholds of whisper.transcribe: this sure of silence, and this unsure of its words.
_NO_SPEECH: Final = 0.6
_AVERAGE_LOGPROB: Final = -1.0


def build(settings: AsrSettings) -> AsrEngine:
    """The engine with its model on its device; ``settings.model`` is a name of OpenAI's or the path of a checkpoint.

    Raises:
        Config: the model cannot be loaded, or the device is not there.
    """
    device = _device(settings.device)
    return WhisperEngine(_load(settings.model, device), name=f"whisper-{_stem(settings.model)}", batch=settings.batch)


class WhisperEngine:
    """Decodes greedily, at most ``batch`` spans of up to 30 s at once; one batch at a time has the model."""

    sample_rate_hz: Final = _RATE_HZ

    def __init__(self, model: Any, *, name: str, batch: int) -> None:  # noqa: ANN401 - whisper has no types
        self._model = model
        self._name = name
        self._batch = batch
        # One thread, and not a lock: a cancelled call's batch still finishes before the next one starts.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="whisper")

    @property
    def name(self) -> str:
        return self._name

    async def recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        """Recognise the stretches, batch by batch; the language is detected where it is not given.

        Raises:
            Retryable: the device has no memory left.
            Poison: the model does not know the language.
        """
        loop = asyncio.get_running_loop()
        results: list[Recognition] = []
        for start in range(0, len(speeches), self._batch):
            batch = speeches[start : start + self._batch]
            results += await loop.run_in_executor(self._thread, self._recognise, batch)
            answered("whisper")
        return results

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    def _recognise(self, speeches: Sequence[Speech]) -> list[Recognition]:
        import torch

        try:
            with torch.inference_mode():
                features = self._features(speeches)
                languages = self._languages(speeches, features)
                return self._decode(features, languages)
        except torch.OutOfMemoryError as error:
            raise Retryable(f"whisper has no memory left for {len(speeches)} spans", dependency="whisper") from error

    def _features(self, speeches: Sequence[Speech]) -> Any:  # noqa: ANN401 - a tensor
        import torch
        import whisper

        mels = [
            whisper.log_mel_spectrogram(whisper.pad_or_trim(speech.samples), n_mels=self._model.dims.n_mels)
            for speech in speeches
        ]
        mel = torch.stack(mels).to(self._model.device)
        return self._model.embed_audio(mel.half() if self._fp16 else mel)

    @property
    def _fp16(self) -> bool:
        return bool(self._model.device.type == "cuda")

    def _languages(self, speeches: Sequence[Speech], features: Any) -> list[str]:  # noqa: ANN401 - a tensor
        from whisper.tokenizer import LANGUAGES

        known = [None if speech.language is None else speech.language.partition("-")[0] for speech in speeches]
        readable = LANGUAGES if self._model.is_multilingual else {"en": "english"}
        if (odd := next((language for language in known if language and language not in readable), None)) is not None:
            raise Poison(f"the model {self._name} does not know the language {odd!r}")
        if not self._model.is_multilingual:
            return ["en"] * len(known)
        unknown = [index for index, language in enumerate(known) if language is None]
        if not unknown:
            return [language or "" for language in known]
        _, probabilities = self._model.detect_language(features[unknown])
        detected = {index: max(found, key=found.get) for index, found in zip(unknown, probabilities, strict=True)}
        return [language or detected[index] for index, language in enumerate(known)]

    def _decode(self, features: Any, languages: list[str]) -> list[Recognition]:  # noqa: ANN401 - a tensor
        from whisper import DecodingOptions, decode

        results: dict[int, Recognition] = {}
        for language in sorted(set(languages)):
            rows = [index for index, its in enumerate(languages) if its == language]
            options = DecodingOptions(language=language, without_timestamps=True, fp16=self._fp16)
            decoded = decode(self._model, features[rows], options)
            results.update(zip(rows, map(_recognition, decoded), strict=True))
        return [results[index] for index in range(len(languages))]


def _recognition(result: Any) -> Recognition:  # noqa: ANN401 - whisper has no types
    if result.no_speech_prob > _NO_SPEECH and result.avg_logprob < _AVERAGE_LOGPROB:
        return Recognition("", language=result.language)
    return Recognition(result.text.strip(), min(1.0, exp(result.avg_logprob)), result.language)


def _device(wanted: str) -> str:
    import torch

    cuda = torch.cuda.is_available()
    if wanted == "auto":
        return "cuda" if cuda else "cpu"
    try:
        kind = torch.device(wanted).type
    except RuntimeError as error:
        raise Config("CONVMINE_ASR_DEVICE", f"auto, cpu or cuda, not {wanted!r}") from error
    if kind == "cuda" and not cuda:
        raise Config(
            "CONVMINE_ASR_DEVICE", f"{wanted!r}, but torch finds no CUDA device here", hint="set it to auto or cpu"
        )
    return wanted


def _load(model: str, device: str) -> Any:  # noqa: ANN401 - whisper has no types
    import pickle

    import whisper

    try:
        return whisper.load_model(model, device=device)
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0][:200]
        raise Config(
            "CONVMINE_ASR_MODEL",
            f"the whisper model {model!r} cannot be loaded: {reason}",
            hint="name one of OpenAI's models (it is downloaded once), or give the path of a checkpoint",
        ) from error


def _stem(model: str) -> str:
    return model.rpartition("/")[2].removesuffix(".pt")
