"""What a recording's channels are worth: one that is dead, and one that only repeats another, are not transcribed.

Two channels have the same talk (dual mono) where their windows are alike up to a delay, whichever of them is loud, and
one is always the same number of decibels louder. Where each hears the other's voice through the room (crosstalk), the
windows are alike as well, but who is louder changes with who speaks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from pipeline.ports import Samples

DEAD_DB: Final = -62.0
"""Of full scale: a channel none of whose windows is louder has no signal; speech that faint is not found either."""
_WINDOW_S: Final = 0.512
_RATE_HZ: Final = 8_000
_DELAY_S: Final = 0.05
"""The most that one of two copies may lag: paths through two systems, not two ends of a line."""
_ALIKE: Final = 0.75
"""Correlation of a window with its copy: 0.9 through a telephone codec; that of two speakers was below 0.6."""
_QUIETER_DB: Final = 25.0
"""Windows so far below the loudest ones are noise, which two copies need not share."""
_MOST_UNLIKE: Final = 0.1
_OTHER_LEAD_DB: Final = 6.0
"""A window in which a channel leads by so much more or less than usually is one in which somebody else speaks."""
_MOST_OTHERS: Final = 0.015
"""Share of such windows between copies: up to 0.9 % with a delay and noise. With crosstalk it is what the
rarer speaker says, so that nobody is left out who speaks for longer than this.
"""
_ENOUGH: Final = 2
_KEPT: Final = 2_048

Spectrum = npt.NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What a channel is: ``same_as`` is the channel that a duplicate repeats."""

    index: int
    state: Literal["ok", "dead", "duplicate"]
    same_as: int | None = None


@dataclass(frozen=True, slots=True)
class _Compared:
    """One window of two channels: their levels in dB of full scale, and how alike they are at the best delay."""

    first_db: float
    second_db: float
    likeness: float


class ChannelSurvey:
    """Listens to a recording once, block after block; needs a few hundred kilobytes, however long that is.

    Args:
        channels: how many the blocks have.
        sample_rate_hz: of the blocks; a whole multiple of 8 kHz, as which they are compared.

    Raises:
        ValueError: the rate is none.
    """

    def __init__(self, channels: int, sample_rate_hz: int) -> None:
        if sample_rate_hz % _RATE_HZ:
            msg = f"{sample_rate_hz} Hz is no multiple of {_RATE_HZ} Hz"
            raise ValueError(msg)
        self._window = int(_WINDOW_S * sample_rate_hz)
        self._step = sample_rate_hz // _RATE_HZ
        self._rest = np.zeros((channels, 0), dtype=np.float32)
        self._loudest_db = np.full(channels, -np.inf)
        self._pairs = {pair: _Windows() for pair in combinations(range(channels), 2)}

    def add(self, block: Samples) -> None:
        """Listen on: samples of shape (channels, frames) in -1..1."""
        joined = np.concatenate((self._rest, block), axis=1)
        whole = joined.shape[1] // self._window * self._window
        for start in range(0, whole, self._window):
            self._listen(joined[:, start : start + self._window])
        self._rest = joined[:, whole:].copy()

    def result(self) -> tuple[ChannelState, ...]:
        """What the channels are, in order; the last piece, shorter than a window, counts for the levels alone."""
        loudest = self._loudest_db
        if self._rest.shape[1]:
            loudest = np.maximum(loudest, _levels_db(self._rest))
        states: list[ChannelState] = []
        for index, level in enumerate(loudest.tolist()):
            same = next((it.index for it in states if it.state == "ok" and self._is_same(it.index, index)), None)
            if level <= DEAD_DB:
                states.append(ChannelState(index, "dead"))
            elif same is not None:
                states.append(ChannelState(index, "duplicate", same))
            else:
                states.append(ChannelState(index, "ok"))
        return tuple(states)

    def _listen(self, window: Samples) -> None:
        levels = _levels_db(window)
        self._loudest_db = np.maximum(self._loudest_db, levels)
        wanted = [pair for pair, windows in self._pairs.items() if windows.wants_next()]
        if not wanted or levels.max() <= DEAD_DB:
            return
        spectra = _spectra(window, self._step)
        for first, second in wanted:
            likeness = _likeness(spectra[first], spectra[second])
            self._pairs[first, second].add(_Compared(float(levels[first]), float(levels[second]), likeness))

    def _is_same(self, first: int, second: int) -> bool:
        return is_same_talk(self._pairs[first, second].kept)


class _Windows:
    """Compared windows, evenly over the time so far: when there are too many, every second one is dropped."""

    def __init__(self) -> None:
        self.kept: list[_Compared] = []
        self._every = 1
        self._seen = 0

    def wants_next(self) -> bool:
        """Whether the window that comes now is one of those to be compared."""
        self._seen += 1
        return self._seen % self._every == 0

    def add(self, compared: _Compared) -> None:
        self.kept.append(compared)
        if len(self.kept) >= _KEPT:
            self.kept = self.kept[1::2]
            self._every *= 2


def is_same_talk(windows: list[_Compared]) -> bool:
    """Whether two channels have the same talk, by their compared windows."""
    levels = np.array([(it.first_db, it.second_db) for it in windows], dtype=np.float64).reshape(-1, 2)
    if not len(levels):
        return False
    # Each side's own loudness, so that a copy that is much fainter has windows that count, too.
    loud = (levels > np.percentile(levels, 95, axis=0) - _QUIETER_DB).any(axis=1)
    if loud.sum() < _ENOUGH:
        return False
    likeness = np.array([it.likeness for it in windows])[loud]
    leads = levels[loud, 0] - levels[loud, 1]
    others = np.abs(leads - np.median(leads)) > _OTHER_LEAD_DB
    most_others = max(1.0, _MOST_OTHERS * len(others))
    return bool((likeness < _ALIKE).mean() <= _MOST_UNLIKE and others.sum() <= most_others)


def _levels_db(window: Samples) -> npt.NDArray[np.float64]:
    """Level of each channel in dB of full scale, without its direct current."""
    power = window.astype(np.float64).var(axis=1)
    return np.asarray(10.0 * np.log10(power + 1e-12), dtype=np.float64)


def _spectra(window: Samples, step: int) -> Spectrum:
    """Of each channel at 8 kHz, with room for a delay, scaled so that a window's correlation with itself is 1."""
    frames = window.shape[1] // step
    slow = window[:, : frames * step].reshape(len(window), frames, step).mean(axis=2)
    slow = slow - slow.mean(axis=1, keepdims=True)
    norms = np.sqrt((slow * slow).sum(axis=1, keepdims=True))
    scaled = slow / np.maximum(norms, 1e-9)
    return np.asarray(np.fft.rfft(scaled, n=frames + int(_DELAY_S * _RATE_HZ)), dtype=np.complex64)


def _likeness(first: Spectrum, second: Spectrum) -> float:
    """The largest correlation, of either sign, within the delay that two copies may have."""
    correlation = np.fft.irfft(first * np.conj(second))
    reach = int(_DELAY_S * _RATE_HZ)
    return float(np.abs(np.concatenate((correlation[: reach + 1], correlation[-reach:]))).max())
