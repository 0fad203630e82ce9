"""When each word was said, by openai-whisper's own alignment: its cross attention and dynamic time warping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pipeline.asr.engine_whisper_spans import timed
from pipeline.ports import TimedWord

_HOP: Final = 160  # samples at 16 kHz between two frames of a mel spectrogram
_LEAST_FRAMES: Final = 2  # the encoder makes one of two


class EncodedModel:
    """A Whisper model as ``whisper.timing`` takes it, but that is given encoded audio: it is not encoded again."""

    def __init__(self, model: Any) -> None:  # noqa: ANN401 - whisper has no types
        self._model = model

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the model has
        return getattr(self._model, name)

    def __call__(self, features: Any, tokens: Any) -> Any:  # noqa: ANN401 - tensors
        return self._model.logits(tokens, features)


def compile_alignment() -> None:
    """Have numba compile the time warping, which takes seconds, now and not when the first word is aligned."""
    import numpy as np
    from whisper.timing import dtw_cpu

    dtw_cpu(-np.eye(3))


def word_times(model: Any, tokenizer: Any, tokens: Sequence[int], features: Any, samples: int) -> tuple[TimedWord, ...]:  # noqa: ANN401 - whisper has no types
    """The words of the decoded tokens, in order, with times inside the stretch.

    Args:
        model: a Whisper model.
        tokenizer: of the language that was spoken.
        tokens: what the model decoded without timestamps.
        features: the encoded stretch, of shape (audio context, width).
        samples: how long the stretch is, at 16 kHz.
    """
    from whisper.timing import add_word_timestamps

    frames = min(samples // _HOP, 2 * int(model.dims.n_audio_ctx))
    if frames < _LEAST_FRAMES or not tokens:
        return ()
    ends_s = samples / 16_000
    segment: dict[str, Any] = {"seek": 0, "start": 0.0, "end": ends_s, "tokens": list(tokens), "words": []}
    add_word_timestamps(
        segments=[segment],
        model=EncodedModel(model),
        tokenizer=tokenizer,
        mel=features,
        num_frames=frames,
        last_speech_timestamp=0.0,
    )
    words = ((str(word["word"]), float(word["start"]), float(word["end"])) for word in segment["words"])
    return timed(words, ends_s)
