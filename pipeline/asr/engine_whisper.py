"""OpenAI's Whisper in this process: several spans in one forward pass, in a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from math import exp
from typing import Any, Final

from pipeline.asr.engine_whisper_spans import AVERAGE_LOGPROB, is_silence, language_of, together
from pipeline.asr.engine_whisper_words import compile_alignment, word_times
from pipeline.asr.model_thread import ModelThread
from pipeline.asr.vocabulary import prompt_of
from pipeline.errors import Config, Poison, Retryable
from pipeline.ports import AsrEngine, Recognition, Samples, Speech, TimedWord
from pipeline.settings import AsrSettings

_RATE_HZ: Final = 16_000
_COMPRESSION: Final = 2.4  # the threshold of whisper.transcribe
TEMPERATURES: Final = (0.2, 0.4, 0.6, 0.8, 1.0)
"""What ``whisper.transcribe`` tries, one after the other, where greedy decoding fails."""


def build(settings: AsrSettings) -> AsrEngine:
    """The engine with its model on its device; ``settings.model`` is a name of OpenAI's or the path of a checkpoint.

    Raises:
        Config: the model cannot be loaded, or the device is not there.
    """
    device = _device(settings.device)
    model = _load(settings.model, device)
    compile_alignment()
    return WhisperEngine(model, name=f"whisper-{_stem(settings.model)}", batch=settings.batch)


class WhisperEngine:
    """Decodes at most ``batch`` spans of up to 30 s at once; one batch at a time has the model.

    Spans of one language and one vocabulary are decoded together, greedily; one that fails by the thresholds is decoded
    again by itself at each of ``temperatures`` until it does not. What is drawn there depends on the span's samples
    alone, so that a redelivery says the same, in whatever company.

    Args:
        model: a Whisper model.
        name: what transcripts name.
        batch: spans at once.
        temperatures: to try where greedy decoding fails; none leaves it at that.
        longest: tokens of one span at most; None is half of the model's context, as in ``whisper.transcribe``.
    """

    sample_rate_hz: Final = _RATE_HZ

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - whisper has no types
        *,
        name: str,
        batch: int,
        temperatures: Sequence[float] = TEMPERATURES,
        longest: int | None = None,
    ) -> None:
        self._model = model
        self._name = name
        self._temperatures = tuple(temperatures)
        self._longest = longest
        self._prompt = lru_cache(maxsize=64)(self._prompt_tokens)
        self._thread = ModelThread("whisper", self._recognise, batch=batch)

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
        import torch

        try:
            with torch.inference_mode():
                features = self._features(speeches)
                return self._decode(speeches, features, self._languages(speeches, features))
        except torch.OutOfMemoryError as error:
            raise Retryable(
                f"whisper has no memory left for {len(speeches)} spans",
                dependency="whisper",
                hint="where this goes on, set CONVMINE_ASR_BATCH to less",
            ) from error

    def _features(self, speeches: Sequence[Speech]) -> Any:  # noqa: ANN401 - a tensor
        import torch
        import whisper

        mels, device = self._model.dims.n_mels, self._model.device
        # One by one: the spectrogram is scaled by its loudest value, which must not be that of another span.
        rows = [whisper.log_mel_spectrogram(whisper.pad_or_trim(it.samples), mels, device=device) for it in speeches]
        mel = torch.stack(rows)
        return self._model.embed_audio(mel.half() if self._fp16 else mel)

    @property
    def _fp16(self) -> bool:
        return bool(self._model.device.type == "cuda")

    def _languages(self, speeches: Sequence[Speech], features: Any) -> list[str]:  # noqa: ANN401 - a tensor
        from whisper.tokenizer import LANGUAGES

        known = [language_of(speech) for speech in speeches]
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

    def _decode(self, speeches: Sequence[Speech], features: Any, languages: Sequence[str]) -> list[Recognition]:  # noqa: ANN401 - a tensor
        from whisper import decode

        results: dict[int, Recognition] = {}
        for (language, vocabulary), rows in together(speeches, languages).items():
            options = self._options(language, vocabulary)
            for row, decoded in zip(rows, decode(self._model, features[rows], options), strict=True):
                samples = speeches[row].samples
                result = self._settled(decoded, features[row], options, samples)
                words = () if _is_silence(result) else self._words(result, features[row], len(samples))
                results[row] = _recognition(result, words)
        return [results[row] for row in range(len(speeches))]

    def _options(self, language: str, vocabulary: tuple[str, ...]) -> Any:  # noqa: ANN401 - whisper has no types
        from whisper import DecodingOptions

        return DecodingOptions(
            language=language,
            prompt=self._prompt(vocabulary),
            sample_len=self._longest,
            without_timestamps=True,
            fp16=self._fp16,
        )

    def _prompt_tokens(self, vocabulary: tuple[str, ...]) -> list[int] | None:
        """The prompt as tokens; Whisper itself would cut the first terms off, which are the best ones."""
        encode, room = self._tokenizer("en").encode, self._model.dims.n_text_ctx // 2 - 1
        prompt = prompt_of(vocabulary, lambda text: len(encode(f" {text}")) <= room)
        return None if prompt is None else list(encode(f" {prompt}"))

    def _settled(self, result: Any, features: Any, options: Any, samples: Samples) -> Any:  # noqa: ANN401 - whisper has no types
        """The result, or where it failed the first of higher temperature that does not, or the best of all."""
        from whisper import decode

        tried = [result]
        if _failed(result):
            with _drawing_by(samples, self._model.device):
                for temperature in self._temperatures:
                    tried.append(decode(self._model, features, replace(options, temperature=temperature)))
                    if not _failed(tried[-1]):
                        return tried[-1]
        return max(tried, key=lambda it: (it.compression_ratio <= _COMPRESSION, it.avg_logprob))

    def _words(self, result: Any, features: Any, samples: int) -> tuple[TimedWord, ...]:  # noqa: ANN401 - whisper has no types
        return word_times(self._model, self._tokenizer(result.language), result.tokens, features, samples)

    def _tokenizer(self, language: str) -> Any:  # noqa: ANN401 - whisper has no types
        from whisper.tokenizer import get_tokenizer

        model = self._model
        return get_tokenizer(
            model.is_multilingual, num_languages=model.num_languages, language=language, task="transcribe"
        )


@contextmanager
def _drawing_by(samples: Samples, device: Any) -> Iterator[None]:  # noqa: ANN401 - whisper has no types
    """Inside, what torch draws depends on the samples alone; its generators are as before afterwards."""
    import torch

    devices = [torch.cuda.current_device() if device.index is None else device.index] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(int.from_bytes(sha256(samples.tobytes()).digest()[:8], "big"))
        yield


def _failed(result: Any) -> bool:  # noqa: ANN401 - whisper has no types
    if _is_silence(result):
        return False
    return bool(result.compression_ratio > _COMPRESSION or result.avg_logprob < AVERAGE_LOGPROB)


def _is_silence(result: Any) -> bool:  # noqa: ANN401 - whisper has no types
    return is_silence(result.no_speech_prob, result.avg_logprob)


def _recognition(result: Any, words: tuple[TimedWord, ...]) -> Recognition:  # noqa: ANN401 - whisper has no types
    if _is_silence(result):
        return Recognition("", language=result.language, cut="no_speech")
    return Recognition(result.text.strip(), min(1.0, exp(result.avg_logprob)), result.language, words)


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
