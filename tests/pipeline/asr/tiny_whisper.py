"""Whisper models with random weights, small enough to make in a test, for the real loading code of two libraries."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

WORDS = 40
MELS = 80
AUDIO_CONTEXT = 1_500
TEXT_CONTEXT = 448


def openai_checkpoint(path: Path, *, width: int = 16) -> Path:
    """A multilingual checkpoint as ``whisper.load_model(path)`` reads it."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(0)
    dims = ModelDimensions(MELS, AUDIO_CONTEXT, width, 2, 1, 51_865, TEXT_CONTEXT, width, 2, 1)
    model = Whisper(dims)
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.5)  # wide enough for the words to depend on the sound
    torch.save({"dims": vars(dims), "model_state_dict": model.state_dict()}, path)
    return path


def ctranslate2_model(folder: Path, *, width: int = 16, layers: int = 1, heads: int = 2, words: int = WORDS) -> Path:
    """A converted model's folder as ``faster_whisper.WhisperModel(folder)`` reads it; English only, with few words."""
    specs = import_module("ctranslate2.specs.whisper_spec")
    from tokenizers import AddedToken, Tokenizer, models

    tasks = ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
    times = [f"<|{step * 0.02:.2f}|>" for step in range(1_501)]
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", *tasks, *times]
    known = [f"word{number}" for number in range(words)]
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(known)}, unk_token=known[0]))
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in special])

    spec = specs.WhisperSpec(layers, heads, layers, heads)
    _fill(spec, len(known) + len(special), width)
    # Without this the many times would win over the few words nearly always.
    spec.decoder.projection.bias = np.array([0.0] * len(known) + [-50.0] * len(special), np.float32)
    spec.register_vocabulary([*known, *special])
    spec.config.lang_ids = [tokenizer.token_to_id("<|en|>")]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.alignment_heads = [(0, 0)]
    folder.mkdir(parents=True)
    spec.validate()
    spec.save(str(folder))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def _fill(spec: Any, vocabulary: int, width: int) -> None:
    random = np.random.default_rng(0)

    def some(*shape: int) -> npt.NDArray[np.float32]:
        return (random.standard_normal(shape) * 0.2).astype(np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(width, np.float32), np.zeros(width, np.float32)

    def weigh(layer: Any, *shape: int) -> None:
        layer.weight, layer.bias = some(*shape), some(shape[0])

    def attend(layer: Any, *rows: int) -> None:
        norm(layer.layer_norm)
        for part, count in zip(layer.linear, rows, strict=True):
            weigh(part, count, width)

    def feed(layer: Any) -> None:
        norm(layer.layer_norm)
        weigh(layer.linear_0, 4 * width, width)
        weigh(layer.linear_1, width, 4 * width)

    weigh(spec.encoder.conv1, width, MELS, 3)
    weigh(spec.encoder.conv2, width, width, 3)
    spec.encoder.position_encodings.encodings = some(AUDIO_CONTEXT, width)
    spec.decoder.position_encodings.encodings = some(TEXT_CONTEXT, width)
    spec.decoder.embeddings.weight = some(vocabulary, width)
    spec.decoder.projection.weight = spec.decoder.embeddings.weight
    norm(spec.encoder.layer_norm)
    norm(spec.decoder.layer_norm)
    for layer in spec.encoder.layer:
        attend(layer.self_attention, 3 * width, width)
        feed(layer.ffn)
    for layer in spec.decoder.layer:
        attend(layer.self_attention, 3 * width, width)
        attend(layer.attention, width, 2 * width, width)
        feed(layer.ffn)
